// New triples on their way into the database. To store each in a transaction of its own has twenty filters wait for one
// lock, and costs more than all else they do. Here each is appended to a file beside the database, in one write(2) that
// kill -9 cannot take back and that all can read; a moment later one process (see ../embedded/sights.ts) puts what all
// have appended into the database in one transaction. Knows what a queue is, and nothing of LMDB.

// What holds at any time: a triple whose request was answered is in the queue, behind `consumed`, or in the database. Who
// does not find it in the database looks in the queue, and if that is in vain in the database again, if it has changed:
// `consumed` moves only after the commit.
import { fdatasyncSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { isAlive } from '../disk/alive.ts';
import { syncPath } from '../disk/files.ts';
import { monotonic } from '../disk/monotonic.ts';
import type { Queue } from './contract.ts';
import { makeFile, writeNumbers } from './file.ts';
import { CONSUMED, isAmong, isClosed, MAX_ENTRY, STORER, seenIn, writeEntry } from './format.ts';
import { close, isOpen, isOurs, newOpened, open, openNext, readHeader, readWaiting } from './opened.ts';
import { queuePath } from './read.ts';
import { take } from './take.ts';
import { MOST } from './waiting.ts';

/** After trouble with the file, milliseconds for which it is left alone. */
const TRY_AGAIN = 1000;
/** Where more than so many bytes wait, they are not left to others: whoever looks has to read them. */
const MOST_LEFT = MOST / 2;
/** Nor where nobody was seen to take anything out for so many milliseconds: it could lie there for hours. */
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
  let movedAt = Number.NEGATIVE_INFINITY; // when this process last saw that something was taken out, or was about to be
  let [lastIno, lastConsumed, lastStorer] = [0, 0, 0]; // what it compares with
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
      // A directory that is not ours, a file that is none: not to be tried with each triple.
      unusableUntil = monotonic() + TRY_AGAIN;
      close(file);
      return -1;
    }
  }

  function add(key: Buffer, keyLength: number, now: number): boolean {
    try {
      if (file.fd < 0) {
        makeFile(path);
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

  /** Appends the entry. False: it may not be there, or the file was closed, and has not taken it along. */
  function append(length: number): boolean {
    if (writeSync(file.fd, entry, 0, length) < length) return false;
    if (durable) fdatasyncSync(file.fd);
    return isOpen(file);
  }

  /** Notes, given the header, whether something was taken out, or claimed, since the last time. */
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

  /** What waits in the file that we appended to; undefined where nobody can know: somebody has removed it, say. */
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
      if (file.fd >= 0) writeNumbers(path, file.ino, STORER, process.pid);
    } catch {
      // then two may be about to do it
    }
  }

  function leave(): boolean {
    try {
      file.lookedAt = Number.NEGATIVE_INFINITY; // it has to be the file that others find at this moment
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
