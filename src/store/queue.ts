// New triples on their way into the database. To store each in a transaction of its own costs more than all else that a
// filter does, and has twenty of them wait for one lock; here each is appended to a file beside the database, in one
// write(2) that kill -9 cannot take back, and a moment later whoever is first puts what all have appended into the
// database in one transaction. Knows what a queue is, and nothing of LMDB.
import {
  closeSync,
  constants,
  fchownSync,
  fdatasyncSync,
  fstatSync,
  fsyncSync,
  lstatSync,
  openSync,
  readdirSync,
  readSync,
  renameSync,
  statSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { basename, dirname } from 'node:path';
import { MAX_KEY } from './key.ts';

export interface Queue {
  /**
   * Appends the first sight, at `now` (seconds since the epoch), of the triple whose key is the first `length` bytes of
   * `key`, and returns when this process first appended it since the queue was last empty. 0: the queue cannot take it
   * now, and it has to go into the database at once. Throws nothing.
   */
  add(key: Buffer, length: number, now: number): number;
  /**
   * For how long the first of what this process has appended has been in the queue, in milliseconds; undefined: nothing of
   * it is there any more.
   */
  age(): number | undefined;
  /**
   * To be called under the database's write lock: takes what is in the queue away from it. `keys` are latin1, each with
   * its earliest sight. It stays in a file until `done`, to be called when it is committed; until then it is taken again.
   * Undefined: nothing is there. `search`: also what a process has taken and not lived to commit.
   */
  take(search: boolean): Taken | undefined;
  close(): void;
}

export interface Taken {
  firstSeen: Map<string, number>;
  done(): void;
}

// An entry: length of the key (2 bytes), check over all that follows (4), first seen (4), the key. Little-endian.
const HEAD = 10;
/** Whoever appended last has it emptied in a moment; a queue older than this has lost the process that would. */
const STALE = 1000; // milliseconds
/** More than this is never in it, unless the database cannot be written to. */
const MOST = 1 << 20; // bytes
const TRIES = 3;
// Neither a link is followed nor a pipe waited for, whoever has put one there.
const HARMLESS = constants.O_NOFOLLOW | constants.O_NONBLOCK;
const APPEND = constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | HARMLESS;

/** The file beside the database. What is taken from it bears the number of its inode as well. */
export function queuePath(database: string): string {
  return `${database}-queue`;
}

/** `durable`: an entry is on the disk when `add` returns. */
export function newQueue(database: string, durable: boolean): Queue {
  const path = queuePath(database);
  const entry = Buffer.allocUnsafeSlow(HEAD + MAX_KEY);
  const own = new Map<string, number>();
  const taken = new Set<string>();
  let fd = -1;
  let ino = 0;
  let since = 0;
  let unusable = false;

  function add(key: Buffer, length: number, now: number): number {
    if (unusable) return 0;
    const name = key.toString('latin1', 0, length);
    const before = own.get(name);
    if (before !== undefined) return before;
    try {
      // One that nobody empties holds what a look-up does not show.
      if (own.size === 0 && isStale()) return 0;
      const size = writeEntry(entry, key, length, now);
      for (let tries = 0; tries < TRIES; tries++) {
        if (fd < 0) open();
        if (writeSync(fd, entry, 0, size) < size) return 0;
        if (durable) fdatasyncSync(fd);
        // Where it was taken meanwhile, the entry may have come too late.
        const there = statSync(path, { throwIfNoEntry: false });
        if (there?.ino === ino) {
          if (there.size > MOST) return 0;
          if (own.size === 0) since = Date.now();
          own.set(name, now);
          return now;
        }
        forget();
      }
    } catch {
      unusable = fd < 0; // a directory that is not ours, a file that is none: not to be tried with each triple
    }
    return 0;
  }

  function isStale(): boolean {
    const there = statSync(path, { throwIfNoEntry: false });
    return there !== undefined && there.size > 0 && Math.abs(Date.now() - there.mtimeMs) > STALE;
  }

  function open(): void {
    const opened = openSync(path, APPEND, 0o600);
    const there = fstatSync(opened);
    if (!there.isFile()) {
      closeSync(opened);
      throw new Error(`${path} is no file`);
    }
    fd = opened;
    ino = there.ino;
    if (durable) syncDirectory(dirname(path));
    // As with the database: what root touches first must not lock out the user that the filters run as.
    if (there.uid === 0 && there.size === 0 && process.geteuid?.() === 0) {
      const { uid, gid } = statSync(dirname(path));
      if (uid !== 0) fchownSync(fd, uid, gid);
    }
  }

  /** What this process has appended is another's business now. */
  function forget(): void {
    own.clear();
    if (fd >= 0) closeSync(fd);
    fd = -1;
  }

  function age(): number | undefined {
    if (own.size > 0 && statSync(path, { throwIfNoEntry: false })?.ino !== ino) forget();
    return own.size > 0 || taken.size > 0 ? Math.abs(Date.now() - since) : undefined;
  }

  function take(search: boolean): Taken | undefined {
    if (search) for (const left of leftBehind(path)) taken.add(left);
    const there = lstatSync(path, { throwIfNoEntry: false });
    if (there?.isFile()) {
      const aside = `${path}.${there.ino}`;
      renameSync(path, aside);
      taken.add(aside);
    }
    if (taken.size === 0) return undefined;
    const firstSeen = new Map<string, number>();
    for (const file of taken) readEntries(readAll(file), firstSeen);
    forget();
    return {
      firstSeen,
      done() {
        for (const file of taken) remove(file);
        taken.clear();
      },
    };
  }

  return { add, age, take, close: forget };
}

/** Whoever made the file may not have seen to it that it is found after a power cut. */
function syncDirectory(directory: string): void {
  const fd = openSync(directory, constants.O_RDONLY);
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

/** Files that were taken and are still there: their process was killed before it had committed them. */
function leftBehind(path: string): string[] {
  const start = `${basename(path)}.`;
  return readdirSync(dirname(path), { withFileTypes: true })
    .filter(({ name }) => name.startsWith(start) && /^\d+$/.test(name.slice(start.length)))
    .filter((entry) => entry.isFile())
    .map(({ name }) => `${dirname(path)}/${name}`);
}

function remove(file: string): void {
  try {
    unlinkSync(file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}

/** Returns the entry's size. */
function writeEntry(entry: Buffer, key: Buffer, length: number, now: number): number {
  entry.writeUInt16LE(length, 0);
  entry.writeUInt32LE(now >>> 0, 6);
  key.copy(entry, HEAD, 0, length);
  entry.writeUInt32LE(check(entry, 6, HEAD + length), 2);
  return HEAD + length;
}

/** Adds the sound entries, each with its earliest sight; a torn one is passed over. */
function readEntries(bytes: Buffer, firstSeen: Map<string, number>): void {
  for (let at = 0; at + HEAD < bytes.length; ) {
    const length = bytes.readUInt16LE(at);
    const end = at + HEAD + length;
    const fits = length > 0 && length <= MAX_KEY && end <= bytes.length;
    if (!fits || check(bytes, at + 6, end) !== bytes.readUInt32LE(at + 2)) {
      at++;
      continue;
    }
    const name = bytes.toString('latin1', at + HEAD, end);
    const now = bytes.readUInt32LE(at + 6);
    firstSeen.set(name, Math.min(firstSeen.get(name) ?? now, now));
    at = end;
  }
}

function readAll(file: string): Buffer {
  let fd: number;
  try {
    fd = openSync(file, constants.O_RDONLY | HARMLESS);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return Buffer.alloc(0); // another has committed it
    throw error;
  }
  try {
    const bytes = Buffer.allocUnsafe(Math.min(fstatSync(fd).size, 2 * MOST));
    return bytes.subarray(0, readSync(fd, bytes, 0, bytes.length, 0));
  } finally {
    closeSync(fd);
  }
}

/** FNV-1a. */
function check(bytes: Buffer, from: number, to: number): number {
  let h = 0x811c9dc5;
  for (let i = from; i < to; i++) h = Math.imul(h ^ bytes[i]!, 0x01000193);
  return h >>> 0;
}
