// What stands above the tables: when, on what, with which versions.
import { spawnSync } from 'node:child_process';
import { statfsSync } from 'node:fs';
import os from 'node:os';

const FILE_SYSTEMS: Record<number, string> = {
  61267: 'ext4',
  16914836: 'tmpfs, which knows no disk: set TMPDIR to a directory on one',
  1481003842: 'xfs',
  2435016766: 'btrfs',
  2035054128: 'overlayfs',
};

export function header(directory: string): string {
  const [cpu] = os.cpus();
  const type = statfsSync(directory).type;
  const lines = [
    `${new Date().toISOString().slice(0, 10)}, ${os.availableParallelism()} cores, ${cpu?.model ?? os.arch()}, ` +
      `Linux ${os.release()}, databases on ${FILE_SYSTEMS[type] ?? `a file system of type 0x${type.toString(16)}`}`,
    `greylatch ${commit()}, Node ${process.version}, perl ${perl()}, ` +
      `postgrey ${version('postgrey')}, postfix-doc ${version('postfix-doc')}`,
  ];
  return lines.join('\n');
}

function commit(): string {
  const hash = output('git', ['rev-parse', '--short', 'HEAD']);
  if (hash === '') return 'without a commit';
  return output('git', ['status', '--porcelain', '--', 'src', 'bin']) === '' ? hash : `${hash} with changes`;
}

function perl(): string {
  return output('perl', ['-e', 'printf "%vd", $^V']) || 'not installed';
}

function version(debianPackage: string): string {
  // name, tab, version; the version is empty where only the name is known
  return output('dpkg-query', ['-W', debianPackage]).split('\t')[1] || 'not installed';
}

function output(command: string, args: string[]): string {
  const { status, stdout } = spawnSync(command, args, { encoding: 'utf8' });
  return status === 0 ? stdout.trim() : '';
}
