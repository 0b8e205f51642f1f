// Mails as triples tell of them: which triples are one mail, and when its attempts were.
import { expect, test } from 'vitest';
import { mailsOf } from '../../../src/admin/history/mails.ts';
import { newCollector } from '../../../src/admin/history/triples.ts';
import type { TripleEntry } from '../../../src/store/admin/entry.ts';
import { triple } from '../report/made.ts';

const T = 1_764_000_000;
const DAY = 86_400;

function mails(entries: Partial<TripleEntry>[], retryWindow = 2 * DAY) {
  const { triples, add } = newCollector();
  for (const [i, entry] of entries.entries()) add(triple({ client: `192.0.${i}.1`, ...entry }));
  return mailsOf(triples, 0, retryWindow).map(({ start, pass, attempts, triples: parts }) => ({
    start: start - T,
    pass: pass === 0 ? 0 : pass - T,
    parts,
    attempts: attempts.map(({ at, triple }) => [at - T, triple]),
  }));
}

test('a triple by itself is a mail', () => {
  expect(mails([{ firstSeen: T, offsets: [20, 45], wait: 300 }])).toEqual([
    {
      start: 0,
      pass: 300,
      parts: [0],
      attempts: [
        [0, 0],
        [20, 0],
        [45, 0],
        [300, 0],
      ],
    },
  ]);
  expect(mails([{ firstSeen: T }])).toMatchObject([{ pass: 0, attempts: [[0, 0]] }]);
});

test('a mail that went from client to client waited from its first sight by any', () => {
  const moved = [
    { firstSeen: T + 1000, offsets: [50] },
    { firstSeen: T },
    { firstSeen: T + 2000, wait: 400 },
  ];
  expect(mails(moved)).toEqual([
    {
      start: 0,
      pass: 2400,
      parts: [2, 1, 0],
      attempts: [
        [0, 1],
        [1000, 0],
        [1050, 0],
        [2000, 2],
        [2400, 2],
      ],
    },
  ]);
});

test('what was given up longer than the retry window before, or first seen after the pass, is another mail', () => {
  const passed = { firstSeen: T + 3 * DAY, wait: 400 };
  const found = mails([{ firstSeen: T }, passed, { firstSeen: T + 3 * DAY + 500 }]);
  expect(found.map(({ start, pass, parts }) => ({ start, passed: pass > 0, parts }))).toEqual([
    { start: 0, passed: false, parts: [0] },
    { start: 3 * DAY, passed: true, parts: [1] },
    { start: 3 * DAY + 500, passed: false, parts: [2] },
  ]);
  expect(mails([{ firstSeen: T }, passed], 0)).toMatchObject([{ start: 0, parts: [1, 0] }]);
});

test('two mails that pass have what was given up before each', () => {
  const found = mails([
    { firstSeen: T + 100 },
    { firstSeen: T + 200, wait: 300 },
    { firstSeen: T + 600 },
    { firstSeen: T + 700, wait: 300 },
  ]);
  expect(found.map(({ start, pass, parts }) => [start, pass, parts])).toEqual([
    [100, 500, [1, 0]],
    [600, 1000, [3, 2]],
  ]);
});
