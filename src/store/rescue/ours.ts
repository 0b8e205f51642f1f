// Whether what lies at the database's path is a damaged database, or something that never was one: a directory, a device or
// another program's file that --db names by mistake has to stay where it is. Changes nothing.
import { constants, fstatSync, lstatSync, readSync } from 'node:fs';
import { withOpen } from '../disk/files.ts';
import { MAGIC, MAGIC_AT } from '../pages/format.ts';
import { lockPath } from '../pages/lock.ts';
import { queuePath } from '../queue/read.ts';
import { u32 } from '../records/bytes.ts';
import { LEAST_PAGE, MOST, pageSizeAt } from './numbers.ts';

/**
 * Whether a database's lock file or queue lies beside it, or it has at least one page of LMDB in the right place, or nothing
 * but zeros.
 */
export function wasDatabase(path: string): boolean {
  const isThere = (beside: string) => lstatSync(beside, { throwIfNoEntry: false }) !== undefined;
  return isThere(lockPath(path)) || isThere(queuePath(path)) || hasPages(path);
}

/** The message about something else: what it is, and what to do. */
export function foreign(path: string, what: string): string {
  return `${path} ${what}; nothing shows that it ever was a database, so it stays as it is: name another file with --db, or move it away`;
}

function hasPages(path: string): boolean {
  if (lstatSync(path, { throwIfNoEntry: false })?.isFile() !== true) return false;
  return withOpen(path, constants.O_RDONLY | constants.O_NOFOLLOW, (fd) => {
    const bytes = Buffer.alloc(Math.min(MOST, fstatSync(fd).size));
    const got = readSync(fd, bytes, 0, bytes.length, 0);
    // (If nothing of a database is left in there, its lock file still tells.)
    for (let at = 0; at < got; at += LEAST_PAGE)
      if (u32(bytes, at + MAGIC_AT) === MAGIC || pageSizeAt(bytes, at) > 0) return true;
    return bytes.every((byte) => byte === 0); // as a power cut may leave a new one: nothing is lost
  });
}
