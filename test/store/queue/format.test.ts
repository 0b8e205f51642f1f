// A queue's bytes.
import { expect, test } from 'vitest';
import {
  CONSUMED,
  headerOf,
  isSound,
  MAX_ENTRY,
  readEntries,
  writeEntry,
} from '../../../src/store/queue/format.ts';
import { MAX_KEY } from '../../../src/store/records/key.ts';

test('the bytes are those that filters which run already write and read', () => {
  const bytes = Buffer.alloc(64);
  const entry = (durable: boolean) =>
    bytes.toString('hex', 0, writeEntry(bytes, Buffer.from('key'), 3, 1_700_000_000, durable));
  expect(entry(false)).toBe('0300f138eaaf00f153656b6579');
  expect(entry(true)).toBe('0380f138eaaf00f153656b6579');
  expect(headerOf(0x1234).toString('hex')).toBe('474c5131000000001000000034120000');
});

test('an entry is one as a whole, with a key that can be, wherever it stands', () => {
  const bytes = Buffer.alloc(MAX_ENTRY + 10);
  const read = (key: string, from = 0, cut = 0) => {
    const end = writeEntry(bytes.fill(0), Buffer.from(key), key.length, 1000, true);
    const firstSeen = new Map<string, number>();
    const before = Buffer.alloc(from, 1);
    const found = readEntries(Buffer.concat([before, bytes.subarray(0, end - cut)]), firstSeen);
    return [[...firstSeen.keys()], found.end, found.durable];
  };
  const longest = 'x'.repeat(MAX_KEY);
  expect(read('a')).toEqual([['a'], 11, true]);
  expect(read('a', 7)).toEqual([['a'], 18, true]);
  expect(read(longest)).toEqual([[longest], MAX_ENTRY, true]);
  // What is missing must not be taken for zeros.
  for (const [key, cut] of [
    ['a\0', 1],
    ['\0', 1],
    ['\0\0\0', 3],
    ['', 0],
    [`${longest}x`, 0],
  ] as const)
    expect([key, read(key, 0, cut)]).toEqual([key, [[], 0, false]]);
});

test('a header is one where it says what can be', () => {
  const header = (change: (words: Uint32Array) => void) => {
    const words = Uint32Array.from(new Uint32Array(Uint8Array.from(headerOf(1)).buffer));
    change(words);
    return isSound(words);
  };
  expect(header(() => {})).toBe(true);
  expect(header((words) => words.fill(0, 0, 1))).toBe(false);
  expect(header((words) => words.fill(15, CONSUMED, CONSUMED + 1))).toBe(false); // within the header
});
