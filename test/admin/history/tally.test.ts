// Waits counted by length: as a sorted list would have it.
import { expect, test } from 'vitest';
import { addTo, between, newTally, percentile } from '../../../src/admin/history/tally.ts';
import { makeRandom } from '../../support/random.ts';

/** As long as a record can say: to the second below nine hours, to 64 s beyond. */
const kept = (seconds: number) => (seconds < 32_768 ? seconds : seconds - ((seconds - 32_768) % 64));

test('percentiles agree with a sorted list', () => {
  const random = makeRandom(61);
  for (let round = 0; round < 60; round++) {
    const most = random.pick([3, 400, 40_000, 2_000_000]);
    const waits = Array.from({ length: 1 + random.below(300) }, () => random.below(most));
    const tally = newTally();
    for (const wait of waits) addTo(tally, wait);
    const sorted = waits.map(kept).sort((a, b) => a - b);
    for (const part of [0, 0.01, 0.5, 0.9, 0.95, 0.999, 1, random.next()]) {
      const rank = Math.max(1, Math.ceil(part * sorted.length));
      expect(percentile(tally, part), `${part} of ${sorted.length}`).toBe(sorted[rank - 1]);
    }
    expect(tally).toMatchObject({
      count: waits.length,
      worst: Math.max(...waits),
      sum: waits.reduce((a, b) => a + b, 0),
    });
    const edges = [0, 60, 300, 28_800, 86_400];
    for (const [i, from] of edges.entries()) {
      const to = edges[i + 1] ?? Number.POSITIVE_INFINITY;
      expect(between(tally, from, to)).toBe(waits.filter((wait) => wait >= from && wait < to).length);
    }
  }
});

test('there is no percentile of nothing', () => {
  expect(percentile(newTally(), 0.5)).toBeUndefined();
});
