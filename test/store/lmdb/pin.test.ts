// Which states are held, until when, and what a power cut finds.
import fs, { readFileSync, writeFileSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import path from 'node:path';
import { expect, test, vi } from 'vitest';
import {
  flush,
  flushBehind,
  flushLast,
  keepOrGiveUp,
  letGo,
  mostHeld,
} from '../../../src/store/lmdb/durable.ts';
import { openWriter } from '../../../src/store/lmdb/open.ts';
import { holds } from '../../../src/store/lmdb/pin.ts';
import { transact, transactBatch } from '../../../src/store/lmdb/transaction.ts';
import { closeWriter, type Writer } from '../../../src/store/lmdb/writer.ts';
import { MARK_AT, META_BOOT_ID } from '../../../src/store/pages/format.ts';
import { readHead } from '../../../src/store/pages/head.ts';
import { isKept, markedTxn, noteSafe, writeMark, writeUnkept } from '../../../src/store/pages/mark.ts';
import { verify } from '../../../src/store/pages/verify.ts';
import { putNumber } from '../filled.ts';
import { commit, database, openForEach, scratch, writer } from './each.ts';
import { marksAtSyncs } from './marks.ts';
import { statesHeld } from './slots.ts';

openForEach();

/** As a process does that writes the mark of the newest state and dies before it is on the disk, unless it is `safe`. */
function markNewest(safe: boolean): number {
  const meta = readHead(writer.file);
  writeMark(writer.file, writer.file.head, meta, true);
  if (safe) noteSafe(writer.file, meta.txnid);
  return meta.txnid;
}

/** Notes when a slot of this process is given up. */
function watched(name: 'pin' | 'older') {
  const slot = writer[name]!;
  const abort = vi.fn(() => slot.abort());
  writer[name] = { abort };
  return abort;
}

test('whoever commits on a state that another has made safe gives up the older ones', () => {
  flush(writer);
  commit(1);
  const oldest = watched('pin');
  markNewest(false);
  commit(2);
  const older = watched('pin');
  const txnid = markNewest(true);
  commit(3);
  expect([oldest.mock.calls.length, older.mock.calls.length]).toEqual([1, 1]);
  expect({ pinned: writer.pinned, older: writer.older }).toEqual({ pinned: txnid, older: undefined });
});

test('where marks are written again and again and none is known to be on the disk, the oldest state is held on to', () => {
  flush(writer);
  commit(1);
  const oldest = watched('pin');
  markNewest(false);
  commit(2);
  const between = watched('pin');
  const txnid = markNewest(false);
  commit(3);
  expect(writer.older).toEqual({ abort: oldest });
  expect(writer.pinned).toBe(txnid);
  expect([oldest.mock.calls.length, between.mock.calls.length]).toEqual([0, 1]);
});

test('what is held is what the pin holds, a flush, or one that has failed', () => {
  const slot = { abort() {} };
  const flushing = {
    head: Buffer.alloc(0),
    meta: readHead(writer.file),
    pin: slot,
    marked: 0,
  };
  const none = { ...writer, pin: undefined, flushing: undefined, stuck: [] };
  expect([none, { ...none, flushing: { ...flushing, pin: undefined } }].map(holds)).toEqual([false, false]);
  const some = [{ pin: slot }, { flushing }, { stuck: [slot] }];
  expect(some.map((one) => holds({ ...none, ...one }))).toEqual([true, true, true]);
});

test('a state is held once, however often a transaction on it comes to nothing', () => {
  flush(writer);
  const nothing = () => transact(writer, () => false);
  nothing();
  const { pin } = writer;
  nothing();
  expect([writer.pin === pin, holds(writer), statesHeld(database())]).toEqual([true, true, 1]);
});

test('what the last flush of another has made safe is let go, at the next look', () => {
  flush(writer);
  commit(1);
  const other = openWriter(database());
  transactBatch(other, () => putNumber(other, 2, 2));
  flushLast(other);
  closeWriter(other);
  letGo(writer, readHead(writer.file));
  expect([writer.pin, holds(writer), statesHeld(database())]).toEqual([undefined, false, 0]);
});

test('a state that is marked as not kept is not held', () => {
  commit(1);
  const { pinned } = writer; // before that one
  writeMark(writer.file, writer.file.head, readHead(writer.file), false);
  commit(2);
  expect(writer.pinned).toBe(pinned);
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

/** Another process has written the mark of what this one has committed, which is not yet on the disk. */
function markByAnother() {
  fillUp();
  const other = openWriter(database());
  goOn();
  const disk = holdDisk();
  flushBehind(other, () => {});
  disk.done();
  return { other, disk };
}

test('what one process holds, it holds until the mark that another one has written is on the disk', () => {
  const { other, disk } = markByAnother();
  expect(markedTxn(other.file)).toBe(writer.committed);
  goOn();
  expect(wrongAfterCut()).toEqual([]);
  disk.done();
  goOn();
  expect(wrongAfterCut()).toEqual([]);
  closeWriter(other);
});

test('who commits first after such a mark holds on to both states', () => {
  const { other, disk } = markByAnother();
  transactBatch(writer, () => putNumber(writer, 1, 2));
  goOn();
  expect(wrongAfterCut()).toEqual([]);
  disk.done();
  goOn();
  expect(wrongAfterCut()).toEqual([]);
  expect(writer.older).toBeUndefined();
  closeWriter(other);
});

test('nor is a state held twice that a flush of this process has just marked', () => {
  fillUp();
  goOn();
  const { pinned } = writer;
  const disk = holdDisk();
  flushBehind(writer, () => {});
  disk.done();
  expect(markedTxn(writer.file)).toBe(writer.committed);
  goOn();
  expect([writer.pinned, writer.older, statesHeld(database())]).toEqual([pinned, undefined, 2]);
  disk.done();
  expect(statesHeld(database())).toBe(1);
});

test('a flush holds on to what it has marked where another one has since written a mark that is not on the disk', () => {
  fillUp();
  goOn();
  const disk = holdDisk();
  flushBehind(writer, () => {});
  disk.done();
  noteMark(); // which the disk has from now on
  const before = mark;
  commit(1);
  const newest = markNewest(false);
  commit(2);
  expect([writer.pinned, statesHeld(database())]).toEqual([newest, 3]);
  disk.done();
  expect([writer.older, statesHeld(database())]).toEqual([expect.anything(), 2]);
  mark = before;
  goOn();
  expect(wrongAfterCut()).toEqual([]);
  noteSafe(writer.file, newest);
  letGo(writer, readHead(writer.file));
  expect([writer.pinned, writer.older, statesHeld(database())]).toEqual([newest, undefined, 1]);
});

test('a flush that another one has overtaken does not let go of what the newer mark names', () => {
  fillUp();
  const other = openWriter(database());
  transactBatch(writer, () => putNumber(writer, 1, 1));
  const disk = holdDisk();
  flushBehind(writer, () => {});
  transactBatch(other, () => putNumber(other, 1, 2));
  flush(other);
  const newer = other.committed;
  transactBatch(writer, () => putNumber(writer, 1, 3)); // the first after that
  disk.done();
  disk.done();
  expect(markedTxn(writer.file)).toBe(newer);
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

test('what a flush has just marked is held in a storm as well, until the mark says that it is not kept', () => {
  fillUp();
  goOn();
  const disk = holdDisk();
  flushBehind(writer, () => {});
  disk.done();
  const most = mostHeld(readHead(writer.file).lastPage);
  for (let i = 0; i <= most; i++) commit(i);
  letGo(writer, readHead(writer.file));
  noteMark(); // which the disk may have by now
  goOn();
  expect(writer.flushing?.pin).toBeDefined();
  expect(wrongAfterCut()).toEqual([]);
  writeUnkept(writer.file);
  letGo(writer, readHead(writer.file));
  expect(writer.flushing?.pin).toBeUndefined();
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

const DEAD = 2 ** 30; // more than any process has

/** How many slots a process has that is there or gone. */
function slotsOf(pid: number): number {
  const lock = readFileSync(writer.lock.path);
  let count = 0;
  for (let at = 208; at < lock.length; at += 64) if (lock.readUInt32LE(at + 8) === pid) count++;
  return count;
}

/** What is left of a process that is killed after it was the first to commit: its slot, and the lock if it has it again. */
function killAfterCommits(one: Writer, within?: 'a transaction'): void {
  const before = readFileSync(one.lock.path);
  goOn(one);
  const lock = readFileSync(one.lock.path);
  for (let at = 208; at < lock.length; at += 64) {
    const isNew = lock.compare(before, at, at + 12, at, at + 12) !== 0;
    if (isNew && lock.readUInt32LE(at + 8) === process.pid) lock.writeUInt32LE(DEAD, at + 8);
  }
  if (within !== undefined) lock.writeUInt32LE(OWNER_DIED, 64);
  writeFileSync(one.lock.path, lock);
}
const OWNER_DIED = 0x40000000; // as the kernel leaves it

test('who was first to commit on a state and is killed amid the flush that marks it: the state is held all the same', () => {
  fillUp();
  goOn();
  const other = openWriter(database());
  const disk = holdDisk();
  flushBehind(writer, () => {});
  disk.done();
  killAfterCommits(other);
  expect(slotsOf(DEAD)).toBe(1);
  disk.done();
  expect(writer.pinned).toBe(markedTxn(writer.file));
  expect(slotsOf(DEAD)).toBe(0); // else the file would grow and grow
  goOn();
  expect(wrongAfterCut()).toEqual([]);
  closeWriter(other);
});

test('the slots of the dead are cleared by whoever flushes for the last time', () => {
  fillUp();
  const other = openWriter(database());
  killAfterCommits(other);
  expect(slotsOf(DEAD)).toBe(1);
  flushLast(writer);
  expect(slotsOf(DEAD)).toBe(0);
  closeWriter(other);
});

test.each<[string, (other: Writer) => void]>([
  [
    'is killed within a transaction, upon which LMDB clears its slots',
    (other) => killAfterCommits(other, 'a transaction'),
  ],
  [
    'closes the database and cannot flush',
    (other) => {
      goOn(other);
      closeWriter(other);
    },
  ],
])('where nobody holds the marked state any more, as who held it %s, a newer one is marked', (_, happens) => {
  fillUp();
  const other = openWriter(database());
  happens(other);
  const marks = marksAtSyncs(database());
  goOn();
  if (marks.length > 0) noteMark();
  expect(wrongAfterCut()).toEqual([]);
  expect(marks).toHaveLength(2);
  if (!other.closed) closeWriter(other);
});

test('nor does a second power cut lead back to what was re-used after the first', () => {
  fillUp();
  goOn();
  const cut = path.join(scratch.path, 'cut.mdb');
  wrongAfterCut();
  const after = openWriter(cut);
  goOn(after);
  closeWriter(after);
  const bytes = readFileSync(cut);
  for (const page of [0, 4096]) bytes.writeUInt32LE(1, page + META_BOOT_ID);
  writeFileSync(cut, bytes);
  closeWriter(openWriter(cut));
  expect(verify(cut, () => {})!.problems).toEqual([]);
});
