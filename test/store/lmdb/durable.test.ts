// Flushes behind the replies, and what may happen meanwhile.
import fs, { fstatSync, readFileSync, type StatsFs, writeFileSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import path from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { FullError } from '../../../src/store/damage.ts';
import {
  flush,
  flushBehind,
  flushLast,
  holds,
  isFlushDue,
  isUnsettled,
  keepOrGiveUp,
  keepUp,
  letGo,
  mostHeld,
  owes,
} from '../../../src/store/lmdb/durable.ts';
import { openWriter } from '../../../src/store/lmdb/open.ts';
import { closeWriter, transact, transactBatch, type Writer } from '../../../src/store/lmdb/writer.ts';
import { closeFile, openFile, readHead } from '../../../src/store/pages/file.ts';
import { MARK_AT, META_BOOT_ID, type Meta } from '../../../src/store/pages/format.ts';
import { isHeld } from '../../../src/store/pages/lock.ts';
import { isKept, markedTxn, noteSafe, writeMark, writeUnkept } from '../../../src/store/pages/mark.ts';
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

test.each([
  ['', transact],
  [', of a batch,', transactBatch],
])(
  'after a flush nothing is held, where nobody has committed meanwhile: the next commit%s holds on to what it replaces',
  async (_, carryOut) => {
    commit(1);
    await flushed();
    const { txnid } = readHead(writer.file);
    expect({ owes: owes(writer), unsettled: isUnsettled(writer), pin: writer.pin }).toEqual({
      owes: false,
      unsettled: false,
      pin: undefined,
    });
    carryOut(writer, () => putNumber(writer, 2, 2));
    expect({ pinned: writer.pinned, pin: writer.pin }).toEqual({ pinned: txnid, pin: expect.anything() });
  },
);

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

/** What others would find in the file whenever somebody waits for the disk, from now on: the marked state, and whether it is kept. */
function marksAtSyncs(): [txnid: number, kept: boolean][] {
  const marks: [number, boolean][] = [];
  const note = () => {
    const file = openFile(database())!;
    readHead(file);
    marks.push([markedTxn(file), isKept(file)]);
    closeFile(file);
  };
  const { fdatasync, fdatasyncSync } = fs;
  vi.spyOn(fs, 'fdatasync').mockImplementation((fd, done) => {
    note();
    fdatasync(fd, done);
  });
  vi.spyOn(fs, 'fdatasyncSync').mockImplementation((fd) => {
    note();
    fdatasyncSync(fd);
  });
  syncBuiltinESMExports();
  return marks;
}

test.each([
  ['behind the replies', flushed],
  ['at once', () => flush(writer)],
  ['for the last time', () => flushLast(writer)],
])(
  'a state is on the disk before it is marked, and the mark before older states are let go: %s',
  async (_, work) => {
    commit(1);
    flush(writer);
    const { txnid } = readHead(writer.file);
    commit(2);
    const marks = marksAtSyncs();
    await work();
    expect(marks).toEqual([
      [txnid, true],
      [txnid + 1, true],
    ]);
    expect({ pin: writer.pin, owes: owes(writer), unsettled: isUnsettled(writer) }).toEqual({
      pin: undefined,
      owes: false,
      unsettled: false,
    });
    expect(isHeld(writer.lock)).toBe(false);
  },
);

test.each([
  ['the state', 0],
  ['the mark', 1],
])('a disk that fails with %s is told, and may be asked again', async (_, syncs) => {
  commit(1);
  const { fdatasync } = fs;
  const broken = Object.assign(new Error('i/o error'), { code: 'EIO' });
  let left = syncs;
  const spy = vi.spyOn(fs, 'fdatasync').mockImplementation((fd, done) => {
    if (left-- === 0) done(broken);
    else fdatasync(fd, done);
  });
  syncBuiltinESMExports();
  await expect(flushed()).rejects.toBe(broken);
  expect({ flushing: writer.flushing, owes: owes(writer) }).toEqual({
    flushing: undefined,
    owes: true,
  });
  spy.mockRestore();
  syncBuiltinESMExports();
  flush(writer);
  const { txnid } = readHead(writer.file);
  expect({ marked: markedTxn(writer.file), owes: owes(writer) }).toEqual({ marked: txnid, owes: false });
});

test.each([
  ['behind the replies', flushed],
  ['that is waited for', async () => flush(writer)],
])(
  'what a flush %s holds when the disk is full is let go once there is space again, for that is written to the lock file',
  async (_, work) => {
    writer.copies = true;
    let free = 1e6; // blocks
    const { fdatasync, fdatasyncSync, statfsSync } = fs;
    vi.spyOn(fs, 'statfsSync').mockImplementation(
      (name) => ({ ...statfsSync(name), bavail: free }) as StatsFs,
    );
    vi.spyOn(fs, 'fdatasync').mockImplementation((fd, done) => {
      free = 0;
      fdatasync(fd, done);
    });
    vi.spyOn(fs, 'fdatasyncSync').mockImplementation((fd) => {
      free = 0;
      fdatasyncSync(fd);
    });
    syncBuiltinESMExports();
    commit(1);
    await expect(work()).rejects.toThrow(FullError);
    const look = () => {
      letGo(writer, readHead(writer.file));
      return { stuck: writer.stuck.length, holds: holds(writer) };
    };
    expect(look()).toEqual({ stuck: 1, holds: true });
    free = 1e6;
    expect(look()).toEqual({ stuck: 0, holds: writer.pin !== undefined });
  },
);

test('what a flush has held is held no longer than it takes: the file does not grow, after a storm neither', async () => {
  /** By how many pages the file grows where each of many commits is flushed. */
  const growth = () => {
    const before = readHead(writer.file).lastPage;
    for (let i = 0; i < 200; i++) {
      commit(i % 7);
      flush(writer);
    }
    return readHead(writer.file).lastPage - before;
  };
  commit(1);
  expect(growth()).toBeLessThan(50);
  commit(1);
  await flushed();
  expect(growth()).toBeLessThan(50);
  commit(1);
  const overtaken = flushed();
  for (let i = 0; i <= mostHeld(readHead(writer.file).lastPage); i++) commit(i % 7);
  await overtaken;
  flush(writer);
  expect(growth()).toBeLessThan(50);
});

test('one flush is under way at a time', async () => {
  commit(1);
  const marks = marksAtSyncs();
  const first = flushed();
  flushBehind(writer, () => {
    throw new Error('the first one is told');
  });
  await first;
  expect(marks).toHaveLength(2);
});

test('what is safe already is not marked again', () => {
  commit(1);
  flush(writer);
  const marks = marksAtSyncs();
  flushBehind(writer, () => {
    throw new Error('nothing was to be done');
  });
  expect([writer.flushing, marks]).toEqual([undefined, []]);
});

/** How many commits it takes until `hasHappened`, with `after` called after each. */
function commitsUntil(after: (meta: Meta) => void, hasHappened: () => boolean): number {
  for (let count = 1; ; count++) {
    after(commit(count));
    readHead(writer.file);
    if (hasHappened()) return count;
  }
}

test('once too much is held back for it, the marked state is given up, which is on the disk before anything is let go', () => {
  commit(1);
  flush(writer);
  const { txnid, lastPage } = readHead(writer.file);
  const marks = marksAtSyncs();
  const commits = commitsUntil(
    (meta) => keepOrGiveUp(writer, meta),
    () => !isKept(writer.file),
  );
  expect(commits * writer.pagesEach).toBeGreaterThan(mostHeld(lastPage));
  expect((commits - 1) * writer.pagesEach).toBeLessThanOrEqual(mostHeld(lastPage));
  expect(marks).toEqual([[txnid, false]]);
  expect({ marked: markedTxn(writer.file), pin: writer.pin }).toEqual({ marked: txnid, pin: undefined });
  expect({ owes: owes(writer), unsettled: isUnsettled(writer) }).toEqual({ owes: true, unsettled: true });
  expect(isHeld(writer.lock)).toBe(false);
  keepOrGiveUp(writer, commit(0));
  expect(marks).toHaveLength(1);
});

test('who has time brings the newest state to the disk when half of that is held back', () => {
  commit(1);
  flush(writer);
  const { txnid, lastPage } = readHead(writer.file);
  const commits = commitsUntil(
    (meta) => keepUp(writer, meta),
    () => markedTxn(writer.file) > txnid,
  );
  expect(commits * writer.pagesEach).toBeGreaterThan(mostHeld(lastPage) / 2);
  expect((commits - 1) * writer.pagesEach).toBeLessThanOrEqual(mostHeld(lastPage) / 2);
  expect([markedTxn(writer.file), isKept(writer.file)]).toEqual([txnid + commits, true]);
});

test('a flush is due for what was committed first since the last one, unless another process has made that safe', () => {
  const isDue = () => isFlushDue(writer);
  expect(isDue()).toBe(false);
  commit(1);
  expect([isDue(), isDue()]).toEqual([true, true]);
  flush(writer);
  expect([isDue(), isDue()]).toEqual([false, false]);
  commit(2);
  writeMark(writer.file, writer.file.head, readHead(writer.file), true); // by another one
  commit(3);
  expect([isDue(), isDue()]).toEqual([false, true]); // what is younger waits once more
});

test('after a storm of others a flush is due once it has passed, also of a process that has committed nothing', () => {
  commit(1);
  flush(writer);
  const other = openWriter(database());
  const storm = () => {
    for (let i = 0; i <= mostHeld(readHead(other.file).lastPage); i++)
      keepOrGiveUp(
        other,
        transactBatch(other, () => putNumber(other, i, i)),
      );
  };
  storm();
  expect(isFlushDue(writer)).toBe(false);
  expect({ owes: owes(writer), unsettled: isUnsettled(writer) }).toEqual({ owes: false, unsettled: true });
  storm();
  expect([isFlushDue(writer), isFlushDue(writer)]).toEqual([false, true]);
  flush(writer);
  expect({ due: isFlushDue(writer), unsettled: isUnsettled(writer) }).toEqual({
    due: false,
    unsettled: false,
  });
  closeWriter(other);
});

test('who holds on to a state for the commits of another has them flushed, should that one be gone', () => {
  commit(1);
  flush(writer);
  commit(2);
  const other = openWriter(database());
  transactBatch(other, () => putNumber(other, 3, 3));
  closeWriter(other);
  writer.due = 0; // as after a flush that the other one's commit has overtaken
  expect(isFlushDue(writer)).toBe(true);
  flush(writer);
  expect(isFlushDue(writer)).toBe(false);
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

/** What is left of a process that is killed after it was the first to commit: its slot, and the lock if it has it again. */
function killAfterCommits(one: Writer, within?: 'a transaction'): void {
  const before = readFileSync(one.lock.path);
  goOn(one);
  const lock = readFileSync(one.lock.path);
  for (let at = 208; at < lock.length; at += 64) {
    const isNew = lock.compare(before, at, at + 12, at, at + 12) !== 0;
    if (isNew && lock.readUInt32LE(at + 8) === process.pid) lock.writeUInt32LE(2 ** 30, at + 8);
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
  disk.done();
  expect(writer.pinned).toBe(markedTxn(writer.file));
  goOn();
  expect(wrongAfterCut()).toEqual([]);
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
  const marks = marksAtSyncs();
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
