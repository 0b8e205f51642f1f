// How long what is stored counts: to the second.
import { expect, test } from 'vitest';
import { clientCounts, FRESH, tripleCounts } from '../../src/store/store.ts';

const now = 1_700_000_000;
const lives = { retryWindow: 1000, maxAge: 5000 };

test.each([
  ['waits, within the retry window', 1000, undefined, true],
  ['waits, beyond it', 1001, undefined, false],
  ['has passed, whenever it was first seen', 999_999, 0, true],
  ['has passed, within max age and the day to which that is noted', 999_999, 5000 + FRESH, true],
  ['has passed, beyond it', 999_999, 5001 + FRESH, false],
  ['is seen now', 0, undefined, true],
  ['will be seen, by a clock that is ahead', -1, undefined, false],
  ['will have passed, by a clock that was ahead', -1, -1, false],
])('a triple that %s', (_, seenAgo, passedAgo, counts) => {
  const lastPassed = passedAgo === undefined ? 0 : now - passedAgo;
  expect(tripleCounts(now - seenAgo, lastPassed, now, lives)).toBe(counts);
});

test('a triple that was never seen does not count; without limits, all others do, and clients', () => {
  const forEver = { retryWindow: 0, maxAge: 0 };
  expect(tripleCounts(0, 0, now, forEver)).toBe(false);
  expect(tripleCounts(1, 0, now, forEver)).toBe(true);
  expect(tripleCounts(1, 2, now, forEver)).toBe(true);
  expect(clientCounts(1, now, forEver)).toBe(true);
});

test('a client counts for max age, and the day to which that is noted', () => {
  expect(clientCounts(now - 5000 - FRESH, now, lives)).toBe(true);
  expect(clientCounts(now - 5001 - FRESH, now, lives)).toBe(false);
  expect(clientCounts(now - 1, now, { ...lives, maxAge: 1 })).toBe(true);
  expect(clientCounts(now - 2 - FRESH, now, { ...lives, maxAge: 1 })).toBe(false);
  expect(tripleCounts(now - 2, 0, now, { ...lives, retryWindow: 1 })).toBe(false);
});
