// greylatch completion: the scripts in the shells themselves, a TAB typed on a terminal.
import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { COMMANDS } from '../../src/admin/commands.ts';
import { OPTIONS } from '../../src/cli/options.ts';
import { greylatch } from '../support/filter.ts';
import { suite } from '../support/needs.ts';
import { useScratch } from '../support/scratch.ts';
import { type Shell, startShell } from '../support/shell.ts';

function completion(...words: string[]): { status: number | null; stdout: string; stderr: string } {
  const [command, ...rest] = greylatch('completion', ...words);
  const { status, stdout, stderr } = spawnSync(command!, rest, { encoding: 'utf8' });
  return { status, stdout, stderr };
}

// What is typed before the TAB, and the line that it becomes.
const LINES: Record<string, string> = {
  'greylatch ver': 'greylatch verify ',
  'greylatch completion z': 'greylatch completion zsh ',
  'greylatch --auto': 'greylatch --auto-whitelist',
  'greylatch --sync al': 'greylatch --sync always ',
  'greylatch --sync=al': 'greylatch --sync=always ',
  'greylatch --delay 5 --on-error du': 'greylatch --delay 5 --on-error dunno ',
  'greylatch verify --d': 'greylatch verify --db',
  'greylatch verify --db only': 'greylatch verify --db only-one.mdb ',
  'greylatch verify --db=only': 'greylatch verify --db=only-one.mdb ',
  'greylatch --log sys': 'greylatch --log syslog ',
  'greylatch salvage only': 'greylatch salvage only-one.mdb ',
};

for (const kind of ['bash', 'zsh'] as const) {
  suite(`in ${kind}`, [kind, 'script'], () => {
    const scratch = useScratch('of all');
    let shell: Shell;
    beforeAll(async () => {
      const script = path.join(scratch.path, 'completion');
      const { status, stdout, stderr } = completion(kind);
      expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
      writeFileSync(script, stdout);
      mkdirSync(path.join(scratch.path, 'in'));
      writeFileSync(path.join(scratch.path, 'in/only-one.mdb'), '');
      const before = kind === 'zsh' ? 'autoload -Uz compinit; compinit -D -u; ' : '';
      shell = await startShell(kind, scratch.path, `${before}cd in; source ../completion`);
    });
    afterAll(async () => {
      await shell?.close();
    });

    test.each(Object.entries(LINES))('%s', async (typed, line) => {
      // An option is completed with a blank behind it or "=", as the shell likes.
      const got = (await shell.type(`${typed}\t`)).replace(/(--[a-z-]+)[ =]$/, '$1');
      expect({ typed, got }).toEqual({ typed, got: line });
    });

    test('every command and every option of the filter is offered', async () => {
      const offered = COMMANDS.map(({ name }) => `greylatch ${name}`);
      const options = Object.keys(OPTIONS).map((name) => `greylatch --${name}`);
      for (const whole of [...offered, ...options]) {
        const others = [...offered, ...options].filter((other) => other !== whole && other.startsWith(whole));
        if (others.length > 0) continue; // stays as it is until one says which
        expect((await shell.type(`${whole}\t`)).length).toBeGreaterThan(whole.length);
      }
    });
  });
}

test('of another shell, it says which it knows', () => {
  expect(completion('fish')).toMatchObject({
    status: 2,
    stdout: '',
    stderr: expect.stringContaining('write bash or zsh'),
  });
});
