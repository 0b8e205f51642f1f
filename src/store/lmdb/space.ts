// Space on the disk for what a transaction will write, taken before liblmdb writes it: where a write of its own fails,
// lmdb 3.5 puts a message into memory that is too short for it, and the process dies of that. A transaction that would
// find no space is refused instead. Writes nothing but zeros behind the last page.

// The same for the lock file, which liblmdb writes through a map: some file systems put what is written to another place
// (btrfs), and where there is none left, that is a SIGBUS. Nothing of it is touched then.
import { fstatSync, ftruncateSync, lstatSync, statfsSync, statSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { DISK_FULL, FullError, refused, StoreError } from '../damage.ts';
import { withAside } from '../disk/files.ts';
import { type DataFile, readHead } from '../pages/file.ts';
import type { Meta } from '../pages/format.ts';
import { lockPath } from '../pages/lock.ts';

const CHUNK = 64 * 1024;

/**
 * Makes sure, under the write lock, that a transaction on the state `meta` can write `pages` pages wherever liblmdb puts
 * them: within the file, or behind its last page. Throws FullError where the disk has no space, or a limit is in the way;
 * StoreError.
 */
export function takeSpace(file: DataFile, meta: Meta, pages: number): void {
  const end = (meta.lastPage + 1 + pages) * file.pageSize;
  if (end <= file.taken) return;
  file.taken = fstatSync(file.fd).size;
  const zeros = Buffer.alloc(Math.min(CHUNK, Math.max(0, end - file.taken)));
  try {
    while (file.taken < end)
      file.taken += writeSync(file.fd, zeros, 0, Math.min(zeros.length, end - file.taken), file.taken);
  } catch (error) {
    throw refusedSpace(error, file.path);
  }
}

const FULL = new Set(['ENOSPC', 'EDQUOT', 'EFBIG']);

function refusedSpace(error: unknown, path: string): StoreError {
  const { message } = refused(error, path, 'write to');
  return FULL.has((error as NodeJS.ErrnoException).code!) ? new FullError(message) : new StoreError(message);
}

/** What a new database begins with, two pages of the largest size that they can have, in bytes. */
const FIRST = 2 * 65536;

/**
 * Makes sure of space for a database that is to be made at `path`: lmdb 3.5 dies where there is none. What is taken for
 * that is given back, for LMDB would take it for a database. Throws FullError, StoreError.
 */
export function checkFirst(path: string): void {
  try {
    withAside(path, Buffer.alloc(FIRST), () => {});
  } catch (error) {
    throw refusedSpace(error, path);
  }
}

/**
 * Makes sure of space to save what is in the damaged file at `path`, which is `what`: a new one of its size, and as much
 * again, which is kept for later changes. Throws FullError, StoreError.
 */
export function checkToSave(path: string, what: string): void {
  checkFirst(path);
  const needed = 2 * 512 * lstatSync(path).blocks;
  const { bavail, bsize } = statfsSync(dirname(path));
  if (bavail * bsize >= needed) return;
  const megabytes = Math.ceil(needed / 1e6);
  throw new FullError(`${path} ${what}; to save the rest takes ${megabytes} MB of free space: free some`);
}

/** Gives back what was taken and not used, of a file that nobody else has open yet. */
export function giveBack(file: DataFile): void {
  const { lastPage, pageSize } = readHead(file);
  const end = (lastPage + 1) * pageSize;
  if (fstatSync(file.fd).size > end) ftruncateSync(file.fd, end);
  file.taken = 0;
}

/**
 * statfs(2)'s numbers of ext2 to ext4, tmpfs, and overlayfs, which as a rule lies on one of them. Not of xfs: it copies what
 * `cp` has made a copy of.
 */
const IN_PLACE = new Set([0xef53, 0x01021994, 0x794c7630]);
/** So much has to be free where a file system copies: it copies tables of its own as well; in bytes. */
const SPARE = 4 * 2 ** 20;

/** Whether what is written may go to another place than what was there, or where nothing was: holes that a copy has left. */
export function isCopying(database: string): boolean {
  return !IN_PLACE.has(statfsSync(dirname(database)).type) || [database, lockPath(database)].some(hasHoles);
}

function hasHoles(path: string): boolean {
  const there = statSync(path, { throwIfNoEntry: false });
  return there !== undefined && there.blocks * 512 < there.size;
}

/** Whether a file system that copies has space for it. */
export function hasSpare(database: string): boolean {
  const { bavail, bsize } = statfsSync(dirname(database));
  return bavail * bsize >= SPARE;
}

/** Throws FullError where the file system of `database` copies, and has no space for it. */
export function checkSpare(database: string): void {
  if (!hasSpare(database)) throw new FullError(`cannot write to ${database}: ${DISK_FULL}`);
}
