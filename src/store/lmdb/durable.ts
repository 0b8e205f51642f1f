// When what was committed reaches the disk. Commits are visible to every process at once and survive the
// death of any of them; only a power cut or a kernel's crash can take back those not yet flushed.

// How the file stays whole without a flush per commit: the mark (../pages/mark.ts) names the last state that is safe
// on the disk, and some process holds a reader's slot on that state (or an older one), so that LMDB re-uses
// none of its pages. After a power cut the file goes back to the mark that is on the disk: when a new one is, who has brought it
// there says so (`noteSafe`), and only then the others let go of what the old one named. A slot of a dead process counts until
// it is cleared, and it is cleared only after a newer state is safe: kill -9 opens no gap.
//
// Pages that may not be re-used make the file grow, and LMDB slow. In a storm (`mostHeld` pages written since the mark, or
// since a flush began) the mark says that its state is kept no longer, and the slots are given up. Should the power fail
// then, the file is read and checked as a whole (doubt.ts), and what is damaged is left out (../rescue/saving.ts).
import { fdatasync, fdatasyncSync } from 'node:fs';
import { BadLockError, FullError } from '../damage.ts';
import { closeFile, type DataFile, readHead } from '../pages/file.ts';
import type { Meta } from '../pages/format.ts';
import { isSound } from '../pages/lock.ts';
import { isKept, markedState, markedTxn, noteSafe, safeTxn, writeMark, writeUnkept } from '../pages/mark.ts';
import { native, READ_ONLY } from './native.ts';
import { begin, type Flush, mayRelease, unpin, type Writer } from './writer.ts';

/** Pages that may be held back for the marked state: a megabyte, or a few per cent of the file. */
export function mostHeld(lastPage: number): number {
  return Math.max(256, lastPage >> 5);
}

interface State {
  txnid: number;
  lastPage: number;
}

/**
 * How much is held back for the state `since`, as a part of `mostHeld`: more than 1 is too much. Estimated, as if each
 * commit since then had written as many pages as this process's last one: a come-back writes a handful, new triples from
 * the queue some dozens.
 */
function heldBack({ pagesEach }: Writer, since: State, now: State): number {
  return ((now.txnid - since.txnid) * pagesEach) / mostHeld(now.lastPage);
}

/** After a commit on the state `meta`: too much since the mark, and it is given up. */
export function keepOrGiveUp(writer: Writer, { lastPage }: Meta): void {
  const { file, committed } = writer;
  if (isKept(file) && heldBack(writer, markedState(file), { txnid: committed, lastPage }) > 1) giveUp(writer);
}

/**
 * The same for a process that commits much and has time: it waits for the disk before that many are reached, while
 * others go on. To give the mark up means to flush while they wait, which after much work takes a second.
 */
export function keepUp(writer: Writer, { lastPage }: Meta): void {
  const { file, committed } = writer;
  if (isKept(file) && heldBack(writer, markedState(file), { txnid: committed, lastPage }) > 1 / 2)
    flush(writer);
}

/** Says in the mark, and on the disk, that its state is kept no longer, before a page of it is re-used. */
function giveUp(writer: Writer): void {
  const { env, file } = writer;
  begin(writer);
  try {
    if (isKept(file)) {
      writeUnkept(file);
      fdatasyncSync(file.fd); // under the lock: until it is there, nobody commits
      noteSafe(file, markedTxn(file) + 1);
    }
    unpin(writer);
  } finally {
    env.abortTxn();
  }
}

/**
 * Makes the newest state safe on the disk and says so in the mark, while this process goes on: the disk works
 * in another thread. Calls back with the error, if there is one.
 */
export function flushBehind(writer: Writer, done: (error?: unknown) => void): void {
  if (writer.flushing) return;
  const begun = beginFlush(writer);
  if (begun === undefined) return;
  writer.flushing = begun;
  const { fd } = writer.file;
  const end = (error?: unknown) => {
    writer.flushing = undefined;
    if (error instanceof FullError && begun.pin !== undefined) writer.stuck.push(begun.pin);
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
      // In a storm it would be given up again in a moment, at the price of a flush that all wait for.
      if (heldBack(writer, begun.meta, readHead(writer.file)) > A_QUARTER) abandon(begun);
      noteFlush(writer, begun);
      fdatasync(fd, marked);
    }),
  );
}

/** As `flushBehind`, but done when it returns. */
export function flush(writer: Writer): void {
  const begun = beginFlush(writer);
  fdatasyncSync(writer.file.fd);
  if (begun === undefined) return; // another has written the mark, and may be waiting for the disk
  noteFlush(writer, begun);
  fdatasyncSync(writer.file.fd);
  endFlush(writer, begun);
}

