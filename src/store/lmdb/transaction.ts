// Changing the database: the write lock, one transaction, and the checks before liblmdb may touch a page. Under the lock the
// state cannot change, so that liblmdb finds what was checked.
import { BadLockError, MovedError, StoreError } from '../damage.ts';
import { isElsewhere } from '../pages/file.ts';
import { type Meta, nodeData, nodeDataSize, nodeKey, nodeKeySize } from '../pages/format.ts';
import { checkFreeList } from '../pages/freelist.ts';
import { readHead } from '../pages/head.ts';
import { awaitLock, noteLast, sizeNow } from '../pages/lock.ts';
import { forgetChanges } from '../pages/tree.ts';
import { KEY_AT, put, remove, valueAt } from './instruction.ts';
import { NO_SYNC, SYNCHRONOUS } from './native.ts';
import { pinIfSafe } from './pin.ts';
import { fromLmdb } from './refusal.ts';
import { checkSpare, takeSpace } from './space.ts';
import type { Writer } from './writer.ts';

const CHECKED_FOR = 5; // milliseconds for which pages that were read and checked count as checked
/**
 * How many leaves a transaction of a batch changes: none of the pages that it replaces can be re-used before it ends. And where
 * many are replaced at once, lmdb 3.5 loses its way in its list of free pages, reads memory that is none of its list, and mostly
 * fails (MDB_NOTFOUND, MDB_BAD_VALSIZE): at 100 leaves up to 19 of 10,000 transactions failed, at 64 up to 2 of 23,438, at 50, 40
 * and 32 none of 180,000 to 375,000 (2026-11-30, a C program with its liblmdb, new records all over the file).
 */
export const MOST_LEAVES = 32;
/** MDB_APPEND: the key is greater than all others; fills pages one after the other. */
export const APPEND = 0x20000;
/** What a record takes on its page besides key and value, in bytes. */
const NODE = 10;
const BEGIN = NO_SYNC | SYNCHRONOUS;
const MOST_BEGINS = 20;

/**
 * Takes the write lock and returns the newest state, on which the transaction has begun. Throws MovedError where the
 * database was set aside, NotNowError, BadLockError, DamageError.
 */
export function begin(writer: Writer): Meta {
  const { env, file, lock } = writer;
  if (writer.copies) checkSpare(file.path);
  writer.touched = 0;
  writer.puts = 0;
  writer.filled = 0;
  forgetChanges(writer.path);
  for (let tries = 0; ; tries++) {
    const wrong = tries < MOST_BEGINS ? awaitLock(lock) : 'names an impossible transaction';
    if (wrong !== '') throw new BadLockError(`${lock.path} ${wrong}`, lock.ino);
    // The last thing before the lock is taken: liblmdb reads the head too, and would not survive one that is gone.
    readHead(file);
    env.beginTxn(BEGIN);
    try {
      const begun = env.getWriteTxnId();
      if (begun === 0) throw new StoreError(`cannot write to ${file.path}: LMDB gives no transaction`);
      // The lock file may have been removed while we waited, and then it excludes nobody.
      if (sizeNow(lock) < lock.size) throw new BadLockError(`${lock.path} is truncated`, lock.ino);
      // A compact that was killed has put its file in place, and left the lock file: what is committed to the old file now
      // would be lost, and with it what the queue held.
      if (isElsewhere(file)) throw new MovedError('the file was replaced');
      const meta = readHead(file, true);
      if (begun === meta.txnid + 1) return meta;
      // mdb_env_open() of lmdb 3.5 writes into the lock file the transaction that it read from the database a moment before,
      // whatever others have committed since. Made on that older state, the next commit would undo theirs.
      noteLast(lock, meta.txnid);
    } catch (error) {
      env.abortTxn();
      throw error;
    }
    env.abortTxn();
  }
}

/** Runs `work` on the newest state while nobody else can commit; it commits nothing either. Throws what `begin` throws. */
export function withLock<T>(writer: Writer, work: (meta: Meta) => T): T {
  const meta = begin(writer);
  try {
    return work(meta);
  } finally {
    writer.env.abortTxn();
  }
}

/**
 * Carries out `change` in one write transaction on the newest state, which is passed to it, and returns that state. `change`
 * must search for every key by `writer.path` before it puts it, which checks whatever liblmdb reads for the put, and return
 * false where there is nothing to commit.
 */
