// The states that this process holds by a reader's slot, so that LMDB re-uses none of their pages: taken, and let go of. Why,
// and who does when, says durable.ts.
import { fdatasyncSync } from 'node:fs';
import type { DataFile } from '../pages/file.ts';
import type { Meta } from '../pages/format.ts';
import { isStateHeld } from '../pages/lock.ts';
import { isKept, markedTxn, noteSafe, safeTxn, writeMark } from '../pages/mark.ts';
import { native, READ_ONLY } from './native.ts';
import type { Flush, Writer } from './writer.ts';

/** Whether this process holds a state. */
export function holds({ pin, flushing, stuck }: Writer): boolean {
  return pin !== undefined || flushing?.pin !== undefined || stuck.length > 0;
}

/**
 * The first transaction after the newest state was safe on the disk holds that state, so that no page of it is re-used until a
 * newer one is safe. Later transactions need not.
 */
export function pinIfSafe(writer: Writer, meta: Meta): void {
  const { file, lock } = writer;
  if (!isKept(file)) return;
  if (markedTxn(file) !== meta.txnid) {
    if (writer.pin !== undefined || isStateHeld(lock, markedTxn(file))) return;
    // Who held it is gone with its slot: LMDB clears those of the dead when one of them had its lock, and all of them for a
    // process that is the first to open the lock file.
    makeSafe(file, meta);
  }
  // This process's own flush has just written that mark, and holds both states until the mark is on the disk.
  if (writer.flushing?.meta.txnid === meta.txnid) return;
  if (writer.pin !== undefined && writer.pinned === meta.txnid) return;
  // An older state is let go only when the mark is known to be on the disk: its writer may still be waiting for that.
  if (safeTxn(file) >= meta.txnid) unpin(writer);
  else if (writer.older === undefined) writer.older = writer.pin;
  else writer.pin?.abort(); // what lies between the two is held with the older one
  writer.pin = new (native().Txn)(writer.env, READ_ONLY);
  writer.pinned = meta.txnid;
}

/** Brings the newest state to the disk, and then a mark that names it. To be called under the write lock. */
export function makeSafe(file: DataFile, meta: Meta): void {
  if (markedTxn(file) < meta.txnid) {
    fdatasyncSync(file.fd);
    writeMark(file, file.head, meta, true);
  }
  if (safeTxn(file) < meta.txnid) {
    fdatasyncSync(file.fd);
    noteSafe(file, meta.txnid);
  }
}

/** Lets go of all states that no flush is under way for. */
export function unpin(writer: Writer): void {
  for (const pin of [writer.pin, writer.older]) pin?.abort();
  writer.pin = undefined;
  writer.older = undefined;
}

/** Lets go of the older one, if the one that the pin holds is safe by now. */
export function letGoOfOlder(writer: Writer): void {
  if (safeTxn(writer.file) < writer.pinned) return;
  writer.older?.abort();
  writer.older = undefined;
}

/** The state that the flush is for is held no more. */
export function abandon(flush: Flush): void {
  flush.pin?.abort();
  flush.pin = undefined;
}

/** A flush has failed: its slot is let go when that can be done, for garbage collection would do it at any time, or late. */
export function keepForLater(writer: Writer, { pin }: Flush): void {
  if (pin !== undefined) writer.stuck.push(pin);
}
