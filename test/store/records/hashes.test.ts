// Texts as numbers: the same as a Map would give them, however many there are.
import { expect, test } from 'vitest';
import { newNumbers } from '../../../src/store/records/hashes.ts';
import { makeRandom } from '../../support/random.ts';

test('a text keeps the number that it was given first, and no two share one', () => {
  const random = makeRandom(7);
  const numbers = newNumbers();
  const map = new Map<string, number>();
  let wrong = 0; // counted, for an assertion takes longer than what it is about
  for (let i = 0; i < 300_000; i++) {
    const text = `10.${random.below(4)}.${random.below(256)}.${random.below(256)}`;
    if (!map.has(text)) map.set(text, map.size);
    if (numbers.of(text) !== map.get(text)) wrong++;
  }
  expect(wrong).toBe(0);
  expect(numbers.count()).toBe(map.size);
  expect(map.size).toBeGreaterThan(100_000);
});
