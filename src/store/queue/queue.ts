// New triples on their way into the database. A transaction for each would have twenty filters wait for one lock, and cost
// more than all else that they do. So each is appended to a file beside the database, in one write(2) that kill -9 cannot
// take back and that all can read; a moment later one process (../embedded/sights.ts says which and when) empties the queue
// into the database in one transaction (take.ts). Knows what a queue is, and nothing of LMDB.

// At any time, a triple whose request was answered is in the queue, after `consumed`, or in the database. A look-up that does
// not find it in the database looks in the queue, and if it is not there, in the database again, if that has changed:
// `consumed` moves only after the commit.
import { fdatasyncSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { monotonic } from '../../time/monotonic.ts';
import { isAlive } from '../disk/alive.ts';
import { makeWhole, syncPath } from '../disk/files.ts';
import type { Queue } from './contract.ts';
import { CONSUMED, headerOf, isAmong, isClosed, MAX_ENTRY, STORER, seenIn, writeEntry } from './format.ts';
import {
  close,
  isOpen,
  isOurs,
  newOpened,
  open,
  openNext,
  readHeader,
  readWaiting,
  writeNumbers,
} from './opened.ts';
import { queuePath } from './read.ts';
import { take } from './take.ts';
import { MOST } from './waiting.ts';

/** Milliseconds for which the file is left alone after trouble with it. */
const TRY_AGAIN = 1000;
/** More bytes than this are not left to others: each of their look-ups has to read them. */
const MOST_LEFT = MOST / 2;
/** Nor is anything, if nobody was seen to take anything out for so many milliseconds: it could lie there for hours. */
const LEFT_WITHIN = 60_000;

/** `durable`: an entry is on the disk when `add` returns. */
export function newQueue(database: string, durable: boolean): Queue {
  const path = queuePath(database);
  const file = newOpened(path, durable);
  const { header, own } = file;
  const entry = Buffer.allocUnsafeSlow(MAX_ENTRY);
  let unusableUntil = 0;
  let size = 0; // of what was queued at the last look
  let moved = true;
  let movedAt = Number.NEGATIVE_INFINITY; // when this process last saw that something was taken out, or claimed
  let [lastIno, lastConsumed, lastStorer] = [0, 0, 0]; // by comparing with these
  let [foundIno, foundConsumed] = [0, 0]; // as of the last `find` that has looked

  function find(key: Buffer, length: number): number {
    size = 0;
    moved = true;
    if (monotonic() < unusableUntil) return -1;
    try {
      if (file.fd < 0 && !open(file)) return 0;
      if (!isOpen(file) && !openNext(file)) return file.fd < 0 ? 0 : -1;
      const bytes = readWaiting(file);
      size = bytes.length;
      moved = header[CONSUMED] !== foundConsumed || file.ino !== foundIno;
      [foundIno, foundConsumed] = [file.ino, header[CONSUMED]!];
      if (size >= MOST) return -1;
      if (size === 0 && !isOurs(file)) {
        close(file);
        return -1;
      }
      if (size === 0) return 0;
      const seen = seenIn(bytes, key.subarray(0, length));
      if (durable && seen > 0) fdatasyncSync(file.fd); // whoever appended it may still be waiting for the disk
      return seen;
    } catch {
      // A directory of another user, say, or no regular file: not to be tried again with each triple.
      unusableUntil = monotonic() + TRY_AGAIN;
      close(file);
      return -1;
    }
  }

  function add(key: Buffer, keyLength: number, now: number): boolean {
    try {
      if (file.fd < 0) {
        makeWhole(path, headerOf(0)); // if there is none
        if (!open(file)) return false;
      }
      const length = writeEntry(entry, key, keyLength, now, durable);
      if (!append(length) && !(openNext(file) && append(length))) return false;
      if (!isOurs(file)) {
        close(file);
        return false;
      }
      seeMoves();
      own.add(entry, length, monotonic());
      return true;
    } catch {
      return false; // a full disk, say; the database meets it too
    }
  }

  /** Appends the entry. False: it may be missing, or the file was closed before, and it was not copied. */
  function append(length: number): boolean {
    if (writeSync(file.fd, entry, 0, length) < length) return false;
    if (durable) fdatasyncSync(file.fd);
    return isOpen(file);
  }

  /** Notes, by the header as last read, whether something was taken out or claimed since the last time. */
  function seeMoves(): void {
    const [consumed, storer] = [header[CONSUMED]!, header[STORER]!];
    if (file.ino === lastIno && consumed === lastConsumed && storer === lastStorer) return;
    if (lastIno !== 0) movedAt = monotonic();
    [lastIno, lastConsumed, lastStorer] = [file.ino, consumed, storer];
  }

  function waited(): number | undefined {
    if (own.isEmpty()) return undefined;
    const bytes = waitingOfOurs();
    size = bytes?.length ?? 0;
    const at = own.oldest((ours) => bytes === undefined || isAmong(bytes, ours));
    if (at === undefined) return undefined;
    if (bytes !== undefined) seeMoves();
    return monotonic() - Math.max(at, movedAt);
  }

  /** What waits in the file that we appended to; undefined where that cannot be known: it was removed, say. */
  function waitingOfOurs(): Buffer | undefined {
    try {
      if (file.astray || !readHeader(file)) return undefined;
      if (isClosed(header) && !openNext(file)) return undefined;
      return isOurs(file) ? readWaiting(file) : undefined;
    } catch {
      return undefined;
    }
  }

  function storer(): 'this' | 'another' | 'none' {
    const pid = file.fd >= 0 ? header[STORER]! : 0;
    if (pid === process.pid) return 'this';
    return pid > 0 && isAlive(pid) ? 'another' : 'none';
  }

  function claim(): void {
    try {
      if (file.fd >= 0) writeNumbers(file, STORER, process.pid);
    } catch {
      // then two processes may be about to take it out
    }
  }

  function leave(): boolean {
    try {
      file.lookedAt = Number.NEGATIVE_INFINITY; // looks now whether it is the file that others find
      const bytes = waitingOfOurs();
      if (bytes === undefined || bytes.length > MOST_LEFT || storer() !== 'another') return false;
      seeMoves();
      if (monotonic() - movedAt > LEFT_WITHIN) return false;
      if (!durable) {
        fdatasyncSync(file.fd);
        syncPath(dirname(path));
      }
      return true;
    } catch {
      return false;
    }
  }

  return {
    find,
    size: () => size,
    storer,
    hasMoved: () => moved,
    add,
    waited,
    claim,
    leave,
    take() {
      waited(); // what others have stored since is not stored again: somebody may have forgotten it
      return take(file);
    },
    close: () => close(file),
  };
}
