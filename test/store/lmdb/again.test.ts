// What is tried again, and how often: what passes by itself, and not for ever.
import { expect, test, vi } from 'vitest';
import { BadLockError, DamageError, MovedError } from '../../../src/store/damage.ts';
import { tryAgain } from '../../../src/store/lmdb/again.ts';

/** Work that fails so many times, with this error. */
const failing = (times: number, error: Error) =>
  vi.fn(() => {
    if (times-- > 0) throw error;
    return 'done';
  });

test('what passes by itself is tried five times in all, with some time in between', () => {
  const moved = new MovedError('moved');
  const passes = failing(4, moved);
  const pauses = vi.spyOn(Atomics, 'wait');
  expect(tryAgain([DamageError, MovedError], passes)).toBe('done');
  expect([passes.mock.calls.length, pauses.mock.calls.length]).toEqual([5, 4]);
  const stays = failing(Number.POSITIVE_INFINITY, moved);
  expect(() => tryAgain([MovedError], stays)).toThrow(moved);
  expect([stays.mock.calls.length, pauses.mock.calls.length]).toEqual([5, 8]);
  pauses.mockRestore();
});

test('an error of another kind is thrown at once', () => {
  const damage = new DamageError('damaged');
  const fails = failing(1, damage);
  expect(() => tryAgain([MovedError, BadLockError], fails)).toThrow(damage);
  expect(fails).toHaveBeenCalledTimes(1);
});
