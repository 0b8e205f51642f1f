// Opening the database for changes: LMDB's environment, and the file where there is none. liblmdb trusts what it reads then,
// so all of that is checked first, and what would kill it is refused.
import { closeSync, lstatSync, openSync, readFileSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { pause } from '../../time/pause.ts';
import { BadLockError, BusyError, MovedError, refused, StoreError } from '../damage.ts';
import { asOwner } from '../disk/owner.ts';
import { awaitRecovery } from '../disk/recovering.ts';
import { closeFile, type DataFile, openFile, withFile } from '../pages/file.ts';
import { readHead } from '../pages/head.ts';
import {
  AFTER_REMOVAL,
  closeLock,
  isDestroyed,
  isRubbishInUse,
  type LockFile,
  lockPath,
  makeLock,
  openLock,
  restoreSize,
} from '../pages/lock.ts';
import { isDoubtful, isKept, markedTxn, OF_NEWER, rollBack, writeMark } from '../pages/mark.ts';
import { holderOfRemoved } from '../pages/removed.ts';
import { newPath } from '../pages/tree.ts';
import { newInstruction } from './instruction.ts';
import { type NativeEnv, NO_SUBDIR, native } from './native.ts';
import { fromLmdb } from './refusal.ts';
import { checkFirst, checkQuota, checkSpare, hasSpare, isCopying } from './space.ts';
import { begin, withLock } from './transaction.ts';
import { leaveOpen, type Writer } from './writer.ts';

// A map this large costs nothing until it is used, and need never be resized under running processes.
const MAP_SIZE = 64 * 2 ** 30;
const MIB = 2 ** 20;
const PAGE = 4096;
/** Where address space is limited: what is left to Node, and what a map needs at least, in bytes. */
const LEFT_FREE = 64 * MIB;
const LEAST_ROOM = 16 * MIB;
// Flushes take a reader's slot, look-ups do not: a thousand filters need a handful. This many fit into one page of the lock
// file, all of which is written before LMDB maps it: see `makeLock`.
const MOST_READERS = 60;
const BINARY_KEYS = 3;
const CREATE = 0x40000;
/** How often to look whether a transaction under a removed lock file is over, and how long to wait, in milliseconds. */
const MOST_WAITS = 10;
const BETWEEN = 20;
/** Descriptors that opening takes: the database twice, its lock file, what LMDB looks up about the machine, our own. */
const DESCRIPTORS = 6;

/** Opens the database, or makes it. Throws StoreError, DamageError, BadLockError, MovedError. */
export function openWriter(database: string): Writer {
  native(); // first, for it takes longest, and a recovery need not be waited for meanwhile
  checkDescriptors(database);
  const copies = isCopying(database);
  if (copies) {
    checkSpare(database);
    checkQuota(database);
  }
  awaitRecovery(database);
  const hasLock = awaitRemoved(database); // as root, who sees what other processes of root hold
  const { env, ino } = asOwner([database, lockPath(database)], () => {
    checkBeforeLmdb(database, hasLock);
    const ino = statSync(lockPath(database), { throwIfNoEntry: false })?.ino;
    return { env: openEnvironment(database), ino };
  });
  let lock: LockFile | undefined;
  let file: DataFile | undefined;
  try {
    lock = openLock(database);
    // The database was compacted or restored, say: LMDB has opened the old lock file, and all others use the new one.
    if (lock.ino !== ino) throw new MovedError('the lock file was replaced while it was opened');
    if (isDestroyed(lock)) throw new MovedError('the last process to use the lock file was just closing it');
    file = openFile(database);
    if (file === undefined) throw new MovedError('the file vanished while it was opened');
    const writer = newWriter(env, file, lock, copies);
    begin(writer);
    writer.dbi = new (native().Dbi)(env, CREATE, null, BINARY_KEYS, undefined).dbi;
    env.commitTxn();
    settleMark(writer);
    return writer;
  } catch (error) {
    if (copies && !hasSpare(database)) leaveOpen(env);
    else {
      if (lock !== undefined) restoreSize(lock);
      env.close();
      if (lock !== undefined) closeLock(lock);
    }
    if (file !== undefined) closeFile(file);
    throw fromLmdb(error, database);
  }
}

function newWriter(env: NativeEnv, file: DataFile, lock: LockFile, copies: boolean): Writer {
  return {
    env,
    dbi: 0,
    file,
    lock,
    copies,
    path: newPath(file),
    instruction: newInstruction(),
    scratch: Buffer.allocUnsafeSlow(8 * file.pageSize),
    pin: undefined,
    pinned: 0,
    older: undefined,
    committed: 0,
    due: 0,
    committedAt: 0,
    touched: 0,
    leaf: 0,
    puts: 0,
    filled: 0,
    pagesEach: 0,
    newest: { txnid: 0, lastPage: 0 },
    flushing: undefined,
    stuck: [],
    closed: false,
  };
}

/** Checks what liblmdb reads when it opens the file: it maps the file and trusts it. */
function checkBeforeLmdb(path: string, hasLock: boolean): void {
  const lock = lstatSync(lockPath(path), { throwIfNoEntry: false });
  if (lock?.isFile() === false) throw new BadLockError(`${lockPath(path)} is no file`, lock.ino);
  if (lock === undefined) {
    if (hasLock) throw new MovedError('the lock file was removed while it was opened');
    makeLock(path);
  } else if (isRubbishInUse(lockPath(path), lock.ino))
    throw new BadLockError(`${lockPath(path)} is overwritten`, lock.ino);
  const newest = withFile(path, (file) => {
    if (file.closed !== undefined) throw refused(file.closed, path, 'write to');
    return readHead(file); // opening reads no more than this; a transaction checks the rest, under the lock
  });
  if (newest === undefined) checkFirst(path);
}

/**
 * Returns whether there is a lock file. If somebody has removed it, a process within a transaction under it has finished after
 * this. As long as there is no new one, all others wait as well.
 */
function awaitRemoved(path: string): boolean {
  if (lstatSync(lockPath(path), { throwIfNoEntry: false }) !== undefined) return true;
  if (statSync(path, { throwIfNoEntry: false }) !== undefined) awaitEnd(path);
  return false;
}

function awaitEnd(path: string): void {
  pause(AFTER_REMOVAL);
  for (let waited = 0; ; waited++) {
    const holder = holderOfRemoved(path);
    if (holder === 0) return;
    if (waited === MOST_WAITS)
      throw new BusyError(
        `${lockPath(path)} was removed while process ${holder} held it, and that does not finish: let it go on (kill -CONT ${holder}), or end it`,
      );
    pause(BETWEEN);
  }
}

/** Throws StoreError where too few descriptors are free: lmdb 3.5 dies of SIGSEGV where it cannot open a file. */
function checkDescriptors(path: string): void {
  const taken: number[] = [];
  try {
    while (taken.length < DESCRIPTORS) taken.push(openSync(dirname(path), 'r'));
  } catch (error) {
    throw refused(error, path, 'open');
  } finally {
    for (const fd of taken) closeSync(fd);
  }
}

function openEnvironment(path: string): NativeEnv {
  const keyBytes = Buffer.allocUnsafeSlow(4096);
  const options = {
    path,
    keyBytes,
    maxDbs: 0,
    maxReaders: MOST_READERS,
    permissionsMode: 0o600,
    mapSize: mapSizeFor(path),
  };
  // Only now: of one that is never opened, lmdb 3.5 dies with SIGSEGV when it is garbage.
  const env = new (native().Env)();
  try {
    env.open(options, NO_SUBDIR, 0);
    return env;
  } catch (error) {
    // The file was just found to be sound, so it is the lock file that LMDB cannot make sense of.
    const lock = lstatSync(lockPath(path), { throwIfNoEntry: false });
    if (lock !== undefined && /MDB_(INVALID|VERSION_MISMATCH)/.test((error as Error).message)) {
      throw new BadLockError(`${lockPath(path)} is overwritten`, lock.ino);
    }
    throw fromLmdb(error, path);
  }
}

/**
 * MAP_SIZE, or what fits where address space is limited (ulimit -v): lmdb 3.5 dies of SIGSEGV where its map does not fit.
 * Throws StoreError where there is no room for the file and as much again, or the file is larger than files may be (ulimit -f):
 * there, lmdb 3.5 dies of SIGABRT when it writes.
 */
function mapSizeFor(path: string): number {
  let room = Number.POSITIVE_INFINITY;
  let most = room;
  try {
    const limits = readFileSync('/proc/self/limits', 'latin1');
    const pages = readFileSync('/proc/self/statm', 'latin1').split(' ')[0];
    room = limitOf(limits, 'address space') - Number(pages) * PAGE - LEFT_FREE;
    most = limitOf(limits, 'file size');
  } catch {
    // no /proc in a chroot
  }
  const size = statSync(path, { throwIfNoEntry: false })?.size ?? 0;
  if (size > most) throw refused({ code: 'EFBIG' }, path, 'write to');
  if (room < 2 * size + LEAST_ROOM)
    throw new StoreError(`cannot open ${path}: no memory; raise the limit on address space (ulimit -v)`);
  return Math.min(MAP_SIZE, Math.floor(room / MIB) * MIB);
}

/** In bytes; infinite where there is none. */
function limitOf(limits: string, what: string): number {
  const found = new RegExp(`^Max ${what} +(\\d+)`, 'm').exec(limits);
  return found === null ? Number.POSITIVE_INFINITY : Number(found[1]);
}

/** Gives a new file its mark; after a power cut, makes the file go back to its mark. */
function settleMark(writer: Writer): void {
  const { file } = writer;
  const before = readHead(file);
  const marked = markedTxn(file);
  if (marked === OF_NEWER)
    throw new StoreError(`${file.path} was written by a newer greylatch; install that version`);
  if (marked >= 0 && !isDoubtful(file, before)) return;
  withLock(writer, (meta) => {
    const doubtful = isDoubtful(file, meta);
    if (doubtful && isKept(file)) rollBack(file, meta);
    // If its state is no longer kept, the file was read as a whole before it came here: see ../pages/doubt.ts.
    else if (doubtful || markedTxn(file) < 0) writeMark(file, file.head, meta, true);
  });
}
