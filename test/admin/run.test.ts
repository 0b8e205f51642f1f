// What holds for every command, whatever it does.
import { spawn, spawnSync } from 'node:child_process';
import { closeSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { COMMANDS } from '../../src/admin/commands.ts';
import { openEditor } from '../../src/store/admin/edit.ts';
import { isStopped } from '../../src/store/disk/alive.ts';
import { isHeld, openLock } from '../../src/store/pages/lock.ts';
import { fill } from '../store/filled.ts';
import { greylatch } from '../support/filter.ts';
import { suite } from '../support/needs.ts';
import { project } from '../support/project.ts';
import { testScratch } from '../support/scratch.ts';
import { until } from '../support/until.ts';

/** Has somebody press Ctrl-Z whenever a transaction has just begun. */
const HOOK = `
const addon = require('@lmdb/lmdb-linux-x64/node.napi.glibc.node');
addon.Env = class extends addon.Env {
  beginTxn(...how) {
    super.beginTxn(...how);
    process.kill(process.pid, 'SIGTSTP');
  }
};`;

test('Ctrl-Z stops no command within a transaction, which would keep the lock from all filters', async () => {
  const scratch = testScratch();
  const db = path.join(scratch.path, 'greylist.mdb');
  const editor = openEditor(db);
  fill(editor, 0, 1000);
  editor.close();
  const hook = path.join(scratch.path, 'hook.cjs');
  writeFileSync(hook, HOOK.replace('@lmdb', path.join(project, 'node_modules/@lmdb')));
  const [node, ...script] = greylatch('import', '--db', db, '-');
  const command = spawn(node!, ['--require', hook, ...script], { stdio: ['pipe', 'ignore', 'ignore'] });
  await until(() => isStopped(command.pid!));
  const lock = openLock(db);
  expect(isHeld(lock)).toBe(false);
  closeSync(lock.fd);
  command.kill('SIGKILL');
});

function run(...words: string[]): { status: number | null; stdout: string; stderr: string } {
  const [node, ...script] = greylatch(...words);
  return spawnSync(node!, script, { encoding: 'utf8' });
}

test.each([['--help'], ['--version'], ['list', '--help'], ['completion', 'bash']])(
  'where %s %s cannot be written, that is said and status 2',
  (...words) => {
    const full = openSync('/dev/full', 'w');
    const [node, ...script] = greylatch(...words);
    const { status, stderr } = spawnSync(node!, script, {
      stdio: ['ignore', full, 'pipe'],
      encoding: 'utf8',
    });
    closeSync(full);
    expect(stderr).toMatch(/^greylatch: cannot write to standard output: ENOSPC.*\n$/);
    expect(status).toBe(2);
  },
);

test('a reader that has seen enough, as in greylatch list | head, is no error', async () => {
  const [node, ...words] = greylatch('--help');
  // It waits for the end of its input before it starts: by then nobody reads any more.
  const child = spawn('sh', ['-c', 'read -r _; exec "$@"', 'sh', node!, ...words], { stdio: 'pipe' });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text) => {
    said += text;
  });
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  child.stdout.once('close', () => child.stdin.end('\n'));
  child.stdout.destroy();
  expect({ status: await ended, said }).toEqual({ status: 0, said: '' });
});

test('an error that nobody has caught is told, with its trace', () => {
  const hook = path.join(testScratch().path, 'hook.cjs');
  writeFileSync(hook, "setTimeout(() => { throw new Error('a mistake of ours'); }, 0);");
  const [node, ...script] = greylatch('--help');
  const { status, stderr } = spawnSync(node!, ['--require', hook, ...script], { encoding: 'utf8' });
  expect(stderr).toMatch(/Error: a mistake of ours\n {4}at /);
  expect(status).toBe(1);
});

test('help of the filter says what a time looks like and what each exit status means', () => {
  const { status, stdout, stderr } = run('--help');
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  expect(stdout).toMatch(/\nTimes are numbers of seconds, or written 60s, 5m, 2h, 2d, 1w\.\n/);
  expect(stdout).toMatch(/\nExit status:\n {2}0 .*\n {2}1 .*\n {2}2 .*\n/);
});

test('help of the filter ends with where the manual page is, which npm 12 keeps from man(1)', () => {
  const [, page] = /\n {2}man (\/.*)\n$/.exec(run('--help').stdout) ?? [];
  expect(readFileSync(page!, 'utf8')).toContain('\n.TH GREYLATCH 8');
});

// One column of it would be too narrow: a line that is broken cannot be copied.
test.each(COMMANDS.map(({ name, examples }) => [name, examples] as const))(
  'help of %s has each example on a line of its own',
  (name, examples) => {
    const { stdout } = run(name, '--help');
    for (const [line] of examples) expect(stdout).toContain(`\n  greylatch ${line}\n`);
  },
);

test('of a word that is missing, its name is said', () => {
  const said = (...words: string[]) => run(...words).stderr;
  expect(said('backup')).toBe('greylatch: backup: FILE is missing (see greylatch backup --help)\n');
  expect(said('completion')).toContain(': SHELL is missing; write bash or zsh (');
});

test('in a directory that is gone, that is said in one line', () => {
  const scratch = testScratch();
  const line = 'rmdir "$PWD" && exec "$0" "$@"';
  const [node, ...script] = greylatch('status');
  const { status, stderr } = spawnSync('/bin/sh', ['-c', line, node!, ...script], {
    cwd: scratch.path,
    encoding: 'utf8',
  });
  expect(stderr).toMatch(/^greylatch: cannot find out the current directory: ENOENT.*\(cd \/\)\n$/);
  expect(status).toBe(2);
});

suite('on a terminal that does not know its size', ['script'], () => {
  test('help is as wide as elsewhere', () => {
    const line = greylatch('--help').join(' ');
    const { stdout } = spawnSync('script', ['-qec', line, '/dev/null'], { input: '', encoding: 'utf8' });
    expect(stdout).toContain('--log');
    expect(Math.max(...stdout.split(/\r?\n/).map(({ length }) => length))).toBeLessThanOrEqual(100);
  });
});
