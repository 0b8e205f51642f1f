// Whom the audit proposes for the list.
import { expect, test } from 'vitest';
import { newWanted } from '../../../src/admin/lists/wanted.ts';

const NOW = 1_800_000_000;
const DAY = 86_400;
const settings = { delay: 60, retryWindow: 2 * DAY };

/** Triples of the client that passed after these waits; 0: one that waits, first seen so long ago. */
function triples(client: string, waits: readonly number[], age = 3 * DAY) {
  return waits.map((wait, i) => ({
    kind: 'triple' as const,
    client,
    sender: `s${i}@example.org`,
    recipient: 'r@example.net',
    firstSeen: NOW - age,
    passed: wait > 0,
    lastPassed: wait > 0 ? NOW - age + wait : 0,
    wait,
    deferrals: 1,
    offsets: [],
  }));
}

const FIVE = [300, 300, 900, 600, 300];

test('those who waited often and always came back, who waited longest first', () => {
  const wanted = newWanted(NOW, settings);
  const records = [
    ...triples('192.0.2.1', FIVE),
    ...triples('192.0.2.2', FIVE.slice(1)), // not often
    ...triples('192.0.2.3', [...FIVE, 0]), // one never came back
    ...triples('192.0.2.4', FIVE),
    ...triples('192.0.2.4', [0], DAY), // may still come back
    ...triples('192.0.2.5', [50, 50, 50, 900, 900]), // within the delay, most often
    ...triples('192.0.2.6', [60, 60, 60, 900, 900]), // at the delay, and not above it
    ...triples('example.com', [900, 900, 900, 900, 900]),
    ...triples('abcdefghijklm01', FIVE), // a pseudonym
  ];
  for (const record of records) wanted.add(record);
  expect(wanted.all()).toEqual([
    { line: 'example.com', passed: 5, median: 900 },
    { line: '192.0.2.1', passed: 5, median: 300 },
    { line: '192.0.2.4', passed: 5, median: 300 },
  ]);
});