export function transact(writer: Writer, change: (meta: Meta) => boolean): Meta {
  return commitIf(writer, (meta) => {
    const now = Date.now();
    // Not where this process has just written the list itself.
    if (meta.txnid !== writer.committed || Math.abs(now - writer.committedAt) > CHECKED_FOR)
      writer.path.free = checkFreeList(writer.file, meta, writer.scratch);
    if (Math.abs(now - writer.path.readAt) > CHECKED_FOR) writer.path.txnid = -1; // it may have been damaged since
    pinIfSafe(writer, meta);
    const changed = change(meta);
    if (changed) takeSpaceFor(writer, meta, writer.touched, writer.path.splits);
    return changed;
  });
}

/**
 * Carries out `change` in one write transaction without checking pages first: for copying and salvaging into a database that
 * was just made. (One that was there before, as an administrator may name, has to be checked as a whole first.)
 */
export function transactBatch(writer: Writer, change: () => void): Meta {
  return commitIf(writer, (meta) => {
    pinIfSafe(writer, meta);
    change();
    takeSpaceFor(writer, meta, writer.puts, writer.filled / writer.file.pageSize);
    return true;
  });
}

/** One write transaction: runs `work` on the newest state, which is returned, and commits if `work` returns true. */
function commitIf(writer: Writer, work: (meta: Meta) => boolean): Meta {
  const meta = begin(writer);
  let done = false;
  try {
    done = work(meta);
  } finally {
    if (!done) writer.env.abortTxn();
  }
  if (done) commit(writer, meta);
  return meta;
}

/**
 * Makes sure of space for a transaction that writes at most so many leaves anew and adds so many to them. Throws
 * FullError, StoreError.
 */
function takeSpaceFor(writer: Writer, meta: Meta, leaves: number, added: number): void {
  const { file, path } = writer;
  // Each leaf may have branch pages of its own above it, in all no more than there are pages; and each leaf that is added may
  // add as many.
  const way = Math.max(1, meta.main.depth - 1);
  const ways = Math.min(leaves * way, meta.lastPage) + added * way + 2;
  // The list of free pages is written anew; where it fills pages of its own, in one piece.
  const list = Math.ceil(((path.free?.count ?? 0) * 8) / file.pageSize);
  takeSpace(file, meta, Math.ceil(ways) + 2 * (meta.free.depth + list) + 4);
}

function commit(writer: Writer, meta: Meta): void {
  try {
    // Where the lock file was removed a moment ago, others have a new one, and will soon write to the same pages.
    sizeNow(writer.lock);
  } catch (error) {
    writer.env.abortTxn();
    throw error;
  }
  try {
    writer.env.commitTxn();
  } catch (error) {
    throw fromLmdb(error, writer.file.path);
  }
  sizeNow(writer.lock); // throws where the file was set aside meanwhile; the commit is then repeated on the new one
  writer.committed = meta.txnid + 1;
  writer.due ||= writer.committed;
  writer.pagesEach = writer.touched + meta.main.depth + 1; // leaves, branch pages, and the list of free pages
  writer.committedAt = Date.now();
  writer.file.own = writer.committed;
}

/** Puts the key and record in `writer.instruction`, within a transaction; false: the key exists (with ONLY_NEW). */
export function putRecord(writer: Writer, keyLength: number, size: number, flags = 0): boolean {
  touch(writer);
  // Appended records fill page after page; where a page is split, two are left half full.
  if ((flags & APPEND) !== 0) writer.filled += (NODE + keyLength + size) * 1.1;
  else {
    writer.puts++;
    writer.filled += (NODE + keyLength + size) * 3;
  }
  try {
    return put(writer.instruction, writer.env.address, writer.dbi, keyLength, size, flags);
  } catch (error) {
    throw fromLmdb(error, writer.file.path);
  }
}

/** As `putRecord`, for the key and record of a leaf's node. */
export function putNode(writer: Writer, page: Buffer, node: number, flags: number): boolean {
  const { bytes } = writer.instruction;
  const length = nodeKeySize(page, node);
  const at = nodeData(page, node);
  const size = nodeDataSize(page, node);
  page.copy(bytes, KEY_AT, nodeKey(node), at);
  page.copy(bytes, valueAt(length), at, at + size);
  return putRecord(writer, length, size, flags);
}

/** Deletes the key in `writer.instruction`, within a transaction, after `checkBeside`; false: there is no such key. */
export function removeRecord(writer: Writer, keyLength: number): boolean {
  touch(writer);
  writer.puts++;
  try {
    return remove(writer.instruction, writer.env.address, writer.dbi, keyLength);
  } catch (error) {
    throw fromLmdb(error, writer.file.path);
  }
}

/** Counts the leaf that the path leads to. (A leaf to which the transaction returns later is counted again.) */
function touch(writer: Writer): void {
  const leaf = writer.path.numbers.at(-1) ?? 0;
  if (leaf === writer.leaf && writer.touched > 0) return;
  writer.leaf = leaf;
  writer.touched++;
}
