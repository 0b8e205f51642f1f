// The database's file, opened for reading: its head (meta pages and our own mark) and its pages, each read
// whole into memory of ours. Never maps the file, so that no damage to it can kill the reader.
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
  /** Up to here its bytes are known to have their place on the disk: see ../lmdb/space.ts. */
  taken: number;
  /** What keeps it from being written to: it is open for look-ups only. */
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
      // A file system that is read-only, or a file that is somebody else's: who is known is known all the same.
      if (code === 'EROFS' || code === 'EACCES' || code === 'EPERM')
        return { fd: openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW), closed: error as Error };
    } catch {
      // what the first try was refused for is what matters
    }
    throw refused(error, path, 'open');
  }
}

export function closeFile(file: DataFile): void {
  closeSync(file.fd);
}

/** Whether the path leads to another file now, or to none; not where that cannot be known: a directory that was closed. */
export function isElsewhere({ path, ino, dev }: DataFile): boolean {
  try {
    const there = statSync(path, { throwIfNoEntry: false });
    return there?.ino !== ino || there.dev !== dev;
  } catch {
    return false;
  }
}

/** LMDB's page size is the machine's that made the file; the second meta page tells by where it lies. */
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
 * The newest committed state; `still`: the caller holds the write lock, and nobody commits meanwhile. Throws DamageError
 * where there is none, or the file is shorter than it says; MovedError where it must be opened again.
 */
export function readHead(file: DataFile, still = false): Meta {
  const { head, pageSize, newest } = file;
  fill(file);
  const first = metaTxn(head, 0);
  const second = metaTxn(head, pageSize);
  const txnid = Math.max(first, second);
  if (areSwapped(first, second)) throw new DamageError('has its meta pages in the place of each other');
  // A transaction's number never stands for two states, so that nothing is to be read anew where it is the same; unless
  // somebody has emptied the file, and another process began anew in it.
  if (newest !== undefined && first >= 0 && second >= 0 && newest.txnid === txnid) {
    if (hasTreesOf(head, newestAt(file), newest)) return newest;
    throw new MovedError('it was begun anew');
  }
  // What this process has committed was whole before it looked.
  const meta = readMeta(head, still || txnid === file.own ? newestAt(file) : settle(file));
  // A healthy file has two good meta pages at all times: LMDB writes each in one piece.
  if (metaTxn(head, 0) < 0 || metaTxn(head, pageSize) < 0 || typeof meta === 'string')
    throw new DamageError('a meta page is damaged');
  if (meta.pageSize !== pageSize) throw new DamageError('the page size has changed');
  file.newest = meta;
  return meta;
}

/** Even transactions are in the first meta page, odd ones in the second: liblmdb looks for the newest by that alone. */
function areSwapped(first: number, second: number): boolean {
  if (first < 0 || second < 0 || first === second) return false; // of a new file both have the same
  return first > second ? (first & 1) === 1 : (second & 1) === 0;
}

const before = Buffer.alloc(META_BYTES);
const MOST_READINGS = 20;

/**
 * Reads a head that has changed until two readings agree, and returns where its newest meta page lies. One that
 * meets a commit half way may hold the number of the new state and the trees of an old one (measured: one in 3,000
 * beside a process that writes at full speed), and would be believed until the next commit.
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
 * As `loadWhole`, for whoever goes on where a page is damaged: what is wrong with it, '' where nothing is. Throws what the
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
