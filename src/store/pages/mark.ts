// Our mark in the database's first page: it names the last state that is known to be on the disk. A power cut may leave any
// newer state half written; then the file goes back to the marked one.
import { readFileSync, writeSync } from 'node:fs';
import { u16, u32, u48 } from '../records/bytes.ts';
import { fnv1a } from '../records/fnv.ts';
import type { DataFile } from './file.ts';
import {
  MARK_AT,
  MARK_BYTES,
  META_BOOT_ID,
  META_LAST_PAGE,
  META_TREES,
  META_TREES_BYTES,
  META_TXNID,
  type Meta,
} from './format.ts';

// LMDB uses the first 168 bytes of its first page. The mark lies in a disk sector of its own:
//   magic (8), format version of the records (2), kept or not (2), check (4), transaction (8), last page (8),
//   trees (96)
const MAGIC = Buffer.from('GREYLTCH');
const FORMAT = 1;
/** In place of the marked transaction: the mark is one of a newer greylatch. */
export const OF_NEWER = -2;
const KEPT = MARK_AT + 10;
const TXNID = MARK_AT + 16;
const LAST_PAGE = MARK_AT + 24;
const TREES = MARK_AT + 32;
// Behind it, and not flushed with it: the oldest transaction that a power cut may still lead back to (8). As nobody can see
// by the mark itself: it is read from the kernel's memory.
const SAFE = MARK_AT + MARK_BYTES;

/** The transaction that is safe on the disk; -1: the file has no mark; OF_NEWER. */
export function markedTxn(file: DataFile): number {
  const { head, mark } = file;
  // Kept, for this is called often, and the mark changes once a second at most.
  if (mark.bytes.compare(head, MARK_AT, MARK_AT + MARK_BYTES) !== 0) {
    head.copy(mark.bytes, 0, MARK_AT, MARK_AT + MARK_BYTES);
    mark.txnid = readMark(head);
  }
  return mark.txnid;
}

function readMark(head: Buffer): number {
  if (MAGIC.compare(head, MARK_AT, MARK_AT + 8) !== 0) return -1;
  if (u32(head, MARK_AT + 12) !== sum(head)) return -1;
  return u16(head, MARK_AT + 8) > FORMAT ? OF_NEWER : u48(head, TXNID);
}

/** The marked state: its transaction, and the last page that it used. */
export function markedState(file: DataFile): { txnid: number; lastPage: number } {
  return { txnid: markedTxn(file), lastPage: u48(file.head, LAST_PAGE) };
}

/** Whether the marked state is kept: no page of it is re-used while it is the marked one. */
export function isKept(file: DataFile): boolean {
  return markedTxn(file) >= 0 && u16(file.head, KEPT) === 1;
}

/**
 * No power cut leads back to a state that is older than this one: the mark of this one is known to be on the disk, or, where
 * this is the next one after the marked state, that the marked one is kept no longer. 0: not known.
 */
export function safeTxn(file: DataFile): number {
  const safe = u48(file.head, SAFE);
  return safe <= markedTxn(file) + (isKept(file) ? 0 : 1) ? safe : 0;
}

/** Says so. Need not reach the disk, nor be the last word: others may know more, and say it again. */
export function noteSafe(file: DataFile, txnid: number): void {
  if (safeTxn(file) >= txnid) return;
  file.head.writeBigUInt64LE(BigInt(txnid), SAFE);
  writeSync(file.fd, file.head, SAFE, 8, SAFE);
}

/** Writes the mark for the state in `meta`, which was read from `head`, and whether it is kept. */
export function writeMark(file: DataFile, head: Buffer, meta: Meta, kept: boolean): void {
  const page = (meta.txnid & 1) === 0 ? 0 : file.pageSize; // where LMDB puts an even, an odd transaction
  MAGIC.copy(head, MARK_AT);
  head.writeUInt16LE(FORMAT, MARK_AT + 8);
  head.writeUInt16LE(kept ? 1 : 0, KEPT);
  head.copy(head, TXNID, page + META_TXNID, page + META_TXNID + 8);
  head.copy(head, LAST_PAGE, page + META_LAST_PAGE, page + META_LAST_PAGE + 8);
  head.copy(head, TREES, page + META_TREES, page + META_TREES + META_TREES_BYTES);
  put(file, head);
}

/** Changes the mark to say that its state is no longer kept. */
export function writeUnkept(file: DataFile): void {
  file.head.writeUInt16LE(0, KEPT);
  put(file, file.head);
}

function put(file: DataFile, head: Buffer): void {
  head.writeUInt32LE(sum(head), MARK_AT + 12);
  writeSync(file.fd, head, MARK_AT, MARK_BYTES, MARK_AT);
  head.copy(file.head, MARK_AT, MARK_AT, MARK_AT + MARK_BYTES); // as if it had been read again
}

/**
 * Whether the newest state was written before this boot, and is newer than the mark or was made while the marked one was not
 * kept: the machine went down in between, and nobody knows how much of that state reached the disk. (A file that was less than
 * a second old then has no mark.)
 */
export function isDoubtful(file: DataFile, meta: Meta): boolean {
  const marked = markedTxn(file);
  if (marked === OF_NEWER || (marked >= meta.txnid && isKept(file))) return false;
  // 0: unknown, to us or to the writer (a service without /proc/sys). To roll back under running filters would be worse.
  return meta.bootId !== 0 && bootId() !== 0 && meta.bootId !== bootId();
}

/**
 * Makes both meta pages show the marked state again. They keep their transactions' numbers, which LMDB has in its lock file
 * too. To be called under the write lock, before anything was written in this boot.
 */
export function rollBack(file: DataFile, meta: Meta): void {
  const { head, pageSize } = file;
  for (const page of [0, pageSize]) {
    head.copy(head, page + META_TREES, TREES, TREES + META_TREES_BYTES);
    head.copy(head, page + META_LAST_PAGE, LAST_PAGE, LAST_PAGE + 8);
    const own = (meta.txnid & 1) === (page === 0 ? 0 : 1);
    head.writeBigUInt64LE(BigInt(own ? meta.txnid : Math.max(0, meta.txnid - 1)), page + META_TXNID);
    head.writeBigUInt64LE(BigInt(bootId()), page + META_BOOT_ID);
    writeSync(file.fd, head, page + META_TREES, META_BOOT_ID + 8 - META_TREES, page + META_TREES);
  }
  file.newest = undefined; // its number now stands for another state
}

function sum(head: Buffer): number {
  return fnv1a(head, MARK_AT + 16, MARK_AT + MARK_BYTES, fnv1a(head, MARK_AT, MARK_AT + 12)) >>> 0;
}

let boot: number | undefined;

/** The kernel's boot id, cut down as LMDB does: the first eight hexadecimal digits. 0: unknown. */
function bootId(): number {
  if (boot === undefined) {
    try {
      boot = Number(`0x${readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').slice(0, 8)}`) || 0;
    } catch {
      boot = 0;
    }
  }
  return boot;
}
