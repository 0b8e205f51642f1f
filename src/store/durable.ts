// When what was committed reaches the disk. Commits are visible to every process at once and survive the
// death of any of them; only a power cut or a kernel's crash can take back those not yet flushed.

// How integrity is kept without a flush per commit: the mark (mark.ts) names the last state that is safe on
// the disk, and some process holds a reader's slot on that state (or an older one), so that LMDB re-uses
// none of its pages. After a power cut the file goes back to the mark. A slot of a dead process counts until
// it is cleared, and it is cleared only after a newer state is safe: kill -9 opens no gap.
import { fdatasync, fdatasyncSync } from 'node:fs';
import { readHead } from './file.ts';
import type { Meta } from './format.ts';
import { markedTxn, writeMark } from './mark.ts';
import { type NativeReader, native, READ_ONLY } from './native.ts';
import { begin, finishClosing, type Writer } from './writer.ts';

/** How long a commit may stay unflushed, in milliseconds. */
export const FLUSH_AFTER = 1000;

/**
 * Commits after which there is a flush, whatever the time: the pages that they freed have to wait for it. A
 * power of two, so that processes agree on it; some 2 % of the pages in a large file.
 */
export function flushEvery(lastPage: number): number {
  return Math.max(32, 2 ** (Math.floor(Math.log2(lastPage)) - 7));
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

/** True where a flush is due some time after a commit; lets go of what others have made safe. */
export function isFlushDue(writer: Writer): boolean {
  const meta = readHead(writer.file);
  const marked = markedTxn(writer.file);
  if (marked < writer.committed || (marked < meta.txnid && marked <= writer.pinned)) return true;
  unpin(writer);
  return false;
}

/** True where this process still owes the disk something. */
export function owes(writer: Writer): boolean {
  return writer.pin !== undefined || markedTxn(writer.file) < writer.committed;
}

function unpin(writer: Writer): void {
  writer.pin?.abort();
  writer.pin = undefined;
}
