// Whether what lies at the database's path is a damaged database, or something that never was one: a directory, a device or
// another program's file that --db names by mistake has to stay where it is. Changes nothing.
import { closeSync, constants, fstatSync, lstatSync, openSync, readSync } from 'node:fs';
import { BRANCH, LEAF, MAGIC, MAGIC_AT, PAGE_HEADER, pageFlags } from '../pages/format.ts';
import { lockPath } from '../pages/lock.ts';
import { queuePath } from '../queue/read.ts';
import { u32 } from '../records/bytes.ts';

/** How much of the file is looked at, in bytes. (If nothing of a database is left in there, its lock file still tells.) */
const MOST = 4 * 2 ** 20;
const LEAST_PAGE = 4096;
const LARGEST_PAGE = 65536;

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
  const fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  try {
    const bytes = Buffer.alloc(Math.min(MOST, fstatSync(fd).size));
    const got = readSync(fd, bytes, 0, bytes.length, 0);
    for (let at = 0; at + PAGE_HEADER + 8 <= got; at += LEAST_PAGE) if (isPage(bytes, at)) return true;
    return bytes.every((byte) => byte === 0); // as a power cut may leave a new one: nothing is lost
  } finally {
    closeSync(fd);
  }
}

/** Whether the page begins with its own number, or is a meta page. */
function isPage(bytes: Buffer, at: number): boolean {
  if (u32(bytes, at + MAGIC_AT) === MAGIC) return true;
  const flags = pageFlags(bytes, at);
  if (flags !== LEAF && flags !== BRANCH) return false;
  for (let size = LEAST_PAGE; size <= LARGEST_PAGE; size *= 2)
    if (at > 0 && u32(bytes, at) * size === at) return true;
  return false;
}
