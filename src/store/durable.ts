// When what was committed reaches the disk. Commits are visible to every process at once and survive the
// death of any of them; only a power cut or a kernel's crash can take back those not yet flushed.

// How integrity is kept without a flush per commit: the mark (mark.ts) names the last state that is safe on
// the disk, and some process holds a reader's slot on that state (or an older one), so that LMDB re-uses
// none of its pages. After a power cut the file goes back to the mark. A slot of a dead process counts until
// it is cleared, and it is cleared only after a newer state is safe: kill -9 opens no gap.
import { fdatasyncSync } from 'node:fs';
import { readHead } from './file.ts';
import { markedTxn, writeMark } from './mark.ts';
import { native, READ_ONLY } from './native.ts';
import { begin, type Writer } from './writer.ts';

/** How long a commit may stay unflushed, in milliseconds. */
export const FLUSH_AFTER = 1000;

/** Commits that may be unflushed at most, whatever the time: the pages they freed wait for the flush. */
export function mostUnflushed(lastPage: number): number {
  return Math.max(64, lastPage >> 6);
}

/** Makes the newest state safe on the disk and says so in the mark. Holds no lock while the disk works. */
export function flush(writer: Writer): void {
  const { env, file } = writer;
  begin(writer);
  let next: Writer['pin'];
  let meta: ReturnType<typeof readHead>;
  try {
    meta = readHead(file);
    if (markedTxn(file) >= meta.txnid) {
      unpin(writer);
      return;
    }
    next = new (native().Txn)(env, READ_ONLY);
  } finally {
    env.abortTxn();
  }
  const state = Buffer.from(file.head);
  fdatasyncSync(file.fd);
  begin(writer);
  try {
    readHead(file);
    if (markedTxn(file) < meta.txnid) writeMark(file, state, meta);
  } finally {
    env.abortTxn();
  }
  fdatasyncSync(file.fd);
  unpin(writer);
  writer.pin = next;
  writer.pinned = meta.txnid;
  env.readerCheck();
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

/**
 * What is to be done a while after a commit: flush, or let go of the pin where others have flushed.
 * Returns true where it has to be called again later.
 */
export function tend(writer: Writer): boolean {
  const meta = readHead(writer.file);
  const marked = markedTxn(writer.file);
  if (marked < writer.committed || (marked < meta.txnid && marked <= writer.pinned)) flush(writer);
  else unpin(writer);
  return writer.pin !== undefined;
}

/** True where this process still owes the disk something. */
export function owes(writer: Writer): boolean {
  return writer.pin !== undefined || markedTxn(writer.file) < writer.committed;
}

function unpin(writer: Writer): void {
  writer.pin?.abort();
  writer.pin = undefined;
}
