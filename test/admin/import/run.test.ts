// An input that breaks off: what is said of it depends on whether anything was merged before.
import { expect, test } from 'vitest';
import type { Imported } from '../../../src/admin/import/record.ts';
import { importFrom } from '../../../src/admin/import/run.ts';
import { IN_ORDER } from '../../../src/store/admin/change.ts';

const line = (i: number) =>
  `{"v":1,"kind":"client","client":"192.0.${i >> 8}.${i & 255}","comeBacks":1,"lastSeen":1764000000,"origin":"a"}\n`;

/** What is said of an input of so many records that cannot be read to its end, and how many were merged. */
async function brokenAfter(count: number) {
  async function* chunks() {
    for (let i = 0; i < count; i++) yield Buffer.from(line(i));
    throw new Error('tape cannot be read: EIO');
  }
  let merged = 0;
  const merge = async (records: Iterable<Imported>) => {
    const created = [...records].length;
    merged += created;
    return { created, changed: 0, unchanged: 0, expired: 0 };
  };
  const input = { name: 'tape', first: Buffer.from(line(0)), chunks: chunks(), asOf: 0, part: () => 0 };
  const settings = { format: undefined, origin: undefined };
  const error: Error = await importFrom(input, settings, merge, () => {}).then(
    () => Promise.reject(new Error('it was read')),
    (error) => error,
  );
  return { said: error.message, merged };
}

test('whole batches are merged, and told', async () => {
  expect(await brokenAfter(IN_ORDER - 1)).toEqual({ said: 'tape cannot be read: EIO', merged: 0 });
  expect(await brokenAfter(2.5 * IN_ORDER)).toEqual({
    said: 'tape cannot be read: EIO; the first 20,000 records of tape were merged',
    merged: 2 * IN_ORDER,
  });
});
