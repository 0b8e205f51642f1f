// Facts about the machine: files and the directories that lead to them, accounts, processes, file systems. Judges nothing,
// changes nothing.
import { spawnSync } from 'node:child_process';
import { lstatSync, readFileSync, realpathSync, type Stats, statfsSync, statSync } from 'node:fs';
import path from 'node:path';
import { attempt } from '../attempt.ts';
import { commandOf, processIds } from '../processes.ts';
import type { Inode, Place, User } from './permissions.ts';

export function lookAt(wanted: string): Place {
  const ways = [wanted, realpath(wanted)];
  const directories = new Set(ways.flatMap((way) => (way === undefined ? [] : ancestors(way))));
  const parents = [...directories]
    .map((directory) => attempt(() => toInode(directory, statSync(directory))))
    .filter((inode) => inode !== undefined);
  try {
    return { path: wanted, parents, self: toInode(wanted, statSync(wanted)), reason: undefined };
  } catch (error) {
    return { path: wanted, parents, self: undefined, reason: (error as NodeJS.ErrnoException).code };
  }
}

/** The path without links; undefined where it leads nowhere. */
export function realpath(wanted: string): string | undefined {
  return attempt(() => realpathSync(wanted));
}

export function isLink(wanted: string): boolean {
  return attempt(() => lstatSync(wanted).isSymbolicLink()) ?? false;
}

function ancestors(wanted: string): string[] {
  const parent = path.dirname(wanted);
  return parent === wanted ? [] : [...ancestors(parent), parent];
}

function toInode(wanted: string, stats: Stats): Inode {
  const { mode, uid, gid } = stats;
  const kind = stats.isFile()
    ? 'file'
    : stats.isDirectory()
      ? 'directory'
      : stats.isSocket()
        ? 'socket'
        : 'other';
  return { path: wanted, kind, mode, uid, gid, owner: account('passwd', String(uid))?.[0] ?? String(uid) };
}

const known = new Map<string, string[] | undefined>();

/** A line of passwd(5) or group(5) by name or number, wherever the machine keeps its accounts. */
function account(database: 'passwd' | 'group', key: string): string[] | undefined {
  const words = `${database} ${key}`;
  if (!known.has(words)) {
    const run = spawnSync('getent', [database, key], { encoding: 'utf8' });
    known.set(words, run.status === 0 ? run.stdout.trimEnd().split(':') : undefined);
  }
  return known.get(words);
}

/**
 * Whether a process of this host listens on the socket, by /proc/net/unix (proc(5)). Postfix names its own relative to the `queue`
 * directory.
 */
export function isListening(socket: string, queue: string, table: string): boolean {
  const names = [socket, path.relative(queue, socket)];
  return table.split('\n').some((line) => {
    // Blanks pad the inode's number, and may be in the path.
    const [, flags, name = ''] = /^\S+ \S+ \S+ (\S+) \S+ \S+ +\d+ (.*)$/.exec(line) ?? [];
    return flags === LISTENS && names.includes(name);
  });
}
/** As a flag in /proc/net/unix (__SO_ACCEPTCON in the kernel's sources). */
const LISTENS = '00010000';

/** The TCP ports on which a process of this host listens, by /proc/net/tcp (proc(5)); undefined where that cannot be read. */
export function listeningPorts(): Set<number> | undefined {
  const tables = ['tcp', 'tcp6'].map((name) => attempt(() => readFileSync(`/proc/net/${name}`, 'latin1')));
  if (tables[0] === undefined) return undefined;
  const lines = tables.flatMap((table) => table?.split('\n') ?? []);
  return new Set(
    lines.flatMap((line) => {
      const [, local = '', , state] = line.trim().split(/ +/);
      return state === TCP_LISTEN ? [Number.parseInt(local.split(':')[1]!, 16)] : [];
    }),
  );
}
/** As a state in /proc/net/tcp. */
const TCP_LISTEN = '0A';

