// What reaches the disk, and when: closing in the middle of it.
import path from 'node:path';
import { expect, test } from 'vitest';
import { flushBehind } from '../../src/store/durable.ts';
import { KEY_AT, valueAt } from '../../src/store/instruction.ts';
import * as key from '../../src/store/key.ts';
import * as record from '../../src/store/record.ts';
import { verify } from '../../src/store/verify.ts';
import { closeWriter, openWriter, putRecord, transactBatch } from '../../src/store/writer.ts';
import { makeScratch } from '../support/scratch.ts';

test('a writer may be closed while another thread still flushes for it', async () => {
  const scratch = makeScratch();
  try {
    const place = path.join(scratch.path, 'greylist.mdb');
    const writer = openWriter(place);
    const { key: out, bytes } = writer.instruction;
    transactBatch(writer, () => {
      const length = key.writeClient(out, 0, '192.0.2.1', false);
      record.writeClient(bytes, KEY_AT, length, valueAt(length), { comeBacks: 1, lastSeen: 1_000_000_000 });
      putRecord(writer, length, record.CLIENT_SIZE);
    });
    let said: unknown;
    flushBehind(writer, (error) => {
      said = error ?? 'done';
    });
    expect(writer.flushing?.pin).toBeDefined();
    closeWriter(writer);
    while (writer.flushing !== undefined) await new Promise((resolve) => setImmediate(resolve));
    expect(said).toBeUndefined(); // nobody is left to be told
    expect(verify(place, () => {})).toMatchObject({ problems: [], clients: 1 });
  } finally {
    scratch.remove();
  }
});
