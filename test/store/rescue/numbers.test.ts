// How large the pages of a file are, by the numbers that they bear. (What shows that one is a page: ours.test.ts.)
import { expect, test } from 'vitest';
import { LEAF } from '../../../src/store/pages/format.ts';
import { pageSizeOfMost } from '../../../src/store/rescue/numbers.ts';

/** Rubbish, but for leaves that bear these numbers at these places. */
function file(...leaves: [at: number, number: number][]): Buffer {
  const bytes = Buffer.alloc(40 * 16_384, 0xa5);
  for (const [at, number] of leaves) {
    bytes.writeBigUInt64LE(BigInt(number), at);
    bytes.writeUInt16LE(LEAF, at + 18);
  }
  return bytes;
}

test('what most say is believed: a page that lies where it does not belong may look like a larger one', () => {
  expect(pageSizeOfMost(file([6 * 4096, 3], [5 * 4096, 5], [7 * 4096, 7]))).toBe(4096);
  expect(pageSizeOfMost(file([5 * 16_384, 5], [7 * 16_384, 7], [9 * 4096, 9]))).toBe(16_384);
  expect(pageSizeOfMost(file([5 * 16_384, 5]))).toBe(16_384);
});

test('where none says anything, they are as small as can be', () => {
  for (const bytes of [file(), file([5 * 4096, 6]), Buffer.alloc(0), Buffer.alloc(10)])
    expect(pageSizeOfMost(bytes)).toBe(4096);
});
