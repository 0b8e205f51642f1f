// Checks LMDB's lock file, FILE-lock, before its lock is taken: rubbish in it would make liblmdb wait for ever, or die.
import {
  closeSync,
  constants,
  fstatSync,
  ftruncateSync,
  openSync,
  readFileSync,
  readSync,
  writeSync,
} from 'node:fs';
import { pause } from '../../time/pause.ts';
import { BusyError, MovedError, refused } from '../damage.ts';
import { isAlive, isStopped } from '../disk/alive.ts';
import { makeWhole } from '../disk/files.ts';
import { u32, u48 } from '../records/bytes.ts';
import { MAGIC } from './format.ts';

export interface LockFile {
  fd: number;
  path: string;
  ino: number;
  size: number;
  bytes: Buffer;
  /** The words that never change: magic, layout, the mutex's kind. */
  magic: number;
  layout: number;
  kind: number;
}

// struct MDB_txninfo: magic, layout, last transaction (8), readers, padding up to 64; then the write mutex
// (pthread_mutex_t of glibc: lock word, count, owner, users, kind); from 208 on, 64 bytes a reader: the transaction whose state
// it holds (8; all ones: none), its process (4; 0: the slot is free).
const LAST_TXN = 8;
const READERS = 16;
const MUTEX = 64;
const KIND = MUTEX + 16;
const ROBUST_SHARED = 0x90; // glibc's kind of mutex; others (musl) keep the holder elsewhere
const TABLE = 208;
const SLOT = 64;
const PAGE = 4096;
const HOLDER = 0x3fffffff;
const HOLDER_DIED = 0x40000000;

/** How long a process within a transaction has to finish it after the lock file was removed, in milliseconds. */
export const AFTER_REMOVAL = 50;

export function lockPath(database: string): string {
  return `${database}-lock`;
}

/**
 * Makes a lock file of one page of zeros, which LMDB takes for a new one. LMDB itself would make one with a hole, and writing
 * into that through its map is a SIGBUS when the disk is full.
 */
export function makeLock(database: string): void {
  const path = lockPath(database);
  try {
    makeWhole(path, Buffer.alloc(PAGE));
  } catch (error) {
    throw refused(error, path, 'create');
  }
}

/**
 * Whether the lock file is rubbish while another process has the database open: LMDB makes a new lock of rubbish only for a
 * process that is alone, and lmdb 3.5 dies of SIGSEGV where it cannot. A process that has it open holds fcntl(2)'s shared lock
 * (the exclusive one while it makes the file). Throws what the file system throws where it cannot be opened for writing, of
 * which lmdb would die too.
 */
export function isRubbishInUse(path: string, ino: number): boolean {
  // The third look is for a file that was made between the first two.
  return !isOfLmdb(path) && isOpenElsewhere(ino) && !isOfLmdb(path);
}

function isOfLmdb(path: string): boolean {
  const head = Buffer.alloc(4);
  const fd = openThere(path, constants.O_RDWR | constants.O_NOFOLLOW);
  try {
    return readSync(fd, head, 0, 4, 0) === 4 && u32(head, 0) === MAGIC;
  } finally {
    closeSync(fd);
  }
}

function isOpenElsewhere(ino: number): boolean {
  try {
    const locks = readFileSync('/proc/locks', 'latin1').split('\n');
    return locks.some((line) => line.includes(' READ ') && line.includes(`:${ino} `));
  } catch {
    return false; // no /proc in a chroot
  }
}

/** Throws MovedError where the lock file was removed, as it is when the database is compacted, restored or set aside. */
function openThere(path: string, flags: number): number {
  try {
    return openSync(path, flags);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    throw new MovedError('the lock file was removed while the database was opened');
  }
}

/** Opens the lock file that LMDB has just opened or made. Close it only after the environment: see fcntl(2), F_SETLK. */
export function openLock(database: string): LockFile {
  const path = lockPath(database);
  const fd = openThere(path, constants.O_RDWR);
  const { ino, size } = fstatSync(fd);
  const bytes = Buffer.alloc(PAGE);
  readSync(fd, bytes, 0, TABLE, 0);
  return { fd, path, ino, size, bytes, magic: u32(bytes, 0), layout: u32(bytes, 4), kind: u32(bytes, KIND) };
}

/**
 * Whether the last other process was closing the database while we opened it: LMDB destroys the mutex then. It has to be
 * opened again; the first process that is alone sets the mutex up anew.
 */
export function isDestroyed(lock: LockFile): boolean {
  return lock.kind === 0xffffffff;
}

/** To be called before the environment is closed: LMDB writes to its map of this file, which is a SIGBUS if it is shorter. */
export function restoreSize({ fd, size }: LockFile): void {
  const whole = Math.max(size, PAGE); // it may have been cut off before we had a look at it
  if (fstatSync(fd).size < whole) ftruncateSync(fd, whole);
}

/** To be called when the environment is closed: see `openLock`. */
export function closeLock(lock: LockFile): void {
  closeSync(lock.fd);
}

