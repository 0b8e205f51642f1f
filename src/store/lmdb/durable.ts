// When commits reach the disk. Every process sees a commit at once, and it survives the death of any process; only a power
// cut or a kernel's crash can take back commits that are not yet flushed.

// How the file stays whole without a flush per commit: the mark (../pages/mark.ts) names the last state that is safe on the
// disk, and some process holds a reader's slot on that state (or an older one), so that LMDB re-uses none of its pages. After
// a power cut the file goes back to the mark that is on the disk. Whoever brings a new mark there says so (`noteSafe`), and
// only then do the others let go of what the old one named. The slot of a dead process counts until it is cleared. Whoever
// commits and finds that nobody holds the marked state makes a newer one safe first, so that kill -9 does no harm.
//
// Pages that may not be re-used make the file grow, and LMDB slow. In a storm (`mostHeld` pages written since the mark, or
// since a flush began) the mark is changed to say that its state is no longer kept, and the slots are given up. If the power
// fails then, the file is read and checked as a whole (../pages/doubt.ts), and damage is left out (../rescue/saving.ts).
import { fdatasync, fdatasyncSync } from 'node:fs';
import { BadLockError } from '../damage.ts';
import { closeFile, type DataFile } from '../pages/file.ts';
import type { Meta } from '../pages/format.ts';
import { readHead } from '../pages/head.ts';
import { isSound } from '../pages/lock.ts';
import { isKept, markedState, markedTxn, noteSafe, safeTxn, writeMark, writeUnkept } from '../pages/mark.ts';
import { native, READ_ONLY } from './native.ts';
import { abandon, holds, keepForLater, letGoOfOlder, makeSafe, unpin } from './pin.ts';
import { checkSpare } from './space.ts';
import { withLock } from './transaction.ts';
import { type Flush, mayRelease, type Writer } from './writer.ts';

/** Pages that may be held back for the marked state: a megabyte, or a few per cent of the file. */
export function mostHeld(lastPage: number): number {
  return Math.max(256, lastPage >> 5);
}

interface State {
  txnid: number;
  lastPage: number;
}

/**
 * How much is held back for the state `since`, as a part of `mostHeld`: more than 1 is too much. An estimate, as if each
 * commit since then had written as many pages as this process's last one: a come-back writes a handful, new triples from the
 * queue some dozens.
 */
function heldBack({ pagesEach }: Writer, since: State, now: State): number {
  return ((now.txnid - since.txnid) * pagesEach) / mostHeld(now.lastPage);
}

/** To be called after a commit on the state `meta`: gives the mark up if too much was written since. */
export function keepOrGiveUp(writer: Writer, { lastPage }: Meta): void {
  const { file, committed } = writer;
  if (isKept(file) && heldBack(writer, markedState(file), { txnid: committed, lastPage }) > 1) giveUp(writer);
}

/**
 * The same for a process that commits much and has time: it flushes before so much is reached, while others go on. To give
 * the mark up is to flush while they wait, which after much work takes a second.
 */
export function keepUp(writer: Writer, { lastPage }: Meta): void {
  const { file, committed } = writer;
  if (isKept(file) && heldBack(writer, markedState(file), { txnid: committed, lastPage }) > 1 / 2)
    flush(writer);
}

/** Changes the mark, on the disk, to say that its state is no longer kept, before a page of it is re-used. */
function giveUp(writer: Writer): void {
  const { file } = writer;
  withLock(writer, () => {
    if (isKept(file)) {
      writeUnkept(file);
      fdatasyncSync(file.fd); // under the lock: until it is there, nobody commits
      noteSafe(file, markedTxn(file) + 1);
    }
    unpin(writer);
  });
}

/**
 * Flushes the newest state and then names it in the mark, in another thread, while this process goes on. Calls `done` at the
 * end, with the error if there is one.
 */
export function flushBehind(writer: Writer, done: (error?: unknown) => void): void {
  if (writer.flushing) return;
  const begun = beginFlush(writer);
  if (begun === undefined) return;
  writer.flushing = begun;
  const { fd } = writer.file;
  const end = (error?: unknown) => {
    writer.flushing = undefined;
    if (error) keepForLater(writer, begun);
    if (writer.closed) closeFile(writer.file);
    else done(error);
  };
  const step = (work: () => void) => (error: unknown) => {
    if (error || writer.closed) return end(error);
    try {
      work();
    } catch (thrown) {
      end(thrown);
    }
  };
  const marked = step(() => {
    endFlush(writer, begun);
    end();
  });
  fdatasync(
    fd,
    step(() => {
      // In a storm the slot would have to be given up in a moment anyway, by a flush that all wait for.
      if (heldBack(writer, begun.meta, readHead(writer.file)) > A_QUARTER && mayRelease(writer))
        abandon(begun);
      noteFlush(writer, begun);
      fdatasync(fd, marked);
    }),
  );
}

/** As `flushBehind`, but this process waits for it. */
export function flush(writer: Writer): void {
  const begun = beginFlush(writer);
  try {
    fdatasyncSync(writer.file.fd);
    if (begun === undefined) return; // another process has written the mark, and may have been waiting for the disk
    noteFlush(writer, begun);
    fdatasyncSync(writer.file.fd);
    endFlush(writer, begun);
  } catch (error) {
    if (begun !== undefined) keepForLater(writer, begun);
    throw error;
  }
}

