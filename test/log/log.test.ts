// The log: seldom, in one printable line, and never in the way.
import { mkdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { type Level, type Log, newLog, sparingly } from '../../src/log/log.ts';
import { openTarget } from '../../src/log/targets.ts';
import { useScratch } from '../support/scratch.ts';

const scratch = useScratch('of all');

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

test('a place is opened once, and the end has come when each is closed', () => {
  const opened: string[] = [];
  const ends: (() => void)[] = [];
  const log = newLog(
    'file:/full',
    (to) => {
      opened.push(to);
      const write = () => {
        if (to !== 'syslog') throw new Error('no space');
      };
      return { write, close: (done) => void ends.push(done) };
    },
    'syslog',
  );
  log.write('err', 'one');
  log.write('err', 'two');
  expect(opened).toEqual(['file:/full', 'syslog']);
  let closed = 0;
  log.close(() => closed++);
  expect([ends.length, closed]).toEqual([2, 0]);
  ends[0]!();
  expect(closed).toBe(0);
  ends[1]!();
  expect(closed).toBe(1);
});

test('none is no place, and nothing goes elsewhere for it', () => {
  const log = newLog(
    'none',
    (to) => {
      throw new Error(`${to} was opened`);
    },
    'none',
  );
  expect(() => log.write('crit', 'one')).not.toThrow();
  const other = list();
  newLog('none', (to) => (to === 'syslog' ? other : openTarget(to)), 'syslog').write('crit', 'one');
  expect(other.lines).toEqual([]);
});

test('writes one printable line, whatever it is given', () => {
  const target = list();
  newLog('stderr', () => target, 'none').write('warning', `a\nb\x1b[31m\xe4${'x'.repeat(2000)}`);
  expect(target.lines).toHaveLength(1);
  expect(target.lines[0]).toMatch(/^warning a\\x0ab\\x1b\[31m\\xe4x{800,}\.\.\.$/);
});

test('cuts what does not fit into a datagram, and nothing else', () => {
  const target = list();
  const log = newLog('stderr', () => target, 'none');
  for (const length of [900, 901]) log.write('info', 'x'.repeat(length));
  expect(target.lines).toEqual([`info ${'x'.repeat(900)}`, `info ${'x'.repeat(900)}...`]);
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

test('says it again a minute later, however often it was silent, and when the clock was set back', () => {
  const target = list();
  let now = 1_000_000;
  const say = sparingly(target, () => now);
  for (const second of [0, 59, 60, 120, 0]) {
    now = 1_000_000 + second;
    say('err', 'store', `${second}`);
  }
  expect(target.lines).toEqual(['err 0', 'err 60 (and 1 times since the last message)', 'err 120', 'err 0']);
});
