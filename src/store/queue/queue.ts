// New triples on their way into the database. To store each in a transaction of its own has twenty filters wait for one
// lock, and costs more than all else they do. Here each is appended to a file beside the database, in one write(2) that
// kill -9 cannot take back and that all can read; a moment later one process, see sights.ts, puts what all have appended
// into the database in one transaction. Knows what a queue is, and nothing of LMDB.

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
import { syncPath, withAside } from '../files.ts';
import { isAlive } from '../lock.ts';
import { pause } from '../pause.ts';
import type { Queue, Taken } from './contract.ts';
import { makeFile, word, writeNumbers } from './file.ts';
import {
  CLOSED,
  CONSUMED,
  HEADER,
  type Header,
  headerOf,
  isAmong,
  isBeyond,
  isClosed,
  isSound,
  MAX_ENTRY,
  readEntries,
  STORER,
  seenIn,
  writeEntry,
} from './format.ts';
import { newOwn } from './own.ts';
import { HARMLESS, queuePath } from './read.ts';
import { MOST, newWaiting } from './waiting.ts';

// A long file is closed, and what waits in it goes to the beginning of a new one, which takes its place. Who appends looks
// afterwards whether the file is still open. If it is, the entry was there before the file was closed, and went along.

/** A file this long is replaced by a new one. */
const FULL = 128 * 1024;
/** After trouble with the file, milliseconds for which it is left alone. */
const TRY_AGAIN = 1000;
/** The longest single wait for the file that takes the place of a closed one, in milliseconds; all together are twice that. */
const LONGEST_WAIT = 8;
/** Where more than so many bytes wait, they are not left to others: whoever looks has to read them. */
const MOST_LEFT = MOST / 2;
/** Nor where nobody was seen to take anything out for so many milliseconds: it could lie there for hours. */
const LEFT_WITHIN = 1000;
/** How often to look whether the file is still the one that all use, in milliseconds. */
const LOOK_AGAIN = 100;

/** Milliseconds by a clock that cannot jump. (Node loads `performance` when it is first named, which takes longer.) */
const monotonic = () => process.uptime() * 1000;

/** `durable`: an entry is on the disk when `add` returns. */
export function newQueue(database: string, durable: boolean): Queue {
  const path = queuePath(database);
  const header: Header = new Uint32Array(HEADER / 4);
  const entry = Buffer.allocUnsafeSlow(MAX_ENTRY);
  const own = newOwn();
  const waiting = newWaiting();
  let fd = -1;
  let ino = 0;
  let unusableUntil = 0;
  let lookedAt = 0;
  let empty = true;
  let moved = true;
  let movedAt = Number.NEGATIVE_INFINITY; // when this process last saw that something was taken out, or was about to be
  let [lastIno, lastConsumed, lastStorer] = [0, 0, 0]; // what it compares with
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
    waiting.forget();
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
   * (What was appended to one that somebody has just removed goes into the database, see `waited`, and is not found before.)
   */
  function isOurs(): boolean {
    const now = monotonic();
    if (now - lookedAt < LOOK_AGAIN) return true;
    const there = statSync(path, { throwIfNoEntry: false });
    if (there?.ino !== ino || isBeyond(header, there.size)) return false;
    lookedAt = now;
    return true;
  }

  /** What is not yet in the database, given the header. */
  const readWaiting = () => waiting.read(fd, header[CONSUMED]!);

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
      if (empty) return 0;
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
      const size = writeEntry(entry, key, length, now, durable);
      if (!append(size) && !(openNext() && append(size))) return false;
      if (!isOurs()) {
        close();
        return false;
      }
      seeMoves();
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

  /** Notes, given the header, whether something was taken out, or claimed, since the last time. */
  function seeMoves(): void {
    const [consumed, storer] = [header[CONSUMED]!, header[STORER]!];
    if (ino === lastIno && consumed === lastConsumed && storer === lastStorer) return;
    if (lastIno !== 0) movedAt = monotonic();
    [lastIno, lastConsumed, lastStorer] = [ino, consumed, storer];
  }

  function waited(): number | undefined {
    if (own.isEmpty()) return undefined;
    const bytes = waitingOfOurs();
    const at = own.oldest((ours) => bytes === undefined || isAmong(bytes, ours));
    if (at === undefined) return undefined;
    if (bytes !== undefined) seeMoves();
    return monotonic() - Math.max(at, movedAt);
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
    let found = { end: 0, durable: false };
    try {
      found = takeFrom(firstSeen);
    } catch {
      close(); // what is wrong with the queue must not keep anything from the database
    }
    // What was appended to a file that is there no more.
    const ofOurs = readEntries(own.bytes(), firstSeen);
    return {
      firstSeen,
      durable: found.durable || ofOurs.durable,
      done() {
        own.clear();
        astray = false;
        if (found.end === 0) return;
        try {
          // Should another process have gone further meanwhile, what it has stored is stored again, and is the same.
          writeNumbers(path, ino, CONSUMED, found.end, process.pid);
        } catch {
          // it is taken again
        }
      },
    };
  }

  /** Returns up to where it has read (0: there is nothing), and whether any of that has to be on the disk. */
  function takeFrom(firstSeen: Map<string, number>): { end: number; durable: boolean } {
    const nothing = { end: 0, durable: false };
    const there = statSync(path, { throwIfNoEntry: false });
    if (!there?.isFile()) {
      close();
      return nothing;
    }
    if ((fd < 0 || there.ino !== ino) && !open()) return nothing;
    const whole = readSync(fd, header, 0, HEADER, 0) === HEADER && isSound(header);
    // The header may be on the disk, after a power cut, where what it speaks of is not.
    if (whole && isBeyond(header, there.size)) header[CONSUMED] = HEADER;
    const consumed = whole ? header[CONSUMED]! : 0;
    if (!whole || (isClosed(header) && consumed === there.size)) {
      unlinkSync(path); // no more than rubbish; or all of it is in the database
      close();
      return nothing;
    }
    waiting.forget(); // what goes into the database is read anew
    if (there.size > FULL && consumed > HEADER && !isClosed(header) && replace()) return takeFrom(firstSeen);
    const bytes = readWaiting();
    const { end: sound, durable: some } = readEntries(bytes, firstSeen);
    // The last one may be half written at this moment, or half read. Not in a closed file, as who is killed while replacing
    // it leaves it: who writes there is told.
    const all = isClosed(header) && bytes.length < MOST;
    return {
      end: consumed + (all ? bytes.length : Math.max(sound, bytes.length - MAX_ENTRY)),
      durable: some,
    };
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

  function storer(): 'this' | 'another' | 'none' {
    const pid = fd >= 0 ? header[STORER]! : 0;
    if (pid === process.pid) return 'this';
    return pid > 0 && isAlive(pid) ? 'another' : 'none';
  }

  function claim(): void {
    try {
      if (fd >= 0) writeNumbers(path, ino, STORER, process.pid);
    } catch {
      // then two may be about to do it
    }
  }

  function leave(): boolean {
    try {
      lookedAt = Number.NEGATIVE_INFINITY; // it has to be the file that others find at this moment
      const bytes = waitingOfOurs();
      if (bytes === undefined || bytes.length > MOST_LEFT || storer() !== 'another') return false;
      seeMoves();
      if (monotonic() - movedAt > LEFT_WITHIN) return false;
      if (!durable) {
        fdatasyncSync(fd);
        syncPath(dirname(path));
      }
      return true;
    } catch {
      return false;
    }
  }

  return {
    find,
    wasEmpty: () => empty,
    storer,
    hasMoved: () => moved,
    add,
    waited,
    claim,
    leave,
    take,
    close,
  };
}
