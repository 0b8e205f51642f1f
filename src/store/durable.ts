// When what was committed reaches the disk. Commits are visible to every process at once and survive the
// death of any of them; only a power cut or a kernel's crash can take back those not yet flushed.

// How the file stays whole without a flush per commit: the mark (mark.ts) names the last state that is safe
// on the disk, and some process holds a reader's slot on that state (or an older one), so that LMDB re-uses
// none of its pages. After a power cut the file goes back to the mark. A slot of a dead process counts until
// it is cleared, and it is cleared only after a newer state is safe: kill -9 opens no gap.
//
// Pages that may not be re-used make the file grow. In a storm (`mostKept` commits since the mark, within a
// second or two) the mark says that its state is kept no longer, and the slots are given up. Should the power
// fail then, the file is read and checked as a whole, and what is damaged is left out: see keeper.ts.
import { fdatasync, fdatasyncSync } from 'node:fs';
import { readHead } from './file.ts';
import type { Meta } from './format.ts';
import { isKept, markedTxn, writeMark, writeUnkept } from './mark.ts';
import { type NativeReader, native, READ_ONLY } from './native.ts';
import { begin, finishClosing, type Writer } from './writer.ts';

/** How long a commit may stay unflushed, in milliseconds. */
export const FLUSH_AFTER = 1000;

/** Commits for which the marked state is kept: together they may hold back a few per cent of the file's pages. */
export function mostKept(lastPage: number): number {
  return Math.max(64, lastPage >> 7);
}

/** Says in the mark, and on the disk, that its state is kept no longer, before a page of it is re-used. */
export function giveUp(writer: Writer): void {
  const { env, file } = writer;
  begin(writer);
  try {
    readHead(file);
    if (isKept(file)) {
      writeUnkept(file);
      fdatasyncSync(file.fd); // under the lock: until it is there, nobody commits
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
  writer.flushing = true;
  const { fd } = writer.file;
  const end = (error?: unknown) => {
    writer.flushing = false;
    if (writer.closed) finishClosing(writer);
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
      noteFlush(writer, begun);
      fdatasync(fd, marked);
    }),
  );
}

/** As `flushBehind`, but done when it returns. */
export function flush(writer: Writer): void {
  const begun = beginFlush(writer);
  if (begun === undefined) return;
  fdatasyncSync(writer.file.fd);
  noteFlush(writer, begun);
  fdatasyncSync(writer.file.fd);
  endFlush(writer, begun);
}

/** A state that is on its way to the disk. */
interface Flush {
  head: Buffer;
  meta: Meta;
  pin: NativeReader;
}

/** Holds on to the newest state; undefined where it is safe already. */
function beginFlush(writer: Writer): Flush | undefined {
  const { env, file } = writer;
  begin(writer);
  try {
    const meta = readHead(file);
    if (markedTxn(file) < meta.txnid) {
      return { head: Buffer.from(file.head), meta, pin: new (native().Txn)(env, READ_ONLY) };
    }
    unpin(writer);
    return undefined;
  } finally {
    env.abortTxn();
  }
}

/** The state's pages are on the disk: says so, unless another process has said more. */
function noteFlush(writer: Writer, { head, meta }: Flush): void {
  const { env, file } = writer;
  begin(writer);
  try {
    readHead(file);
    if (markedTxn(file) < meta.txnid) writeMark(file, head, meta);
  } finally {
    env.abortTxn();
  }
}

/** The mark is on the disk too: older states need not be held any more. */
function endFlush(writer: Writer, { meta, pin }: Flush): void {
  unpin(writer);
  writer.pin = pin;
  writer.pinned = meta.txnid;
  writer.env.readerCheck();
}

/** As `flush`, but with nobody able to commit meanwhile, so that nothing is left to hold on to. */
export function flushLast(writer: Writer): void {
  const { env, file } = writer;
  begin(writer);
  try {
    const meta = readHead(file);
    if (markedTxn(file) < meta.txnid) {
      fdatasyncSync(file.fd);
      writeMark(file, file.head, meta);
      fdatasyncSync(file.fd);
    }
    unpin(writer);
  } finally {
    env.abortTxn();
  }
  env.readerCheck();
}

/** Lets go of a state that is kept no longer, or marked no longer. Looks at the file's head as last read. */
export function letGo(writer: Writer): void {
  if (writer.pin !== undefined && (markedTxn(writer.file) > writer.pinned || !isKept(writer.file)))
    unpin(writer);
}

/**
 * True where a commit has waited long enough for a flush; to be asked every FLUSH_AFTER. One flush serves all
 * processes: whose commits of a while ago are safe has nothing to do.
 */
export function isFlushDue(writer: Writer): boolean {
  readHead(writer.file);
  letGo(writer);
  const marked = markedTxn(writer.file);
  const due = writer.due > marked || (writer.pin !== undefined && writer.committed <= writer.due);
  writer.due = writer.committed;
  return due;
}

/** True where this process still owes the disk something. */
export function owes(writer: Writer): boolean {
  return writer.pin !== undefined || markedTxn(writer.file) < writer.committed;
}

function unpin(writer: Writer): void {
  writer.pin?.abort();
  writer.pin = undefined;
}
