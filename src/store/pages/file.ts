// The database's file, opened for reading: its head (meta pages and our own mark) and its pages, each read as a whole into our
// own memory. Never maps the file, so that no damage to it can kill the reader.
import { closeSync, constants, fstatSync, openSync, readSync, statSync } from 'node:fs';
import { DamageError, MovedError, refused, StoreError } from '../damage.ts';
import {
  hasTreesOf,
  MARK_BYTES,
  META_BYTES,
  type Meta,
  metaTxn,
  readMeta,
  wrongWithHeader,
  wrongWithNodes,
} from './format.ts';

export interface DataFile {
  fd: number;
  path: string;
  dev: number;
  ino: number;
  pageSize: number;
  /** The first page and the second meta page, as last read by `readHead`. */
  head: Buffer;
  /** The newest state as `readHead` last found it. */
  newest: Meta | undefined;
  /** The newest transaction that this process has committed to it; -1: none. */
  own: number;
  /** Its bytes up to here are known to have space on the disk: see ../lmdb/space.ts. */
  taken: number;
  /** Why it cannot be written to, and is open for look-ups only. */
  closed: Error | undefined;
  /** What mark.ts has found in the head, and the bytes that it found it in. */
  mark: { bytes: Buffer; txnid: number };
}

/** Opens the file, or returns undefined where there is none yet, or an empty one. */
export function openFile(path: string): DataFile | undefined {
  const opened = open(path);
  if (opened === undefined) return undefined;
  const { fd, closed } = opened;
  const { dev, ino, size } = fstatSync(fd);
  if (size === 0) {
    closeSync(fd);
    return undefined;
  }
  const head = Buffer.allocUnsafeSlow(4096 + META_BYTES);
  const file: DataFile = {
    fd,
    path,
    dev,
    ino,
    pageSize: 4096,
    head,
    newest: undefined,
    own: -1,
    taken: 0,
    closed,
    mark: { bytes: Buffer.alloc(MARK_BYTES), txnid: -1 },
  };
  try {
    settlePageSize(file, size);
    return file;
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

function open(path: string): { fd: number; closed: Error | undefined } | undefined {
  try {
    return { fd: openSync(path, constants.O_RDWR | constants.O_NOFOLLOW), closed: undefined };
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return undefined;
    if (code === 'EISDIR') throw new DamageError('is a directory');
    try {
      // A read-only file system, or another user's file: what is on record can be looked up all the same.
      if (code === 'EROFS' || code === 'EACCES' || code === 'EPERM')
        return { fd: openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW), closed: error as Error };
    } catch {
      // the error of the first try is the one to report
    }
    throw refused(error, path, 'open');
  }
}

export function closeFile(file: DataFile): void {
  closeSync(file.fd);
}

/** Does `work` with the file, which is open meanwhile. Undefined where there is none, as `openFile` says. */
export function withFile<T>(path: string, work: (file: DataFile) => T): T | undefined {
  const file = openFile(path);
  if (file === undefined) return undefined;
  try {
    return work(file);
  } finally {
    closeFile(file);
  }
}

/** Whether the path leads to another file now, or to none. False where that cannot be known: no access to the directory. */
export function isElsewhere({ path, ino, dev }: DataFile): boolean {
  try {
    const there = statSync(path, { throwIfNoEntry: false });
    return there?.ino !== ino || there.dev !== dev;
  } catch {
    return false;
  }
}

/** Finds the page size, which is that of the machine that made the file, by where the second meta page lies. */
function settlePageSize(file: DataFile, size: number): void {
  let foreign = false;
  for (let pageSize = 4096; pageSize <= 65536; pageSize *= 2) {
    const start = Buffer.alloc(pageSize + META_BYTES);
    readSync(file.fd, start, 0, start.length, 0);
    for (const at of [0, pageSize]) {
      const meta = readMeta(start, at);
      if (meta === 'foreign') foreign = true;
      if (typeof meta === 'object' && meta.pageSize === pageSize) {
        // LMDB may leave some last pages unwritten, but never this many.
        if (meta.lastPage * pageSize > size * 2 + 0x1000000)
          throw new DamageError(`is truncated to ${size} bytes`);
        if (pageSize !== 4096) file.head = start;
        file.pageSize = pageSize;
        return;
      }
    }
  }
  if (foreign) {
    throw new StoreError(`${file.path} is an LMDB file of another program; name another file with --db`);
  }
  throw new DamageError('has no sound meta page, or is no database at all');
}

/**
 * The newest committed state. `still`: the caller holds the write lock, so that nobody commits meanwhile. Throws DamageError
 * where there is none, or the file is shorter than that state says; MovedError where it must be opened again.
 */
export function readHead(file: DataFile, still = false): Meta {
  const { head, pageSize, newest } = file;
  fill(file);
  const first = metaTxn(head, 0);
  const second = metaTxn(head, pageSize);
  const txnid = Math.max(first, second);
  if (areSwapped(first, second)) throw new DamageError('has its meta pages in the place of each other');
  // A transaction's number never stands for two states, so where it is the same, nothing has changed; unless the file was
  // emptied, and another process has begun anew in it.
  if (newest !== undefined && first >= 0 && second >= 0 && newest.txnid === txnid) {
    if (hasTreesOf(head, newestAt(file), newest)) return newest;
    throw new MovedError('it was begun anew');
  }
  // A state that this process has committed was written completely before now.
  const meta = readMeta(head, still || txnid === file.own ? newestAt(file) : settle(file));
  // A healthy file has two good meta pages at all times: LMDB writes each in one piece.
  if (metaTxn(head, 0) < 0 || metaTxn(head, pageSize) < 0 || typeof meta === 'string')
    throw new DamageError('has a damaged meta page');
  if (meta.pageSize !== pageSize) throw new DamageError('has another page size than it had');
  file.newest = meta;
  return meta;
}

/** Even transactions are in the first meta page, odd ones in the second, and liblmdb relies on that. */
function areSwapped(first: number, second: number): boolean {
  if (first === second) return false; // in a new file
  return first > second ? (first & 1) === 1 : (second & 1) === 0;
}

const before = Buffer.alloc(META_BYTES);
const MOST_READINGS = 20;

/**
 * Reads a head that has changed until two readings agree, and returns where its newest meta page lies. A reading during a
 * commit may have the number of the new state with the trees of an old one (measured: one in 3,000 beside a process that
 * writes at full speed), and would be believed until the next commit.
 */
function settle(file: DataFile): number {
  const { head } = file;
  for (let readings = 2; ; readings++) {
    const at = newestAt(file);
    head.copy(before, 0, at, at + META_BYTES);
    fill(file);
    const agree = newestAt(file) === at && before.compare(head, at, at + META_BYTES) === 0;
    if (agree || readings >= MOST_READINGS) return newestAt(file);
  }
}

function newestAt({ head, pageSize }: DataFile): number {
  return metaTxn(head, 0) >= metaTxn(head, pageSize) ? 0 : pageSize;
}

function fill(file: DataFile): void {
  const { head } = file;
  const got = readSync(file.fd, head, 0, head.length, 0);
  if (got < head.length) throw new DamageError(`is truncated to ${got} bytes`);
}

/** Reads page `number` to `at` of `into`. */
export function readPage(file: DataFile, number: number, into: Buffer, at: number): void {
  const { pageSize } = file;
  const got = readSync(file.fd, into, at, pageSize, number * pageSize);
  if (got !== pageSize) throw new DamageError(`is truncated: page ${number} is missing`);
}

/** Reads page `number` and checks its header. Throws DamageError. */
export function loadPage(
  file: DataFile,
  number: number,
  into: Buffer,
  at: number,
  kind: number,
  meta: Meta,
): void {
  if (number < 2 || number > meta.lastPage)
    throw new DamageError(`points to a page that cannot be, ${number}`);
  readPage(file, number, into, at);
  const wrong = wrongWithHeader(into, at, number, kind, meta.txnid);
  if (wrong !== '') throw new DamageError(`page ${number} ${wrong}`);
}

/** Reads page `number` to the start of `into` and checks all of it. Throws DamageError. */
export function loadWhole(file: DataFile, number: number, into: Buffer, kind: number, meta: Meta): void {
  loadPage(file, number, into, 0, kind, meta);
  const wrong = wrongWithNodes(into, 0, file.pageSize, kind);
  if (wrong !== '') throw new DamageError(`page ${number} ${wrong}`);
}

/**
 * As `loadWhole`, for callers that go on after a damaged page: returns what is wrong with it, '' for nothing. Throws what the
 * file system throws.
 */
export function wrongWithPage(
  file: DataFile,
  number: number,
  into: Buffer,
  kind: number,
  meta: Meta,
): string {
  if (number < 2 || number > meta.lastPage) return 'cannot be, and yet something points to it';
  try {
    readPage(file, number, into, 0);
  } catch (error) {
    if (error instanceof DamageError) return error.message;
    throw error;
  }
  return wrongWithHeader(into, 0, number, kind, meta.txnid) || wrongWithNodes(into, 0, file.pageSize, kind);
}
