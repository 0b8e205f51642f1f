// A queue's bytes.
import { expect, test } from 'vitest';
import { headerOf, writeEntry } from '../../../src/store/queue/format.ts';

test('the bytes are those that filters which run already write and read', () => {
  const bytes = Buffer.alloc(64);
  const entry = (durable: boolean) =>
    bytes.toString('hex', 0, writeEntry(bytes, Buffer.from('key'), 3, 1_700_000_000, durable));
  expect(entry(false)).toBe('0300f138eaaf00f153656b6579');
  expect(entry(true)).toBe('0380f138eaaf00f153656b6579');
  expect(headerOf(0x1234).toString('hex')).toBe('474c5131000000001000000034120000');
});
