// When a process looks after the disk: the clock is ours here, the database and the disk are real.
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import path from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { mostHeld } from '../../../src/store/lmdb/durable.ts';
import { type Flusher, newFlusher } from '../../../src/store/lmdb/flusher.ts';
import { openWriter } from '../../../src/store/lmdb/open.ts';
import { unpin } from '../../../src/store/lmdb/pin.ts';
import { transactBatch } from '../../../src/store/lmdb/transaction.ts';
import { closeWriter, type Writer } from '../../../src/store/lmdb/writer.ts';
import { readHead } from '../../../src/store/pages/head.ts';
import { markedTxn, noteSafe, safeTxn, writeMark } from '../../../src/store/pages/mark.ts';
import { useScratch } from '../../support/scratch.ts';
import { unmock } from '../../support/unmock.ts';
import { until } from '../../support/until.ts';
import { putNumber } from '../filled.ts';

const scratch = useScratch('of each');
let writer: Writer;
let flusher: Flusher;
let isOpen: boolean;
let failures: unknown[];
let up: number; // milliseconds
let number = 0;

beforeEach(() => {
  writer = openWriter(path.join(scratch.path, 'greylist.mdb'));
  vi.useFakeTimers();
  up = 10_000;
  vi.spyOn(process, 'uptime').mockImplementation(() => up / 1000);
  isOpen = true;
  failures = [];
  flusher = newFlusher(
    () => (isOpen ? writer : undefined),
    (error) => failures.push(error),
  );
});
afterEach(() => {
  flusher.stop();
  closeWriter(writer);
  unmock();
  vi.useRealTimers();
  expect(failures).toEqual([]);
});

function commit(): number {
  number++;
  transactBatch(writer, () => putNumber(writer, number, number));
  flusher.committed();
  return writer.committed;
}

function goBy(ms: number): void {
  for (let i = 0; i < ms; i++) {
    up++;
    vi.advanceTimersByTime(1);
  }
}

/** As another process does that has flushed the newest state, or died before the mark was on the disk. */
function markByAnother(died = false): void {
  const meta = readHead(writer.file);
  writeMark(writer.file, writer.file.head, meta, true);
  if (!died) noteSafe(writer.file, meta.txnid);
}

/** The state that this process holds is let go in so many milliseconds, and not before. */
function expectLetGoIn(ms: number): void {
  goBy(ms - 1);
  expect(writer.pin).toBeDefined();
  goBy(1);
  expect(writer.pin).toBeUndefined();
}

/** The next look is in so many milliseconds. */
function expectLookIn(ms: number): void {
  const now = Date.now();
  vi.advanceTimersToNextTimer();
  up += Date.now() - now;
  expect(Date.now() - now).toBe(ms);
}

/** Whether the disk has been asked for a flush of that state, and all that follows is done. */
function isMarked(txnid: number): boolean {
  readHead(writer.file);
  return markedTxn(writer.file) === txnid && writer.flushing === undefined;
}

test('a commit is flushed a second later; then there is nothing more to wake for', async () => {
  const first = commit();
  goBy(500);
  const second = commit();
  goBy(499);
  expect(writer.flushing).toBeUndefined();
  goBy(1);
  expect(writer.flushing?.meta.txnid).toBe(second);
  await until(() => isMarked(second));
  expect(first).toBeLessThan(second);
  expect(vi.getTimerCount()).toBe(0);
});

test('what has waited before is flushed at once; and what comes within a second after that, in its turn', async () => {
  const first = commit();
  flusher.hurry();
  await until(() => isMarked(first));
  expect(vi.getTimerCount()).toBe(0);
  goBy(100);
  const second = commit();
  flusher.hurry();
  expect(writer.flushing).toBeUndefined();
  goBy(1000);
  await until(() => isMarked(second));
  expect(vi.getTimerCount()).toBe(0);
});

test('what another process has flushed meanwhile need not be flushed again', () => {
  commit();
  markByAnother();
  goBy(1000);
  expect({ flushing: writer.flushing, pin: writer.pin, timers: vi.getTimerCount() }).toEqual({
    flushing: undefined,
    pin: undefined,
    timers: 0,
  });
});

