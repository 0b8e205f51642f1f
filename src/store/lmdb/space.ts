// Disk space for what a transaction will write, taken before liblmdb writes it: where a write of liblmdb fails, lmdb 3.5
// puts a message into memory that is too short for it, and the process dies. So a transaction for which there is no space
// is refused. Writes nothing but zeros behind the last page.

// The lock file too: liblmdb writes it through a map, and file systems such as btrfs write changes to a new place, so that
// without space the write is a SIGBUS. Then the lock file is not touched.
import { fstatSync, ftruncateSync, lstatSync, statfsSync, statSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { DISK_FULL, FullError, NODES_EDQUOT, refused, StoreError } from '../damage.ts';
import { withAside } from '../disk/files.ts';
import type { DataFile } from '../pages/file.ts';
import type { Meta } from '../pages/format.ts';
import { readHead } from '../pages/head.ts';
import { lockPath } from '../pages/lock.ts';

const CHUNK = 64 * 1024;

/**
 * Makes sure, under the write lock, that a transaction on the state `meta` can write `pages` pages wherever liblmdb puts them:
 * within the file, or behind its last page. Throws FullError where there is no space (also by a limit or quota), StoreError.
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

const FULL = new Set(['ENOSPC', 'EDQUOT', NODES_EDQUOT, 'EFBIG']);

function refusedSpace(error: unknown, path: string): StoreError {
  const { message } = refused(error, path, 'write to');
  return FULL.has((error as NodeJS.ErrnoException).code!) ? new FullError(message) : new StoreError(message);
}

/** The size of a new database: two pages, as large as pages can be; in bytes. */
const FIRST = 2 * 65536;

/**
 * Makes sure that there is space for a new database at `path`: lmdb 3.5 dies where there is none. Takes it in a file beside
 * `path`, which is removed again: at `path`, LMDB would take it for a database. Throws FullError, StoreError.
 */
export function checkFirst(path: string): void {
  tryToTake(path, FIRST);
}

function tryToTake(path: string, bytes: number): void {
  try {
    withAside(path, Buffer.alloc(bytes), () => {});
  } catch (error) {
    throw refusedSpace(error, path);
  }
}

/**
 * Makes sure that there is space to save what is in the damaged file at `path`: for a new file of its size, and as much again,
 * which is kept for later changes. `what` says what is wrong with the file. Throws FullError, StoreError.
 */
export function checkToSave(path: string, what: string): void {
  checkFirst(path);
  const needed = 2 * 512 * lstatSync(path).blocks;
  const { bavail, bsize } = statfsSync(dirname(path));
  if (bavail * bsize >= needed) return;
  const megabytes = Math.ceil(needed / 1e6);
  throw new FullError(`${path} ${what}; to save the rest takes ${megabytes} MB of free space: free some`);
}

/** Gives back the space that was taken and not used, in a file that nobody else has open yet. */
export function giveBack(file: DataFile): void {
  const { lastPage, pageSize } = readHead(file);
  const end = (lastPage + 1) * pageSize;
  if (fstatSync(file.fd).size > end) ftruncateSync(file.fd, end);
  file.taken = 0;
}

/**
 * File systems that write changes in place, by their numbers in statfs(2): ext2 to ext4, tmpfs, and overlayfs, which usually
 * lies on one of them. Not xfs: it writes to a new place what `cp` has made a copy of.
 */
const IN_PLACE = new Set([0xef53, 0x01021994, 0x794c7630]);
/** How much has to be free on any other file system, which writes its own tables to new places too; in bytes. */
const SPARE = 4 * 2 ** 20;

/** Whether writing into the files may need new space: by the file system, or because a copy has left holes in them. */
export function isCopying(database: string): boolean {
  return !IN_PLACE.has(statfsSync(dirname(database)).type) || [database, lockPath(database)].some(hasHoles);
}

function hasHoles(path: string): boolean {
  const there = statSync(path, { throwIfNoEntry: false });
  return there !== undefined && there.blocks * 512 < there.size;
}

/** Whether such a file system has space enough. */
export function hasSpare(database: string): boolean {
  const { bavail, bsize } = statfsSync(dirname(database));
  return bavail * bsize >= SPARE;
}

/** Throws FullError where such a file system has too little. */
export function checkSpare(database: string): void {
  if (!hasSpare(database)) throw new FullError(`cannot write to ${database}: ${DISK_FULL}`);
}

/** What a quota has to allow, in bytes. */
const TRIED = 2 ** 20;

/** Throws FullError where a quota leaves too little (a limit of btrfs's qgroups): statfs(2) says nothing of it, so it is tried. */
export function checkQuota(database: string): void {
  tryToTake(database, TRIED);
}
