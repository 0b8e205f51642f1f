// Flushes behind the replies, and what may happen meanwhile.
import fs, { fstatSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import path from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { flushBehind, isUnsettled, mostHeld, owes } from '../../../src/store/lmdb/durable.ts';
import { openWriter } from '../../../src/store/lmdb/open.ts';
import { closeWriter, transactBatch, type Writer } from '../../../src/store/lmdb/writer.ts';
import { openFile, readHead } from '../../../src/store/pages/file.ts';
import { isKept, markedTxn } from '../../../src/store/pages/mark.ts';
import { makeScratch } from '../../support/scratch.ts';
import { until } from '../../support/until.ts';
import { putNumber } from '../filled.ts';

let scratch: ReturnType<typeof makeScratch>;
let writer: Writer;
const database = () => path.join(scratch.path, 'greylist.mdb');

beforeEach(() => {
  scratch = makeScratch();
  writer = openWriter(database());
});
afterEach(() => {
  vi.restoreAllMocks();
  syncBuiltinESMExports();
  if (!writer.closed) closeWriter(writer);
  scratch.remove();
});

const commit = (number: number) => transactBatch(writer, () => putNumber(writer, number, number));

const flushed = () =>
  new Promise<void>((resolve, reject) =>
    flushBehind(writer, (error) => (error ? reject(error as Error) : resolve())),
  );

test('a flush marks the state that it has brought to the disk', async () => {
  for (let i = 1; i < 10; i++) commit(i);
  expect(owes(writer)).toBe(true);
  await flushed();
  const { txnid } = readHead(writer.file);
  expect({ marked: markedTxn(writer.file), kept: isKept(writer.file) }).toEqual({
    marked: txnid,
    kept: true,
  });
});

test('after a flush nothing is held, where nobody has committed meanwhile: the next commit holds on to what it replaces', async () => {
  commit(1);
  await flushed();
  const { txnid } = readHead(writer.file);
  expect({ owes: owes(writer), unsettled: isUnsettled(writer), pin: writer.pin }).toEqual({
    owes: false,
    unsettled: false,
    pin: undefined,
  });
  commit(2);
  expect({ pinned: writer.pinned, pin: writer.pin }).toEqual({ pinned: txnid, pin: expect.anything() });
});

test.each([
  ['before the mark is written', 0],
  ['before the mark is on the disk', 1],
])('a flush holds on to its state where there is a commit %s', async (_, waits) => {
  commit(1);
  const { txnid } = readHead(writer.file);
  const { fdatasync } = fs;
  let syncs = 0;
  vi.spyOn(fs, 'fdatasync').mockImplementation((fd, done) => {
    if (syncs++ === waits) commit(2);
    fdatasync(fd, done);
  });
  syncBuiltinESMExports();
  await flushed();
  readHead(writer.file);
  expect(markedTxn(writer.file)).toBe(txnid);
  expect({ pinned: writer.pinned, pin: writer.pin, owes: owes(writer) }).toEqual({
    pinned: txnid,
    pin: expect.anything(),
    owes: true,
  });
});

test('a storm overtakes a flush: the mark names the state, and says that it is not kept', async () => {
  commit(1);
  const { txnid } = readHead(writer.file);
  const done = flushed();
  for (let i = 0; i <= mostHeld(readHead(writer.file).lastPage); i++) commit(i);
  await done;
  readHead(writer.file);
  expect({ marked: markedTxn(writer.file), kept: isKept(writer.file) }).toEqual({
    marked: txnid,
    kept: false,
  });
  expect(isUnsettled(writer)).toBe(true);
  await flushed(); // when it has passed
  readHead(writer.file);
  expect(isKept(writer.file)).toBe(true);
});

test('everything may be closed while a flush is under way', async () => {
  commit(1);
  const { fd } = writer.file;
  flushBehind(writer, () => {
    throw new Error('nobody is there to be told');
  });
  closeWriter(writer);
  expect(fstatSync(fd).isFile()).toBe(true); // the disk still works on it
  await until(() => {
    try {
      fstatSync(fd);
      return false;
    } catch {
      return true;
    }
  });
  expect(openFile(database())).toBeDefined();
});
