// Closing the environment, whatever is under way.
import { existsSync, renameSync, rmSync } from 'node:fs';
import path from 'node:path';
import { expect, test, vi } from 'vitest';
import { MovedError } from '../../../src/store/damage.ts';
import { flushBehind } from '../../../src/store/lmdb/durable.ts';
import { KEY_AT, valueAt } from '../../../src/store/lmdb/instruction.ts';
import { openWriter } from '../../../src/store/lmdb/open.ts';
import { closeWriter, putRecord, transact } from '../../../src/store/lmdb/writer.ts';
import { readHead } from '../../../src/store/pages/file.ts';
import { lockPath } from '../../../src/store/pages/lock.ts';
import { verify } from '../../../src/store/pages/verify.ts';
import * as key from '../../../src/store/records/key.ts';
import * as record from '../../../src/store/records/record.ts';
import { makeScratch } from '../../support/scratch.ts';
import { putNumber } from '../filled.ts';

test('a writer can be closed while the disk still works on a flush', () => {
  const scratch = makeScratch();
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
  scratch.remove();
});

test('what was committed to a file that was set aside meanwhile does not count', () => {
  const scratch = makeScratch();
  const place = path.join(scratch.path, 'greylist.mdb');
  const writer = openWriter(place);
  const before = writer.committed;
  expect(() =>
    transact(writer, () => {
      rmSync(lockPath(place)); // whoever sets it aside does that first
      renameSync(place, `${place}.damaged`);
      return putNumber(writer, 1, 1000);
    }),
  ).toThrow(MovedError);
  expect(writer.committed).toBe(before);
  closeWriter(writer);
  scratch.remove();
});

test('where the lock file is removed during a transaction, nothing is written: others have another lock by then', () => {
  const scratch = makeScratch();
  const place = path.join(scratch.path, 'greylist.mdb');
  const writer = openWriter(place);
  const { txnid } = readHead(writer.file);
  expect(() =>
    transact(writer, () => {
      rmSync(lockPath(place));
      return putNumber(writer, 1, 1000);
    }),
  ).toThrow(MovedError);
  expect(readHead(writer.file).txnid).toBe(txnid);
  closeWriter(writer);
  scratch.remove();
});

test('whoever makes a new lock file waits before that, or others would not', () => {
  const scratch = makeScratch();
  const place = path.join(scratch.path, 'greylist.mdb');
  closeWriter(openWriter(place));
  rmSync(lockPath(place));
  const there: boolean[] = [];
  const wait = vi.spyOn(Atomics, 'wait').mockImplementation(() => {
    there.push(existsSync(lockPath(place)));
    return 'timed-out';
  });
  closeWriter(openWriter(place));
  wait.mockRestore();
  expect(there).toEqual([false]);
  scratch.remove();
});
