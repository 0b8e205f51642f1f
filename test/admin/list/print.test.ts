// Releases as a table and as JSON: the one that ends first on top, and what --limit leaves.
import { expect, test } from 'vitest';
import { entriesText, releasesText } from '../../../src/admin/list/print.ts';
import type { Release } from '../../../src/store/releases.ts';
import { triple } from '../report/made.ts';

const RELEASES: Release[] = [
  { client: '192.0.2.0/24', until: 1_764_000_300 },
  { sender: '', until: 1_764_000_100 },
  { recipient: 'j\xf6rg@example.net', until: 1_764_000_200 },
];

test('releases: the one that ends first on top, * for what is not given', () => {
  const lines = releasesText(RELEASES, 0, false).split('\n');
  const cells = lines.map((line) => line.split(/ {2,}/).slice(1));
  expect(cells.slice(0, 4)).toEqual([
    ['client', 'sender', 'recipient'],
    ['*', "''", '*'],
    ['*', '*', 'j\\xf6rg@example.net'],
    ['192.0.2.0/24', '*', '*'],
  ]);
  expect(lines[4]).toBe('3 releases');
  expect(releasesText(RELEASES, 2, false)).toMatch(/\n2 of 3 releases \(--limit\)\n$/);
  expect(releasesText(RELEASES, 2, true)).toBe(
    '{"sender":"","until":1764000100}\n{"recipient":"j\\u00f6rg@example.net","until":1764000200}\n',
  );
  expect(releasesText([], 0, false)).toBe('0 releases\n');
});

test('a triple was seen last when it passed first, which is on record to the second, unless it passed again hours later', () => {
  const firstSeen = 1_764_000_000;
  const now = firstSeen + 9000;
  const all = [
    triple({ wait: 1900, lastPassed: firstSeen, offsets: [600] }),
    triple({ wait: 1900, lastPassed: firstSeen + 7200 }),
    triple({ offsets: [600] }),
  ];
  const lasts = entriesText(all, 3, 'triple', now, false)
    .split('\n')
    .slice(1, 4)
    .map((line) => line.split(/ {2,}/)[4]);
  expect(lasts).toEqual(['1 h 58 min ago', '30 min ago', '2 h 20 min ago']);
});

test('triples that have passed, with and without a wait, and that wait', () => {
  const now = 1_764_000_000 + 90;
  const all = [triple({}), triple({ wait: 300 }), triple({ passed: true, lastPassed: now })];
  const waits = entriesText(all, 3, 'triple', now, false)
    .split('\n')
    .map((line) => line.split(/ {2,}/).slice(0, 3));
  expect(waits.slice(0, 4)).toEqual([
    ['state', 'waited', 'deferred'],
    ['waiting', '1 min 30 s', '1'],
    ['passed', '5 min', '1'],
    ['passed', '-', '1'],
  ]);
});