/** Takes a reader's slot on the newest state; undefined where that state is safe already. */
function beginFlush(writer: Writer): Flush | undefined {
  const { env, file } = writer;
  return withLock(writer, (meta) => {
    writer.due = 0;
    // Who has written the mark may have died before it was on the disk.
    const isSafe = safeTxn(file) >= meta.txnid;
    if (saysLess(file, meta) || (writer.pin !== undefined && !isSafe)) {
      const pin = new (native().Txn)(env, READ_ONLY);
      return { head: Buffer.from(file.head), meta, pin, marked: 0 };
    }
    if (isSafe) unpin(writer);
    return undefined;
  });
}

/** Whether the mark names an older state than this one, or this one as not kept. */
function saysLess(file: DataFile, { txnid }: Meta): boolean {
  const marked = markedTxn(file);
  return marked < txnid || (marked === txnid && !isKept(file));
}

/** To be called when the state's pages are on the disk: names it in the mark, unless a newer state is named there. */
function noteFlush(writer: Writer, flush: Flush): void {
  const { file } = writer;
  withLock(writer, () => {
    if (saysLess(file, flush.meta)) writeMark(file, flush.head, flush.meta, flush.pin !== undefined);
    flush.marked = markedTxn(file);
  });
}

/**
 * To be called when the mark is on the disk too: older states need not be held any more. Nor need this one, if nobody has
 * committed on it yet: the process that commits next holds it (`pinIfSafe`).
 */
function endFlush(writer: Writer, { meta, pin, marked }: Flush): void {
  const { lock, file } = writer;
  // As `mayRelease`: the disk may have filled up while we waited for it, and what follows is written to the lock file.
  if (!isSound(lock)) throw new BadLockError(`${lock.path} is overwritten`, lock.ino);
  if (writer.copies) checkSpare(file.path);
  // The dead go before this process lets go of its own state: one of them may have been the first to commit on it.
  writer.env.readerCheck();
  const { txnid } = readHead(file);
  noteSafe(file, marked);
  if (writer.pin !== undefined && writer.pinned > meta.txnid) {
    // Another one has marked a newer state meanwhile, and this process was the first to commit after that.
    writer.older?.abort();
    writer.older = pin;
    letGoOfOlder(writer);
  } else {
    unpin(writer);
    if (txnid > meta.txnid) {
      writer.pin = pin;
      writer.pinned = meta.txnid;
    } else pin?.abort();
  }
}

const A_QUARTER = 1 / 4;

/** As `flush`, but under the write lock: nobody can commit meanwhile, so that no state need be held afterwards. */
export function flushLast(writer: Writer): void {
  withLock(writer, (meta) => {
    makeSafe(writer.file, meta);
    unpin(writer);
    writer.env.readerCheck(); // still under the lock: nobody has committed on that state, so nobody has to hold it
  });
}

/**
 * Gives up the slot on a state that is no longer kept, or no longer the marked one, and on one that a storm has overtaken
 * during its flush. By the file's head as last read, whose newest state is `now`.
 */
export function letGo(writer: Writer, now: Meta): void {
  const { pin, older, file, pinned, flushing, stuck } = writer;
  if (!holds(writer)) return;
  const safe = safeTxn(file);
  const isOld = pin !== undefined && safe > pinned;
  const isOlderOld = older !== undefined && safe >= pinned;
  const isOvertaken =
    flushing?.pin !== undefined &&
    heldBack(writer, flushing.meta, now) > 1 &&
    (markedTxn(file) !== flushing.meta.txnid || !isKept(file));
  // `mayRelease` comes last, for it reads the lock file.
  if (!(isOld || isOlderOld || isOvertaken || stuck.length > 0) || !mayRelease(writer)) return;
  for (const one of stuck.splice(0)) one.abort();
  if (isOld) unpin(writer);
  else if (isOlderOld) letGoOfOlder(writer);
  if (isOvertaken) abandon(flushing);
}

/**
 * Whether it is time to flush: this process's first commit since the last look is not yet safe, or a storm has passed. To be
 * asked once a second. One flush serves all processes: where another's has made that commit safe, younger ones wait until
 * the next look.
 */
export function isFlushDue(writer: Writer): boolean {
  const now = readHead(writer.file);
  letGo(writer, now);
  const marked = markedTxn(writer.file);
  const passed = !isKept(writer.file) && heldBack(writer, writer.newest, now) <= A_QUARTER;
  // A process that holds a state because others have committed flushes for them, in case they are gone.
  const due = writer.due > marked || (writer.due === 0 && writer.pin !== undefined) || passed;
  if (!due) writer.due = writer.committed > marked ? writer.committed : 0;
  writer.newest = now;
  return due;
}

/** Whether something that this process has committed is not known to be on the disk. */
export function owes(writer: Writer): boolean {
  return writer.pin !== undefined || markedTxn(writer.file) < writer.committed;
}

/** Whether this process has to look after the disk again. */
export function isUnsettled(writer: Writer): boolean {
  return owes(writer) || !isKept(writer.file);
}
