// The log: seldom, in one printable line, and never in the way.
import { mkdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { type Level, type Log, newLog, sparingly } from '../../src/log/log.ts';
import { openTarget } from '../../src/log/targets.ts';
import { makeScratch } from '../support/scratch.ts';

const scratch = makeScratch();
afterAll(() => scratch.remove());

function list(): Log & { lines: string[] } {
  const lines: string[] = [];
  return { lines, write: (level, text) => void lines.push(`${level} ${text}`), close: (done) => done() };
}

test('opens its target with the first message only, and survives one that cannot be written', () => {
  let opened = 0;
  const log = newLog(
    'stderr',
    () => {
      opened++;
      throw new Error('no such place');
    },
    'stderr',
  );
  expect(opened).toBe(0);
  log.write('err', 'one');
  log.write('err', 'two');
  expect(opened).toBe(2);
  log.close(() => opened++);
  expect(opened).toBe(3);
});

test('what a file does not take goes where it is seen, as long as it does not; both are closed', () => {
  const file = path.join(scratch.path, 'none', 'log');
  const other = list();
  const log = newLog(`file:${file}`, (to) => (to === 'syslog' ? other : openTarget(to)), 'syslog');
  log.write('err', 'one');
  expect(other.lines).toEqual([
    expect.stringMatching(
      /^err --log file:\S+\/none\/log cannot be written \(ENOENT.*\), where this belongs: one$/,
    ),
  ]);
  mkdirSync(path.dirname(file));
  log.write('err', 'two');
  expect(readFileSync(file, 'utf8')).toMatch(/err: two\n$/);
  expect(other.lines).toHaveLength(1);
  let closed = 0;
  log.close(() => closed++);
  expect(closed).toBe(1);
});

test('writes one printable line, whatever it is given', () => {
  const target = list();
  newLog('stderr', () => target, 'none').write('warning', `a\nb\x1b[31m\xe4${'x'.repeat(2000)}`);
  expect(target.lines).toHaveLength(1);
  expect(target.lines[0]).toMatch(/^warning a\\x0ab\\x1b\[31m\\xe4x{800,}\.\.\.$/);
});

test('says the same thing once a minute, and how often it kept silent', () => {
  const target = list();
  let now = 0;
  const say = sparingly(target, () => now);
  const at = (second: number, level: Level, kind: string) => {
    now = second;
    say(level, kind, kind);
  };
  for (let second = 0; second < 60; second++) at(second, 'err', 'store');
  at(30, 'err', 'other');
  at(60, 'err', 'store');
  expect(target.lines).toEqual(['err store', 'err other', 'err store (and 59 times since the last message)']);
});

test('a clock that is set back silences nothing', () => {
  const target = list();
  let now = 1_700_000_000;
  const say = sparingly(target, () => now);
  say('err', 'store', 'one');
  now -= 3600;
  say('err', 'store', 'two');
  expect(target.lines).toEqual(['err one', 'err two']);
});