/** The account, by the names as spawn(8) reads them in user=; undefined where one is not known. */
export function userNamed(name: string, group = ''): User | undefined {
  const passwd = account('passwd', name);
  const gid = group === '' ? passwd?.[3] : account('group', group)?.[2];
  // getent takes a number for a name; spawn(8) does not.
  if (passwd?.[0] !== name || gid === undefined) return undefined;
  return { name, uid: Number(passwd[2]), gid: Number(gid) };
}

export function groupNamed(name: string): number | undefined {
  const gid = account('group', name)?.[2];
  return gid === undefined ? undefined : Number(gid);
}

/** The command lines of all processes of a user. */
export function processesOf(uid: number): string[][] {
  return processIds().flatMap((pid) => {
    const status = attempt(() => readFileSync(`/proc/${pid}/status`, 'latin1')) ?? ''; // gone by now
    if (Number(/^Uid:\s+(\d+)/m.exec(status)?.[1] ?? -1) !== uid) return [];
    const words = commandOf(pid);
    return [words.length > 0 ? words : [/^Name:\s+(.*)$/m.exec(status)?.[1] ?? `${pid}`]];
  });
}

export interface Mount {
  point: string;
  type: string;
  readOnly: boolean;
}

export interface Space {
  /** Bytes for users other than root. */
  free: number;
  size: number;
  /** 0 where the file system has no fixed number of them. */
  inodes: number;
  freeInodes: number;
}

/** The file system that holds a path, by /proc/self/mountinfo (proc(5)); of two on one mount point, the later one counts. */
export function mountOf(wanted: string, mountinfo: string): Mount | undefined {
  let best: Mount | undefined;
  for (const line of mountinfo.split('\n')) {
    const [before, after] = line.split(' - ');
    const [, , , , point = '', options = ''] = before!.split(' ');
    const [type = '', , superOptions = ''] = after?.split(' ') ?? [];
    const plain = point.replace(/\\(\d{3})/g, (_, octal: string) =>
      String.fromCharCode(Number.parseInt(octal, 8)),
    );
    const holds = plain !== '' && (wanted === plain || wanted.startsWith(plain === '/' ? '/' : `${plain}/`));
    if (!holds || plain.length < (best?.point.length ?? 0)) continue;
    const readOnly = [options, superOptions].some((list) => list.split(',').includes('ro'));
    best = { point: plain, type, readOnly };
  }
  return best;
}

export function readMounts(): string {
  return attempt(() => readFileSync('/proc/self/mountinfo', 'latin1')) ?? '';
}

export function spaceAt(directory: string): Space | undefined {
  return attempt(() => {
    const { bsize, blocks, bavail, files, ffree } = statfsSync(directory);
    return { free: bavail * bsize, size: blocks * bsize, inodes: files, freeInodes: ffree };
  });
}

export interface Run {
  status: number | null;
  out: string;
  /** The first line of standard error, or why nothing ran. */
  error: string;
}

const PATIENCE = 30_000; // milliseconds for a program that is to print its version

/** Runs a program as spawn(8) would: as that user (where doctor does not run as root, as its own), in a clean environment. */
export function runAs(user: User, cwd: string, [command = '', ...words]: readonly string[]): Run {
  const identity = process.getuid?.() === 0 ? { uid: user.uid, gid: user.gid } : {};
  const options = {
    cwd,
    env: { PATH: SPAWN_PATH },
    timeout: PATIENCE,
    encoding: 'utf8',
    ...identity,
  } as const;
  const { status, stdout, stderr, error } = spawnSync(command, words, options);
  const said = (stderr ?? '').split('\n').filter((line) => line.trim() !== '');
  const telling = said.find((line) => /^\S*Error\b/.test(line)) ?? said[0];
  return { status, out: (stdout ?? '').trim(), error: telling ?? error?.message ?? '' };
}

/** What spawn(8) leaves of PATH (ROOT_PATH in its sources). */
export const SPAWN_PATH = '/bin:/usr/bin:/sbin:/usr/sbin';
