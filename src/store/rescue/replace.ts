// Copying the database, and putting another file in its place, while filters run: backup, compact and restore. The filters go
// over to the new file by themselves, and nothing that was committed is lost.
import { linkSync, renameSync, rmSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { DamageError, MovedError, refused, StoreError } from '../damage.ts';
import { removeLitter, syncPath } from '../disk/files.ts';
import { type Owner, takeOwner } from '../disk/owner.ts';
import { checkPlace } from '../disk/place.ts';
import { tryAgain } from '../lmdb/again.ts';
import { flush, flushLast } from '../lmdb/durable.ts';
import { type Held, hold, holdNewest } from '../lmdb/hold.ts';
import { openWriter } from '../lmdb/open.ts';
import { giveBack } from '../lmdb/space.ts';
import { withLock } from '../lmdb/transaction.ts';
import { closeWriter, type Writer } from '../lmdb/writer.ts';
import { checkBeforeWriting } from '../pages/doubt.ts';
import { closeFile, openFile } from '../pages/file.ts';
import { readHead } from '../pages/head.ts';
import { lockPath, sizeNow } from '../pages/lock.ts';
import { readQueue } from '../queue/read.ts';
import { catchUp, copyState, type Pages } from './copy.ts';
import { foreign, wasDatabase } from './ours.ts';

/** How often the copy catches up with what filters write; then the rest is done while they wait. */
const MOST_ROUNDS = 10;
/** How many commits may be left for that: a millisecond's work or two. */
const FEW = 20;
/** How often a copy is tried while pages change under it, as they do only where no reader's slot was to be had. */
const MOST_TRIES = 10;

/**
 * Writes the newest state of the database, and what is queued, to the new file `to`, mode 0600. Returns how many records it
 * has; undefined: there is no database. Throws StoreError or DamageError. `where`: as for `checkPlace`.
 */
export function copyTo(
  path: string,
  to: string,
  progress: (part: number) => void,
  where?: string,
): number | undefined {
  checkPlace(path, where);
  checkBeforeWriting(path);
  let wrong = '';
  for (let tries = 1; ; tries++) {
    try {
      return copyOnce(path, to, progress);
    } catch (error) {
      // Pages that filters re-use while we read look wrong, as the lock file may be removed at any time; others do the next time.
      if (!(error instanceof DamageError) || error.message === wrong || tries === MOST_TRIES) throw error;
      wrong = error.message;
    }
  }
}

function copyOnce(path: string, to: string, progress: (part: number) => void): number | undefined {
  const file = openFile(path);
  if (file === undefined) return undefined;
  const queued = readQueue(path); // before the state, which then has what leaves the queue meanwhile
  const release = hold(path);
  const own = `${to}.new-${process.pid}`;
  try {
    removeLitter(to);
    const { records } = writeNew(own, (into) => copyState(file, readHead(file), into, progress, queued));
    renameSync(own, to);
    syncPath(dirname(to));
    return records;
  } catch (error) {
    throw error instanceof Error && 'code' in error ? refused(error, to, 'write') : error;
  } finally {
    release();
    closeFile(file);
    remove(own);
  }
}

/** Makes a new database at `path`, where none is, and has `work` fill it. It is whole and on the disk when this returns. */
function writeNew<T>(path: string, work: (into: Writer) => T): T {
  const into = openWriter(path);
  try {
    const result = work(into);
    flushLast(into);
    giveBack(into.file);
    return result;
  } finally {
    closeWriter(into);
  }
}

/**
 * Replaces the database by a copy without empty pages, while filters go on. Throws StoreError, DamageError or MovedError, and
 * then all is as it was.
 */
export function compact(path: string, progress: (part: number) => void): void {
  tryAgain([MovedError], () => compactOnce(path, progress));
}

function compactOnce(path: string, progress: (part: number) => void): void {
  const own = `${path}.new-${process.pid}`;
  checkPlace(path);
  checkBeforeWriting(path);
  const owner = ownerToBe(path);
  const writer = openWriter(path);
  let into: Writer | undefined;
  let held: Held | undefined;
  try {
    removeLitter(path);
    into = openWriter(own);
    held = holdNewest(writer);
    let { pages } = copyState(writer.file, held.meta, into, progress);
    for (let round = 0; round < MOST_ROUNDS; round++) {
      const next = holdNewest(writer);
      const left = next.meta.txnid - held.meta.txnid;
      pages = catchUp(writer.file, held.meta, pages, next.meta, into);
      held.release();
      held = next;
      flush(into);
      if (left <= FEW) break;
    }
    underLock(writer, into, held, pages, () => {
      closeWriter(into!);
      into = undefined;
      takeOwner(own, owner);
      sizeNow(writer.lock); // throws where it was removed meanwhile: others may have committed to the old file
      putInPlace(own, path);
    });
  } catch (error) {
    if (error instanceof DamageError) sizeNow(writer.lock); // throws where it was removed: nobody has minded our slot since
    throw error instanceof Error && 'code' in error ? refused(error, path, 'compact') : error;
  } finally {
    held?.release();
    if (into !== undefined) closeWriter(into);
    closeWriter(writer);
    remove(own);
  }
}

/** While nobody can commit, puts the rest into the copy, and then has `replace` put that in place. */
function underLock(writer: Writer, into: Writer, held: Held, pages: Pages, replace: () => void): void {
  withLock(writer, (newest) => {
    if (newest.txnid !== held.meta.txnid) catchUp(writer.file, held.meta, pages, newest, into);
    flushLast(into);
    giveBack(into.file);
    replace();
  });
}

function putInPlace(own: string, path: string): void {
  renameSync(own, path);
  syncPath(dirname(path)); // before anybody answers that something in it is on the disk
  // Shows processes that wait for the lock, or have the old file open, that it was replaced. (It may just have been removed.)
  rmSync(lockPath(path), { force: true });
}

/**
 * Replaces the database at `path` by a copy of the database `from`, and sets it aside as `aside`. Returns how many records the
 * copy has, and whether there was one to set aside. Throws StoreError, MovedError, DamageError (of `from`); then all is as it
 * was.
 */
export function restore(
  path: string,
  from: string,
  aside: string,
  progress: (part: number) => void,
): { records: number; wasThere: boolean } {
  const own = `${path}.new-${process.pid}`;
  checkOurs(path);
  const owner = ownerToBe(path);
  try {
    removeLitter(path);
    const records = copyTo(from, own, progress, '');
    if (records === undefined) throw new StoreError(`${from} does not exist, or is empty; name a backup`);
    takeOwner(own, owner);
    const wasThere = tryAgain([MovedError], () => replaceBy(own, path, aside));
    return { records, wasThere };
  } finally {
    remove(own);
  }
}

/** Throws StoreError where something lies at `path` that never was a database: --db names it by mistake. */
function checkOurs(path: string): void {
  let what = 'is no database';
  try {
    checkPlace(path);
    if (statSync(path, { throwIfNoEntry: false }) === undefined || wasDatabase(path)) return;
  } catch (error) {
    if (!(error instanceof DamageError)) throw error;
    what = error.message;
  }
  throw new StoreError(foreign(path, what));
}

/** Returns whether there was a database to set aside. */
function replaceBy(own: string, path: string, aside: string): boolean {
  if (statSync(path, { throwIfNoEntry: false }) === undefined) {
    putInPlace(own, path);
    return false;
  }
  const swap = () => {
    linkSync(path, aside);
    putInPlace(own, path);
  };
  try {
    afterLastCommit(path, swap);
  } catch (error) {
    if (!(error instanceof DamageError)) throw error;
    swap(); // there is no state to wait for
  }
  return true;
}

/** Does `work` while nobody can commit to the database, all of which is on the disk then. */
function afterLastCommit(path: string, work: () => void): void {
  checkBeforeWriting(path); // or its state would be marked as safe, and whoever salvages it would not be told
  const writer = openWriter(path);
  try {
    flush(writer);
    flushLast(writer);
    withLock(writer, work);
  } finally {
    closeWriter(writer);
  }
}

/** Owner and mode for the new file: those of the old one, else the directory's owner, as for every file that root makes. */
function ownerToBe(path: string): Owner {
  const there = statSync(path, { throwIfNoEntry: false });
  const { uid, gid, mode } = there ?? { ...statSync(dirname(path)), mode: 0o600 };
  const me = process.geteuid!();
  if (there !== undefined && me !== 0 && me !== uid) {
    throw new StoreError(`${path} belongs to another user; run this as root, or as that user (su, sudo -u)`);
  }
  return { uid, gid, mode: mode & 0o777 };
}

function remove(path: string): void {
  rmSync(path, { force: true });
  rmSync(lockPath(path), { force: true });
}
