// Flushes behind the replies, and what may happen meanwhile.
import fs, { fstatSync, readFileSync, writeFileSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import path from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import {
  flush,
  flushBehind,
  isUnsettled,
  keepOrGiveUp,
  letGo,
  mostHeld,
  owes,
} from '../../../src/store/lmdb/durable.ts';
import { openWriter } from '../../../src/store/lmdb/open.ts';
import { closeWriter, transactBatch, type Writer } from '../../../src/store/lmdb/writer.ts';
import { openFile, readHead } from '../../../src/store/pages/file.ts';
import { MARK_AT, META_BOOT_ID } from '../../../src/store/pages/format.ts';
import { isKept, markedTxn, writeUnkept } from '../../../src/store/pages/mark.ts';
import { verify } from '../../../src/store/pages/verify.ts';
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

// What a power cut finds: of what was written, the disk may have anything; of the mark, what the last flush has brought there.
let mark: Buffer;
const MARK = 512; // a sector
function noteMark(): void {
  mark = readFileSync(database()).subarray(MARK_AT, MARK_AT + MARK);
}

/** What is wrong with the file after a power cut, once somebody has opened it. */
function wrongAfterCut(): string[] {
  const bytes = readFileSync(database());
  mark.copy(bytes, MARK_AT);
  for (const page of [0, 4096]) bytes.writeUInt32LE(1, page + META_BOOT_ID);
  const cut = path.join(scratch.path, 'cut.mdb');
  writeFileSync(cut, bytes);
  closeWriter(openWriter(cut));
  return verify(cut, () => {})!.problems.map(({ what }) => what);
}

/** From now on each flush in the background waits until it is told that the disk is done. */
function holdDisk(): { done(): void } {
  const waiting: ((error: null) => void)[] = [];
  vi.spyOn(fs, 'fdatasync').mockImplementation((_, done) => void waiting.push(done));
  syncBuiltinESMExports();
  return {
    done: () => {
      noteMark();
      waiting.shift()!(null);
    },
  };
}

/** A database of some pages, as it is on the disk. */
function fillUp(): void {
  for (let i = 0; i < 1000; i += 50)
    transactBatch(writer, () => {
      for (let j = i; j < i + 50; j++) putNumber(writer, j, j);
    });
  flush(writer);
  noteMark();
}

/** Changes records all over the file, as other requests do, which look first. */
function goOn(by = writer): void {
  for (let i = 0; i < 40; i++) {
    letGo(by, readHead(by.file));
    transactBatch(by, () => putNumber(by, (i * 170) % 1000, i));
  }
}

test('what one process holds, it holds until the mark that another one has written is on the disk', () => {
  fillUp();
  const other = openWriter(database());
  goOn();
  const disk = holdDisk();
  flushBehind(other, () => {});
  disk.done();
  expect(markedTxn(other.file)).toBe(writer.committed);
  goOn();
  expect(wrongAfterCut()).toEqual([]);
  disk.done();
  goOn();
  expect(wrongAfterCut()).toEqual([]);
  closeWriter(other);
});

test('who commits first after such a mark holds on to both states', () => {
  fillUp();
  const other = openWriter(database());
  goOn();
  const disk = holdDisk();
  flushBehind(other, () => {});
  disk.done();
  transactBatch(writer, () => putNumber(writer, 1, 2));
  goOn();
  expect(wrongAfterCut()).toEqual([]);
  disk.done();
  goOn();
  expect(wrongAfterCut()).toEqual([]);
  expect(writer.older).toBeUndefined();
  closeWriter(other);
});

test('a flush that another one has overtaken does not let go of what the newer mark names', () => {
  fillUp();
  const other = openWriter(database());
  transactBatch(writer, () => putNumber(writer, 1, 1));
  const disk = holdDisk();
  flushBehind(writer, () => {});
  transactBatch(other, () => putNumber(other, 1, 2));
  flush(other);
  transactBatch(writer, () => putNumber(writer, 1, 3)); // the first after that
  disk.done();
  disk.done();
  goOn();
  goOn(other);
  expect(wrongAfterCut()).toEqual([]);
  closeWriter(other);
});

test('where a storm overtakes a flush, the state of before is held until the disk knows that the new one is not kept', () => {
  fillUp();
  goOn();
  const disk = holdDisk();
  flushBehind(writer, () => {});
  for (let i = 0; i <= mostHeld(readHead(writer.file).lastPage); i++) commit(i);
  disk.done();
  expect(isKept(writer.file)).toBe(false);
  goOn();
  expect(wrongAfterCut()).toEqual([]);
});

test('nor is it let go where somebody has given it up, and died before the disk knew', () => {
  fillUp();
  goOn();
  writeUnkept(writer.file);
  goOn();
  expect(wrongAfterCut()).toEqual([]);
});

test('a state that was given up is let go by all', () => {
  fillUp();
  goOn();
  const other = openWriter(database());
  for (let i = 0; i <= mostHeld(readHead(other.file).lastPage); i++)
    keepOrGiveUp(
      other,
      transactBatch(other, () => putNumber(other, i, i)),
    );
  letGo(writer, readHead(writer.file));
  expect([isKept(writer.file), writer.pin]).toEqual([false, undefined]);
  closeWriter(other);
});
