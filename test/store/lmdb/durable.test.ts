// Flushes behind the replies, and what may happen meanwhile.
import fs, { fstatSync, type StatsFs, writeFileSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { expect, test, vi } from 'vitest';
import { BadLockError, FullError } from '../../../src/store/damage.ts';
import {
  flush,
  flushBehind,
  flushLast,
  isFlushDue,
  isUnsettled,
  keepOrGiveUp,
  keepUp,
  letGo,
  mostHeld,
  owes,
} from '../../../src/store/lmdb/durable.ts';
import { openWriter } from '../../../src/store/lmdb/open.ts';
import { holds } from '../../../src/store/lmdb/pin.ts';
import { transact, transactBatch } from '../../../src/store/lmdb/transaction.ts';
import { closeWriter } from '../../../src/store/lmdb/writer.ts';
import { openFile } from '../../../src/store/pages/file.ts';
import type { Meta } from '../../../src/store/pages/format.ts';
import { readHead } from '../../../src/store/pages/head.ts';
import { isHeld } from '../../../src/store/pages/lock.ts';
import { isKept, markedTxn, writeMark, writeUnkept } from '../../../src/store/pages/mark.ts';
import { until } from '../../support/until.ts';
import { putNumber } from '../filled.ts';
import { commit, database, openForEach, writer } from './each.ts';
import { marksAtSyncs } from './marks.ts';
import { statesHeld } from './slots.ts';

openForEach();

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
    const marks = marksAtSyncs(database());
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

/** From now on the disk is as full as `space.left` says, in blocks; and without any once it was waited for so many times more. */
function fillAfter(syncs: number): { left: number } {
  writer.copies = true;
  const space = { left: 1e6 };
  const { fdatasync, fdatasyncSync, statfsSync } = fs;
  vi.spyOn(fs, 'statfsSync').mockImplementation(
    (name) => ({ ...statfsSync(name), bavail: space.left }) as StatsFs,
  );
  const wait = () => {
    if (syncs-- === 0) space.left = 0;
  };
  vi.spyOn(fs, 'fdatasync').mockImplementation((fd, done) => {
    wait();
    fdatasync(fd, done);
  });
  vi.spyOn(fs, 'fdatasyncSync').mockImplementation((fd) => {
    wait();
    fdatasyncSync(fd);
  });
  syncBuiltinESMExports();
  return space;
}

/** What is held after a look. */
const held = () => {
  letGo(writer, readHead(writer.file));
  return { stuck: writer.stuck.length, holds: holds(writer) };
};

test.each([
  ['behind the replies', 'with the state', flushed, 0],
  ['behind the replies', 'with the mark', flushed, 1],
  ['that is waited for', 'with the state', async () => flush(writer), 0],
  ['that is waited for', 'with the mark', async () => flush(writer), 1],
])(
  'what a flush %s holds when the disk is full, %s, is let go once there is space again, for that is written to the lock file',
  async (_, __, work, syncs) => {
    const space = fillAfter(syncs);
    commit(1);
    await expect(work()).rejects.toThrow(FullError);
    expect(held()).toEqual({ stuck: 1, holds: true });
    space.left = 1e6;
    expect(held()).toEqual({ stuck: 0, holds: writer.pin !== undefined });
    expect(statesHeld(database())).toBe(writer.pin === undefined ? 0 : 1);
  },
);

test('so it is where a storm overtakes it, too', async () => {
  const space = fillAfter(-1);
  commit(1);
  const done = flushed();
  for (let i = 0; i <= mostHeld(readHead(writer.file).lastPage); i++) commit(i);
  space.left = 0;
  await expect(done).rejects.toThrow(FullError);
  expect(held()).toEqual({ stuck: 1, holds: true });
  space.left = 1e6;
  expect(held().stuck).toBe(0);
});

test('a flush that fails after a storm has overtaken it leaves nothing held', async () => {
  commit(1);
  const { fdatasync } = fs;
  let syncs = 0;
  const spy = vi.spyOn(fs, 'fdatasync').mockImplementation((fd, done) => {
    if (syncs++ > 0) done(Object.assign(new Error('i/o error'), { code: 'EIO' }));
    else fdatasync(fd, done);
  });
  syncBuiltinESMExports();
  const done = flushed();
  for (let i = 0; i <= mostHeld(readHead(writer.file).lastPage); i++) commit(i);
  await expect(done).rejects.toThrow('i/o error');
  spy.mockRestore();
  syncBuiltinESMExports();
  flushLast(writer);
  letGo(writer, readHead(writer.file));
  expect([holds(writer), statesHeld(database())]).toEqual([false, 0]);
});

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
  const marks = marksAtSyncs(database());
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
  const marks = marksAtSyncs(database());
  flushBehind(writer, () => {
    throw new Error('nothing was to be done');
  });
  flushLast(writer);
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

test('nor is what another one has made safe meanwhile: it is let go', () => {
  commit(1);
  const other = openWriter(database());
  transactBatch(other, () => putNumber(other, 2, 2));
  flush(other);
  expect(writer.pin).toBeDefined();
  const marks = marksAtSyncs(database());
  flush(writer);
  expect([marks.length, writer.pin, statesHeld(database())]).toEqual([1, undefined, 0]);
  closeWriter(other);
});

test('what is marked as not kept is marked anew, though nobody has committed since', () => {
  commit(1);
  flush(writer);
  writeUnkept(writer.file);
  flush(writer);
  expect(isKept(writer.file)).toBe(true);
});

test('a few commits during a flush do not overtake it', async () => {
  commit(1);
  const done = flushed();
  commit(2);
  letGo(writer, readHead(writer.file));
  expect(writer.flushing?.pin).toBeDefined();
  await done;
  expect(isKept(writer.file)).toBe(true);
});

test('a lock file that was overwritten during a flush is not written to', async () => {
  commit(1);
  const { fdatasync } = fs;
  let syncs = 0;
  vi.spyOn(fs, 'fdatasync').mockImplementation((fd, done) => {
    if (syncs++ > 0) writeFileSync(writer.lock.path, 'rubbish!', { flag: 'r+' });
    fdatasync(fd, done);
  });
  syncBuiltinESMExports();
  await expect(flushed()).rejects.toThrow(BadLockError);
});

test('once too much is held back for it, the marked state is given up, which is on the disk before anything is let go', () => {
  commit(1);
  flush(writer);
  const { txnid, lastPage } = readHead(writer.file);
  const marks = marksAtSyncs(database());
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
  const meta = commit(0);
  const begins = vi.spyOn(writer.env, 'beginTxn');
  for (const keep of [keepOrGiveUp, keepUp]) keep(writer, meta);
  expect([marks.length, begins.mock.calls.length]).toEqual([1, 0]); // in a storm, nobody waits once more
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
