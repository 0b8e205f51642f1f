// New triples on their way into the database. To store each in a transaction of its own has twenty filters wait for one
// lock, and costs more than all else they do. Here each is appended to a file beside the database, in one write(2) that
// kill -9 cannot take back and that all can read; a moment later whoever is first puts what all have appended into the
// database in one transaction. Knows what a queue is, and nothing of LMDB.

// What holds at any time: a triple whose request was answered is in the queue, behind `consumed`, or in the database. Who
// does not find it in the database looks in the queue, and if that is in vain in the database again, if it has changed:
// `consumed` moves only after the commit.
import {
  appendFileSync,
  closeSync,
  constants,
  fdatasyncSync,
  fstatSync,
  openSync,
  readSync,
  renameSync,
  statSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { makeWhole, syncPath, withAside } from './files.ts';
import { fnv1a } from './fnv.ts';
import { clientLength, MAX_KEY } from './key.ts';
import { isAlive } from './lock.ts';
import { newOwn } from './own.ts';
import { pause } from './pause.ts';

export interface Queue {
  /**
   * When the triple whose key is the first `length` bytes of `key` was first seen, in seconds since the epoch, if it is
   * in the queue; 0: it is not; -1: the queue is of no use now. Throws nothing.
   */
  find(key: Buffer, length: number): number;
  /** Whether nothing was queued when `find` last looked. */
  wasEmpty(): boolean;
  /** Whether another process, which lives, was the last to take something out. As of the last look. */
  isServed(): boolean;
  /** Whether something may have been taken out between the look before and that of the last `find`. */
  hasMoved(): boolean;
  /** Appends a first sight, after `find` returned 0. False: it may not be there, and has to go into the database at once. */
  add(key: Buffer, length: number, now: number): boolean;
  /** For how many milliseconds the oldest of what this process has appended has been there; undefined: none is left. */
  age(): number | undefined;
  /**
   * To be called under the database's write lock: what is queued, the earliest sight of each key (latin1). `done`, to be
   * called once it is committed, takes it out. Throws what the file system throws.
   */
  take(): Taken;
  close(): void;
}

export interface Taken {
  firstSeen: Map<string, number>;
  done(): void;
}

// The file: four words of 32 bits: magic; 0, or where the file is closed the inode of the one that takes its place; where
// what is not yet in the database begins; which process has put into the database what stood before that; then entries:
// length of the key (2), check over all that follows it (4), first seen (4), the key. Numbers are little-endian.

// A long file is closed, and what waits in it goes to the beginning of a new one, which takes its place. Who appends looks
// afterwards whether the file is still open. If it is, the entry was there before the file was closed, and went along.
const MAGIC = 0x31514c47;
const CLOSED = 1;
const CONSUMED = 2;
const STORER = 3;
const HEADER = 16;
type Header = Uint32Array;
const ENTRY_HEAD = 10;
const CHECK_AT = 2;
/** That so short a part of an entry is not there is known in an eighth of the time (1.3 us for 91 kB, Node 20): up to 7 bytes are looked for by memchr(3). */
const PROBE = 7;
/** A file this long is replaced by a new one. */
const FULL = 128 * 1024;
/** So much that is not in the database: something is in its way. */
const MOST = 512 * 1024;
/** After trouble with the file, milliseconds for which it is left alone. */
const TRY_AGAIN = 1000;
/** For so many milliseconds, in all twice that, it is waited for the file that takes the place of a closed one. */
const LONGEST_WAIT = 8;
/** How often it is looked whether the file is still the one that all use, in milliseconds. */
const LOOK_AGAIN = 100;
// Neither a link is followed nor a pipe waited for, whoever has put one there.
const HARMLESS = constants.O_NOFOLLOW | constants.O_NONBLOCK;

/** Milliseconds by a clock that cannot jump. (Node loads `performance` when it is first named, which takes longer.) */
const monotonic = () => process.uptime() * 1000;

/** The file beside the database. */
export function queuePath(database: string): string {
  return `${database}-queue`;
}

/** `durable`: an entry is on the disk when `add` returns. */
export function newQueue(database: string, durable: boolean): Queue {
  const path = queuePath(database);
  const header: Header = new Uint32Array(HEADER / 4);
  const entry = Buffer.allocUnsafeSlow(ENTRY_HEAD + MAX_KEY);
  const own = newOwn();
  // A part of the file, which only grows at its end: `have` bytes from `base` on. What is not yet in the database is in it.
  let waiting = Buffer.allocUnsafeSlow(16 * 1024);
  let base = 0;
  let have = 0;
  let fd = -1;
  let ino = 0;
  let unusableUntil = 0;
  let lookedAt = 0;
  let empty = true;
  let moved = true;
  let astray = false; // what this process has added may be in no file that others find

  /** Opens the file. False: there is none. Throws. */
  function open(): boolean {
    close();
    try {
      fd = openSync(path, constants.O_RDWR | constants.O_APPEND | HARMLESS);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
      throw error;
    }
    const there = fstatSync(fd);
    if (!there.isFile()) throw new Error(`${path} is no file`);
    ino = there.ino;
    have = 0;
    lookedAt = 0;
    if (durable) syncPath(dirname(path));
    return true;
  }

  function close(): void {
    if (fd >= 0) closeSync(fd);
    fd = -1;
    astray ||= !own.isEmpty();
  }

  /**
   * Opens the file that takes the place of the one whose header was read, which is closed. False: there is none, or (`fd`)
   * it is not to be used: what this process has added has not gone along to it, for all that can be known.
   */
  function openNext(): boolean {
    const next = header[CLOSED]!;
    const before = astray;
    for (let wait = 0; wait <= LONGEST_WAIT; wait = 2 * wait || 1) {
      if (wait > 0) pause(wait);
      if (!open()) return false;
      if (!isOpen()) continue;
      if (word(ino) === next) astray = before;
      return !astray;
    }
    return false;
  }

  /** Reads the header. False: nothing may be appended. */
  function isOpen(): boolean {
    return readSync(fd, header, 0, HEADER, 0) === HEADER && isSound(header) && !isClosed(header);
  }

  /**
   * Whether the file is the one that others find, and as long as its header says; after a power cut it may be shorter.
   * (What was appended to one that somebody has just removed goes into the database, see `age`, and is not found before.)
   */
  function isOurs(): boolean {
    const now = monotonic();
    if (now - lookedAt < LOOK_AGAIN) return true;
    const there = statSync(path, { throwIfNoEntry: false });
    if (there?.ino !== ino || isBeyond(header, there.size)) return false;
    lookedAt = now;
    return true;
  }

  /** Reads what is not yet in the database, given the header: all that has come since the last reading. */
  function readWaiting(): Buffer {
    const from = header[CONSUMED]!;
    if (from < base || from > base + have) {
      base = from;
      have = 0;
    }
    for (;;) {
      have += readSync(fd, waiting, have, waiting.length - have, base + have);
      const left = waiting.subarray(from - base, have);
      if (have < waiting.length || left.length >= MOST) return left;
      // Full: half of it at least is room afterwards.
      if (2 * left.length > waiting.length) waiting = Buffer.allocUnsafeSlow(2 * waiting.length);
      left.copy(waiting);
      base = from;
      have = left.length;
    }
  }

  function find(key: Buffer, length: number): number {
    let before = fd >= 0 ? header[CONSUMED] : undefined;
    empty = true;
    moved = true;
    if (monotonic() < unusableUntil) return -1;
    try {
      if (fd < 0 && !open()) return 0;
      if (!isOpen()) {
        before = undefined;
        if (!openNext()) return fd < 0 ? 0 : -1;
      }
      const bytes = readWaiting();
      empty = bytes.length === 0;
      moved = header[CONSUMED] !== before;
      if (bytes.length >= MOST) return -1;
      if (empty && !isOurs()) {
        close();
        return -1;
      }
      const seen = seenIn(bytes, key.subarray(0, length));
      if (durable && seen > 0) fdatasyncSync(fd); // whoever appended it may still be waiting for the disk
      return seen;
    } catch {
      // A directory that is not ours, a file that is none: not to be tried with each triple.
      unusableUntil = monotonic() + TRY_AGAIN;
      close();
      return -1;
    }
  }

  function add(key: Buffer, length: number, now: number): boolean {
    try {
      if (fd < 0) {
        makeFile(path);
        if (!open()) return false;
      }
      const size = writeEntry(entry, key, length, now);
      if (!append(size) && !(openNext() && append(size))) return false;
      if (!isOurs()) {
        close();
        return false;
      }
      own.add(entry, size, monotonic());
      return true;
    } catch {
      return false; // a full disk, say; the database meets it too
    }
  }

  /** Appends the entry. False: it may not be there, or the file was closed, and has not taken it along. */
  function append(size: number): boolean {
    if (writeSync(fd, entry, 0, size) < size) return false;
    if (durable) fdatasyncSync(fd);
    return isOpen();
  }

  function age(): number | undefined {
    if (own.isEmpty()) return undefined;
    const bytes = waitingOfOurs();
    const waits = (ours: Buffer) =>
      bytes === undefined || bytes.includes(ours.subarray(CHECK_AT, CHECK_AT + PROBE));
    const at = own.oldest(waits);
    return at === undefined ? undefined : monotonic() - at;
  }

  /** What waits in the file that we appended to; undefined where nobody can know: somebody has removed it, say. */
  function waitingOfOurs(): Buffer | undefined {
    try {
      if (astray || readSync(fd, header, 0, HEADER, 0) < HEADER) return undefined;
      if (isClosed(header) && !openNext()) return undefined;
      return isSound(header) && isOurs() ? readWaiting() : undefined;
    } catch {
      return undefined;
    }
  }

  function take(): Taken {
    const firstSeen = new Map<string, number>();
    let end = 0;
    try {
      end = takeFrom(firstSeen);
    } catch {
      close(); // what is wrong with the queue must not keep anything from the database
    }
    // What was appended to a file that is there no more.
    readEntries(own.bytes(), firstSeen);
    return {
      firstSeen,
      done() {
        own.clear();
        astray = false;
        if (end === 0) return;
        try {
          // Should another process have gone further meanwhile, what it has stored is stored again, and is the same.
          writeNumbers(path, ino, CONSUMED, end, process.pid);
        } catch {
          // it is taken again
        }
      },
    };
  }

  /** Returns up to where it has read; 0: there is nothing. */
  function takeFrom(firstSeen: Map<string, number>): number {
    const there = statSync(path, { throwIfNoEntry: false });
    if (!there?.isFile()) {
      close();
      return 0;
    }
    if ((fd < 0 || there.ino !== ino) && !open()) return 0;
    const whole = readSync(fd, header, 0, HEADER, 0) === HEADER && isSound(header);
    // The header may be on the disk, after a power cut, where what it speaks of is not.
    if (whole && isBeyond(header, there.size)) header[CONSUMED] = HEADER;
    const consumed = whole ? header[CONSUMED]! : 0;
    if (!whole || (isClosed(header) && consumed === there.size)) {
      unlinkSync(path); // no more than rubbish; or all of it is in the database
      close();
      return 0;
    }
    have = 0; // what goes into the database is read anew
    if (there.size > FULL && consumed > HEADER && !isClosed(header) && replace()) return takeFrom(firstSeen);
    const bytes = readWaiting();
    const sound = readEntries(bytes, firstSeen);
    // The last one may be half written at this moment, or half read. Not in a closed file, as who is killed while replacing
    // it leaves it: who writes there is told.
    const all = isClosed(header) && bytes.length < MOST;
    return consumed + (all ? bytes.length : Math.max(sound, bytes.length - ENTRY_HEAD - MAX_KEY));
  }

  /**
   * Puts a new file, with what waits in the one that is open, in its place. False: that could not be done (a full disk, a
   * directory that is not ours), and the file is what it was, or closed.
   */
  function replace(): boolean {
    try {
      withAside(path, headerOf(process.pid), (aside) => {
        // Nearly all of it before anybody has to wait; whoever appends later than the last reading finds the file closed.
        const end = copyTo(aside, header[CONSUMED]!);
        writeNumbers(path, ino, CLOSED, word(statSync(aside).ino));
        copyTo(aside, end);
        if (durable) syncPath(aside);
        renameSync(aside, path);
      });
    } catch {
      isOpen(); // reads the header again
      return false;
    }
    if (!isOpen()) openNext();
    return true;
  }

  /** Appends to the file `aside` what the one that is open holds from `at` on. Returns its end. */
  function copyTo(aside: string, at: number): number {
    const piece = Buffer.allocUnsafe(FULL);
    for (;;) {
      const got = readSync(fd, piece, 0, piece.length, at);
      if (got === 0) return at;
      appendFileSync(aside, piece.subarray(0, got));
      at += got;
    }
  }

  function isServed(): boolean {
    const storer = fd >= 0 ? header[STORER]! : 0;
    return storer > 0 && storer !== process.pid && isAlive(storer);
  }

  return { find, wasEmpty: () => empty, isServed, hasMoved: () => moved, add, age, take, close };
}

/** What is queued at this moment, for whoever only reads: the earliest sight of each key (latin1), in their order. */
export function readQueue(database: string): Map<string, number> {
  const firstSeen = new Map<string, number>();
  try {
    const fd = openSync(queuePath(database), constants.O_RDONLY | HARMLESS);
    try {
      const header: Header = new Uint32Array(HEADER / 4);
      if (readSync(fd, header, 0, HEADER, 0) === HEADER && isSound(header)) {
        const bytes = Buffer.allocUnsafe(MOST);
        const got = readSync(fd, bytes, 0, MOST, header[CONSUMED]!);
        readEntries(bytes.subarray(0, got), firstSeen);
      }
    } finally {
      closeSync(fd);
    }
  } catch {
    // there is none, or it is of no use to anybody
  }
  return new Map([...firstSeen].sort(([a], [b]) => (a < b ? -1 : 1)));
}

function isSound(header: Header): boolean {
  return header[0] === MAGIC && header[CONSUMED]! >= HEADER;
}

function isBeyond(header: Header, size: number): boolean {
  return header[CONSUMED]! > size;
}

function isClosed(header: Header): boolean {
  return header[CLOSED] !== 0;
}

/** Nobody finds it without its header. */
function makeFile(path: string): void {
  makeWhole(path, headerOf(0));
}

function headerOf(storer: number): Buffer {
  return Buffer.from(Uint32Array.of(MAGIC, 0, HEADER, storer).buffer);
}

/** An inode's number as a word that is not 0. */
function word(ino: number): number {
  return ino >>> 0 || 1;
}

/** Through a descriptor of its own: what is written through one with O_APPEND goes to the end, wherever it is to go. */
function writeNumbers(path: string, ino: number, word: number, ...numbers: number[]): void {
  const fd = openSync(path, constants.O_WRONLY | HARMLESS);
  try {
    if (fstatSync(fd).ino !== ino) return;
    writeSync(fd, Uint32Array.from(numbers), 0, 4 * numbers.length, word * 4);
  } finally {
    closeSync(fd);
  }
}

/** Returns the entry's size. */
function writeEntry(entry: Buffer, key: Buffer, length: number, now: number): number {
  entry.writeUInt16LE(length, 0);
  entry.writeUInt32LE(now >>> 0, 6);
  key.copy(entry, ENTRY_HEAD, 0, length);
  const end = ENTRY_HEAD + length;
  entry.writeUInt32LE(check(entry, 6, end), 2);
  return end;
}

/** The end of the entry at `at`; 0: there is none, or it is torn. */
function endOf(bytes: Buffer, at: number): number {
  if (at < 0 || at + ENTRY_HEAD >= bytes.length) return 0;
  const length = bytes.readUInt16LE(at);
  const end = at + ENTRY_HEAD + length;
  if (length === 0 || length > MAX_KEY || end > bytes.length) return 0;
  return check(bytes, at + 6, end) === bytes.readUInt32LE(at + 2) ? end : 0;
}

function seenAt(bytes: Buffer, at: number): number {
  return bytes.readUInt32LE(at + 6);
}

/** The earliest sight of the key among the entries; 0: none. Looks for the key first: there may be thousands. */
function seenIn(bytes: Buffer, key: Buffer): number {
  // Where a client ends and a sender begins, keys differ most.
  const from = Math.max(0, clientLength(key) - 2);
  const first = bytes.indexOf(key.subarray(from, from + PROBE));
  if (first < 0) return 0;
  let seen = 0;
  for (let at = bytes.indexOf(key, Math.max(0, first - from)); at >= 0; at = bytes.indexOf(key, at + 1)) {
    const entry = at - ENTRY_HEAD;
    if (endOf(bytes, entry) !== at + key.length) continue; // it is a part of another key
    seen = seen === 0 ? seenAt(bytes, entry) : Math.min(seen, seenAt(bytes, entry));
  }
  return seen;
}

/**
 * Adds the sound entries; over torn ones, as a power cut or a full disk leave them, it is looked on for the next. Returns
 * the end of the last one.
 */
function readEntries(bytes: Buffer, firstSeen: Map<string, number>): number {
  let last = 0;
  for (let at = 0; at + ENTRY_HEAD < bytes.length; ) {
    const end = endOf(bytes, at);
    if (end > 0) earliest(firstSeen, bytes.toString('latin1', at + ENTRY_HEAD, end), seenAt(bytes, at));
    if (end > 0) last = end;
    at = end > 0 ? end : at + 1;
  }
  return last;
}

function earliest(firstSeen: Map<string, number>, name: string, seen: number): void {
  firstSeen.set(name, Math.min(firstSeen.get(name) ?? seen, seen));
}

function check(bytes: Buffer, from: number, to: number): number {
  return fnv1a(bytes, from, to) >>> 0;
}