/** How long `awaitLock` sleeps between two looks, in milliseconds (the kernel adds a little), and how often. */
const NAP = 0.05;
const LONGEST_NAP = 1;
const MOST_NAPS = 30;
/** How many more for a process that is stopped: with them, an answer took 0.32 to 0.39 s (2 cores, Node 20). */
const PATIENCE = 250;

/**
 * Waits until the write lock is free, outside of liblmdb, and returns what is wrong with its file, '' for nothing. A
 * process that waits within liblmdb reads the map as soon as it gets the lock: if the file was cut off meanwhile, the
 * holder dies of it, and then all that wait, one after another. If the lock is never seen free for some 20 ms, this
 * returns too, and the caller waits in liblmdb. Throws MovedError where the file was removed, BusyError where the holder is
 * stopped: nobody would get an answer while it is.
 */
export function awaitLock(lock: LockFile): string {
  for (let naps = 0; ; naps++) {
    const wrong = wrongWithLock(lock);
    if (wrong !== '') {
      sizeNow(lock); // throws where the file was removed: then nothing has to be right with it
      return wrong;
    }
    const holder = holderOf(lock);
    if (holder === 0) return '';
    if (naps === 0 && !isAlive(holder) && stillHeld(lock, holder))
      return 'is locked by a process that does not exist';
    if (naps >= MOST_NAPS) {
      if (!isStopped(holder)) return '';
      if (naps === MOST_NAPS + PATIENCE)
        throw new BusyError(
          `${lock.path} is held by a process that is stopped, ${holder}: let it go on (kill -CONT ${holder}), or end it`,
        );
    }
    // A nap costs as much as many looks; the random part keeps processes from waking at the same moment.
    pause(Math.min(LONGEST_NAP, NAP * 2 ** naps) * (0.5 + Math.random()));
  }
}

/** Whether another process holds the write lock at this moment. False where something is wrong with the lock file. */
export function isHeld(lock: LockFile): boolean {
  if (wrongWithLock(lock) !== '') return false;
  const holder = holderOf(lock);
  return holder !== 0 && isAlive(holder);
}

/** Whether nothing is wrong with it: to be asked before liblmdb looks at reader's slots, or gives one up, without the lock. */
export function isSound(lock: LockFile): boolean {
  return wrongWithLock(lock) === '';
}

function wrongWithLock({ fd, bytes, magic, layout, kind, size }: LockFile): string {
  if (readSync(fd, bytes, 0, TABLE, 0) < TABLE) return 'is truncated';
  if (u32(bytes, 0) !== magic || u32(bytes, 4) !== layout || u32(bytes, KIND) !== kind)
    return 'is overwritten';
  return u32(bytes, READERS) > (size - TABLE) / SLOT ? 'has too many readers' : '';
}

/** The process that holds the write lock, as `wrongWithLock` has just read it; 0: none, or it cannot be known. */
function holderOf({ bytes, kind }: Pick<LockFile, 'bytes' | 'kind'>): number {
  return kind === ROBUST_SHARED ? u32(bytes, MUTEX) & HOLDER : 0;
}

/** Whether some slot, of this process or another, dead or alive, holds the state `txnid` or an older one. */
export function isStateHeld({ fd, bytes }: LockFile, txnid: number): boolean {
  const end = Math.min(readSync(fd, bytes, 0, PAGE, 0), TABLE + u32(bytes, READERS) * SLOT);
  for (let at = TABLE; at < end; at += SLOT)
    if (u48(bytes, at) <= txnid && u32(bytes, at + 8) !== 0) return true;
  return false;
}

/** The process that holds the write lock of the lock file behind `fd`; 0: none, or it cannot be known. */
export function lockHolder(fd: number): number {
  const bytes = Buffer.alloc(TABLE);
  readSync(fd, bytes, 0, TABLE, 0);
  return holderOf({ bytes, kind: u32(bytes, KIND) });
}

/** Writes the last committed transaction where liblmdb's next one looks for it. To be called under the write lock. */
export function noteLast(lock: LockFile, txnid: number): void {
  const { fd, bytes } = lock;
  bytes.writeBigUInt64LE(BigInt(txnid), LAST_TXN);
  writeSync(fd, bytes, LAST_TXN, 8, LAST_TXN);
}

/** The file's size. Throws MovedError where it was removed, as a process that sets a database aside does first. */
export function sizeNow(lock: LockFile): number {
  const { nlink, size } = fstatSync(lock.fd);
  if (nlink === 0) throw new MovedError('the lock file was removed');
  return size;
}

/** Whether a dead process still holds the lock after a while: the kernel hands a dead holder's lock on, so that is rubbish. */
function stillHeld(lock: LockFile, holder: number): boolean {
  const { fd, bytes } = lock;
  for (let i = 0; i < 50; i++) {
    readSync(fd, bytes, 0, TABLE, 0);
    const word = u32(bytes, MUTEX);
    if ((word & HOLDER) !== holder || (word & HOLDER_DIED) !== 0) return false;
    pause(10);
  }
  return true;
}
