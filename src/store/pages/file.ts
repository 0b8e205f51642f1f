// The database's file, opened for reading (head.ts and page.ts read it). It is never mapped, so that no damage to it can kill
// the reader.
import { closeSync, constants, fstatSync, openSync, readSync, statSync } from 'node:fs';
import { DamageError, refused, StoreError } from '../damage.ts';
import { MARK_BYTES, META_BYTES, type Meta, readMeta } from './format.ts';

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
  /** How large it was when that was looked at last, in bytes. */
  size: number;
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
    size,
    taken: 0,
    closed,
    mark: { bytes: Buffer.alloc(MARK_BYTES), txnid: -1 },
  };
  try {
    settlePageSize(file);
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

/**
 * Throws DamageError where the file is much shorter than the state says: LMDB may leave some last pages unwritten, but never
 * this many. liblmdb would map that much, and dies where it cannot; and space would be taken for all of it.
 */
export function checkSize(file: DataFile, { lastPage }: Meta): void {
  const needed = lastPage * file.pageSize;
  if (needed > file.size) file.size = fstatSync(file.fd).size;
  if (needed > file.size * 2 + 0x1000000) throw new DamageError(`is truncated to ${file.size} bytes`);
}

/** Finds the page size, which is that of the machine that made the file, by where the second meta page lies. */
function settlePageSize(file: DataFile): void {
  let foreign = false;
  for (let pageSize = 4096; pageSize <= 65536; pageSize *= 2) {
    const start = Buffer.alloc(pageSize + META_BYTES);
    readSync(file.fd, start, 0, start.length, 0);
    for (const at of [0, pageSize]) {
      const meta = readMeta(start, at);
      if (meta === 'foreign') foreign = true;
      if (typeof meta === 'object' && meta.pageSize === pageSize) {
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