test('where the other one has died before its mark was on the disk, this process does its work', async () => {
  const txnid = commit();
  markByAnother(true);
  goBy(1999);
  expect([writer.pin, writer.flushing]).toEqual([expect.anything(), undefined]);
  goBy(1);
  await until(() => writer.flushing === undefined);
  readHead(writer.file);
  expect([writer.pin, safeTxn(writer.file), vi.getTimerCount()]).toEqual([undefined, txnid, 0]);
});

test('a state that another process has marked as old is let go within a quarter of a second', () => {
  commit();
  markByAnother();
  expectLetGoIn(250);
});

test('while nobody commits there are no more looks than that', () => {
  commit();
  for (let i = 0; i < 3; i++) expectLookIn(250);
});

test('nor does a process look more often that holds nothing, though there are commits', () => {
  commit();
  goBy(200);
  commit();
  unpin(writer);
  expectLookIn(50);
  expectLookIn(250);
});

test('after commits the looks become few again', () => {
  commit();
  goBy(200);
  commit();
  goBy(100);
  markByAnother();
  expectLetGoIn(250);
});

test('while there are commits, it is let go within 50 ms', () => {
  commit();
  goBy(200);
  commit();
  goBy(50); // it is seen that there are commits
  markByAnother();
  expectLetGoIn(50);
});

test('what is on its way to the disk is let go within 50 ms where a storm overtakes it', () => {
  commit();
  goBy(1000);
  for (let i = 0; i <= mostHeld(readHead(writer.file).lastPage); i++) commit();
  goBy(49);
  expect(writer.flushing?.pin).toBeDefined();
  goBy(1);
  expect(writer.flushing?.pin).toBeUndefined();
});

test('also where nobody has committed for a while', () => {
  commit();
  goBy(1070);
  for (let i = 0; i <= mostHeld(readHead(writer.file).lastPage); i++) commit();
  goBy(29);
  expect(writer.flushing?.pin).toBeDefined();
  goBy(1);
  expect(writer.flushing?.pin).toBeUndefined();
});

test('what is committed during a flush is flushed a second later', async () => {
  commit();
  goBy(1000);
  const txnid = commit();
  await until(() => writer.flushing === undefined);
  goBy(2000);
  await until(() => isMarked(txnid));
  expect(vi.getTimerCount()).toBe(0);
});

test('a flush that others have overtaken when nobody looked any more is looked after: it holds a state', () => {
  const waiting: ((error: null) => void)[] = [];
  vi.spyOn(fs, 'fdatasync').mockImplementation((_, done) => void waiting.push(done));
  syncBuiltinESMExports();
  const other = openWriter(path.join(scratch.path, 'greylist.mdb'));
  transactBatch(other, () => putNumber(other, 1, 1)); // which holds the state of before
  commit();
  goBy(1000);
  waiting.shift()!(null);
  transactBatch(other, () => putNumber(other, 1, 2));
  goBy(2000);
  expect([writer.flushing, vi.getTimerCount()]).toEqual([expect.anything(), 0]);
  closeWriter(other);
  waiting.shift()!(null);
  expect([writer.flushing, writer.pin, vi.getTimerCount()]).toEqual([undefined, expect.anything(), 1]);
});

test('a flush that fails is told once, and not tried again by itself', async () => {
  commit();
  const broken = Object.assign(new Error('i/o error'), { code: 'EIO' });
  vi.spyOn(fs, 'fdatasync').mockImplementation((_, done) => done(broken));
  syncBuiltinESMExports();
  goBy(1000);
  await until(() => writer.flushing === undefined);
  expect(failures.splice(0)).toEqual([broken]);
});

test('where the database is closed there is nothing to do, and nobody complains', async () => {
  commit();
  isOpen = false;
  goBy(1000);
  flusher.hurry();
  expect(vi.getTimerCount()).toBe(0);
  isOpen = true;
  const txnid = commit();
  goBy(1000);
  isOpen = false;
  await until(() => isMarked(txnid));
  expect(vi.getTimerCount()).toBe(0);
});

test.each([
  ['at a look', () => goBy(250)],
  ['where it is hurried', () => flusher.hurry()],
])('a file that cannot be read, %s, is told once', (_, look) => {
  commit();
  const broken = Object.assign(new Error('i/o error'), { code: 'EIO' });
  vi.spyOn(fs, 'readSync').mockImplementation(() => {
    throw broken;
  });
  syncBuiltinESMExports();
  look();
  goBy(2000);
  expect(failures.splice(0)).toEqual([broken]);
});
