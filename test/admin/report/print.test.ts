// The report for a terminal: what is said, and what an attacker cannot make it do.
import { expect, test } from 'vitest';
import { bar, sparkline } from '../../../src/admin/report/chart.ts';
import { printed } from '../../../src/admin/report/print.ts';
import { percent } from '../../../src/admin/report/words.ts';
import { newPaint } from '../../../src/admin/text.ts';
import type { Entry } from '../../../src/store/admin/entry.ts';
import { gathered, made, triple } from './made.ts';

const NOW = 1_764_000_000;

function text(entries: Iterable<Entry>, colour = false): string {
  return printed('/var/mta/greylist.mdb', gathered(NOW, entries), newPaint(colour));
}

test('all that there is to be said of many records, and nothing that is not there', () => {
  const output = text(made(5000, NOW));
  for (const heading of [
    'Benefit',
    'Cost',
    'Advice',
    'Triples',
    'How long mail waited',
    'The last 8 days',
    'Sender domains that waited longest',
    'Clients that waited longest',
    'Recipients most affected',
    'Mails that changed from client to client',
    'Close to the auto-whitelist',
  ])
    expect(output).toContain(heading);
  expect(output).not.toMatch(/undefined|NaN|null| $/m);
  const little = text([]);
  expect(little).toContain('Too early to say');
  expect(little).not.toMatch(/undefined|NaN|null|longest/);
});

test('one of a kind is said as one', () => {
  const passed = triple({ firstSeen: NOW - 86_400, passed: true, lastPassed: NOW - 86_000 });
  const output = text([passed]).replace(/\s+/g, ' ');
  expect(output).toContain('1 triple passed without a wait on record (imported, or released).');
  expect(output).toContain('of the 1 triple first seen');
});

test('where nothing came back, no part of that is named', () => {
  const waiting = triple({ firstSeen: NOW - 86_400 });
  const cameBack = triple({ client: '192.0.2.2', firstSeen: NOW - 86_400, wait: 300 });
  const benefitOf = (...entries: Entry[]) =>
    /Benefit (.*?) Cost/.exec(text(entries).replace(/\s+/g, ' '))?.[1];
  expect(benefitOf(waiting)).toMatch(/^100 % of the 1 triple first seen .* ago did not come back\.$/);
  expect(benefitOf(waiting, cameBack)).toMatch(/\(of what does come back, 100 % has by that age\)\.$/);
});

test('control characters of a sender never reach the terminal', () => {
  const evil = triple({
    client: '\x1b]0;owned\x07',
    sender: 'x@\x1b[2J\x9b31m.example\r\n',
    recipient: '\x7f\x80@example.net',
    firstSeen: NOW - 86_400,
    wait: 300,
  });
  expect(text([evil])).not.toMatch(/[\x00-\x09\x0b-\x1f\x7f-\x9f]/);
});

test('colour only where it is wanted', () => {
  expect(text(made(500, NOW))).not.toContain('\x1b');
  expect(text(made(500, NOW), true)).toContain('\x1b[1mTriples\x1b[0m');
});

test('bars to an eighth of a character, and of a little something', () => {
  expect([bar(1, 4), bar(0.5, 4), bar(0.53125, 4), bar(0.0001, 4), bar(0, 4)]).toEqual([
    '████',
    '██',
    '██▏',
    '▏',
    '',
  ]);
});

test('lines: the largest is highest, what is not known is a dot', () => {
  expect(sparkline([0, 1, 4, 8, null, undefined])).toBe('▁▂▅█··');
  expect(sparkline([0, 0])).toBe('▁▁');
});

test('per cent: neither 0 nor 100 unless it is', () => {
  expect([percent(0, 9), percent(9, 9), percent(1, 99_999), percent(99_998, 99_999), percent(1, 3)]).toEqual([
    '0 %',
    '100 %',
    '0.1 %',
    '99.9 %',
    '33 %',
  ]);
  expect(percent(0, 0)).toBe('-');
});