/** Holds on to the newest state; undefined where it is safe already. */
function beginFlush(writer: Writer): Flush | undefined {
  const { env, file } = writer;
  const meta = begin(writer);
  try {
    writer.due = 0;
    // Who has written the mark may have died before it was on the disk.
    const isSafe = safeTxn(file) >= meta.txnid;
    if (saysLess(file, meta) || (writer.pin !== undefined && !isSafe)) {
      const pin = new (native().Txn)(env, READ_ONLY);
      return { head: Buffer.from(file.head), meta, pin, overtaken: true, marked: 0 };
    }
    if (isSafe) unpin(writer);
    return undefined;
  } finally {
    env.abortTxn();
  }
}

/** True where the mark names an older state than this one, or this one as not kept. */
function saysLess(file: DataFile, { txnid }: Meta): boolean {
  const marked = markedTxn(file);
  return marked < txnid || (marked === txnid && !isKept(file));
}

/** The state's pages are on the disk: says so, unless another process has said more. */
function noteFlush(writer: Writer, flush: Flush): void {
  const { env, file } = writer;
  const now = begin(writer);
  try {
    flush.overtaken = now.txnid > flush.meta.txnid;
    if (saysLess(file, flush.meta)) writeMark(file, flush.head, flush.meta, flush.pin !== undefined);
    flush.marked = markedTxn(file);
  } finally {
    env.abortTxn();
  }
}

/**
 * The mark is on the disk too: older states need not be held any more. Nor need this one, where nobody had committed when
 * the mark was written: whoever commits first after that holds on to it.
 */
function endFlush(writer: Writer, { meta, pin, overtaken, marked }: Flush): void {
  const { lock, file } = writer;
  if (!isSound(lock)) throw new BadLockError(`${lock.path} is overwritten`, lock.ino);
  readHead(file);
  noteSafe(file, marked);
  if (writer.pin !== undefined && writer.pinned > meta.txnid) {
    // Another one has marked a newer state meanwhile, and this process was the first to commit after that.
    writer.older?.abort();
    writer.older = pin;
    letGoOfOlder(writer);
  } else {
    unpin(writer);
    if (overtaken || writer.committed > meta.txnid) {
      writer.pin = pin;
      writer.pinned = meta.txnid;
    } else pin?.abort();
  }
  writer.env.readerCheck();
}

function letGoOfOlder(writer: Writer): void {
  if (safeTxn(writer.file) < writer.pinned) return;
  writer.older?.abort();
  writer.older = undefined;
}

const A_QUARTER = 1 / 4;

function abandon(flush: Flush): void {
  flush.pin?.abort();
  flush.pin = undefined;
}

/** As `flush`, but with nobody able to commit meanwhile, so that nothing is left to hold on to. */
export function flushLast(writer: Writer): void {
  const { env, file } = writer;
  const meta = begin(writer);
  try {
    if (markedTxn(file) < meta.txnid) {
      fdatasyncSync(file.fd);
      writeMark(file, file.head, meta, true);
    }
    if (safeTxn(file) < meta.txnid) {
      fdatasyncSync(file.fd);
      noteSafe(file, meta.txnid);
    }
    unpin(writer);
  } finally {
    env.abortTxn();
  }
  env.readerCheck();
}

/**
 * Lets go of a state that is kept no longer, or marked no longer, and of one that a storm has overtaken on its way to
 * the disk. Looks at the file's head as last read, whose newest state is `now`.
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
  // Asked last: it is a look at the lock file.
  if (!(isOld || isOlderOld || isOvertaken || stuck.length > 0) || !mayRelease(writer)) return;
  for (const one of stuck.splice(0)) one.abort();
  if (isOld) unpin(writer);
  else if (isOlderOld) letGoOfOlder(writer);
  if (isOvertaken) abandon(flushing);
}

/** Whether this process holds on to a state. */
export function holds({ pin, flushing, stuck }: Writer): boolean {
  return pin !== undefined || flushing?.pin !== undefined || stuck.length > 0;
}

/**
 * True where a commit that has waited is not yet safe, or a storm has passed; to be asked once a second. One flush serves
 * all processes: what of the commits since the last time is safe has nothing to do, and younger ones wait once more.
 */
export function isFlushDue(writer: Writer): boolean {
  const now = readHead(writer.file);
  letGo(writer, now);
  const marked = markedTxn(writer.file);
  const passed = !isKept(writer.file) && heldBack(writer, writer.newest, now) <= A_QUARTER;
  // Who holds on to a state for another one's commits does that one's work, should it be gone.
  const due = writer.due > marked || (writer.due === 0 && writer.pin !== undefined) || passed;
  if (!due) writer.due = writer.committed > marked ? writer.committed : 0;
  writer.newest = now;
  return due;
}

/** True where something that this process has committed is not known to be on the disk. */
export function owes(writer: Writer): boolean {
  return writer.pin !== undefined || markedTxn(writer.file) < writer.committed;
}

/** True where this process has to look after the disk again. */
export function isUnsettled(writer: Writer): boolean {
  return owes(writer) || !isKept(writer.file);
}
