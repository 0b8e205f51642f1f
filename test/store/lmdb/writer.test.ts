import fs, { readFileSync, type StatsFs } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import path from 'node:path';
import { expect, test, vi } from 'vitest';
import { flushBehind } from '../../../src/store/lmdb/durable.ts';
import { KEY_AT, valueAt } from '../../../src/store/lmdb/instruction.ts';
import { openWriter } from '../../../src/store/lmdb/open.ts';
import { putRecord, transact } from '../../../src/store/lmdb/transaction.ts';
import { closeWriter } from '../../../src/store/lmdb/writer.ts';
import { verify } from '../../../src/store/pages/verify.ts';
import * as key from '../../../src/store/records/key.ts';
import * as record from '../../../src/store/records/record.ts';
import { openFiles } from '../../support/files.ts';
import { testScratch } from '../../support/scratch.ts';
import { unmock } from '../../support/unmock.ts';
import { putNumber } from '../filled.ts';

test('a writer can be closed while the disk still works on a flush', () => {
  const scratch = testScratch();
  const place = path.join(scratch.path, 'greylist.mdb');
  const writer = openWriter(place);
  transact(writer, () => {
    const { bytes, key: out } = writer.instruction;
    const length = key.writeClient(out, 0, '192.0.2.1', false);
    record.writeClient(bytes, KEY_AT, length, valueAt(length), { comeBacks: 1, lastSeen: 86_400 });
    return putRecord(writer, length, record.CLIENT_SIZE);
  });
  flushBehind(writer, () => {});
  expect(writer.flushing?.pin).toBeDefined();
  closeWriter(writer);
  expect(verify(place, () => {})).toMatchObject({ problems: [] });
});

test('nothing stays open of what is closed', () => {
  const scratch = testScratch();
  const open = () => openFiles().filter((name) => name.startsWith(scratch.path));
  const writer = openWriter(path.join(scratch.path, 'greylist.mdb'));
  transact(writer, () => putNumber(writer, 1, 1000));
  expect(open()).not.toEqual([]);
  closeWriter(writer);
  expect(open()).toEqual([]);
});

test('where writing into the lock file takes space that is not there, it is left as it is', () => {
  const scratch = testScratch();
  const writer = openWriter(path.join(scratch.path, 'greylist.mdb'));
  transact(writer, () => putNumber(writer, 1, 1000));
  writer.copies = true;
  const { statfsSync } = fs;
  vi.spyOn(fs, 'statfsSync').mockImplementation((name) => ({ ...statfsSync(name), bavail: 0 }) as StatsFs);
  syncBuiltinESMExports();
  const lock = readFileSync(writer.lock.path);
  closeWriter(writer);
  expect(readFileSync(writer.lock.path)).toEqual(lock);
  expect(openFiles()).toContain(writer.lock.path);
  unmock();
});
