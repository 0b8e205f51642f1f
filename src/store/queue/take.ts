// Emptying the queue: what is queued is taken out, and a long file replaced by a new one, by one process at a time, which
// holds the database's write lock. (../embedded/sights.ts decides when, and puts it into the database.)
import { fstatSync, fsyncSync, readSync, renameSync, statSync, unlinkSync, writeFileSync } from 'node:fs';
import { withAside } from '../disk/files.ts';
import type { Taken } from './contract.ts';
import { CLOSED, CONSUMED, HEADER, headerOf, isBeyond, isClosed, MAX_ENTRY, readEntries } from './format.ts';
import {
  close,
  isOpen,
  type Opened,
  open,
  openNext,
  readHeader,
  readWaiting,
  word,
  writeNumbers,
} from './opened.ts';
import { MOST } from './waiting.ts';

/** A file this long is replaced by a new one. */
const FULL = 128 * 1024;

/** See `Queue.take`. */
export function take(file: Opened): Taken {
  const firstSeen = new Map<string, number>();
  let found = NOTHING;
  try {
    found = takeFrom(file, firstSeen);
  } catch {
    close(file); // trouble with the queue must not keep other changes from the database
  }
  // Also what this process has appended to a file that is not there any more.
  const ofOurs = readEntries(file.own.bytes(), firstSeen);
  return {
    firstSeen,
    durable: found.durable || ofOurs.durable,
    done() {
      file.own.clear();
      file.astray = false;
      if (found.end === 0) return;
      try {
        // Not where another process has taken out more meanwhile, as this one was stopped, say: that may be forgotten by now.
        if (readHeader(file) && file.header[CONSUMED] === found.consumed)
          writeNumbers(file, CONSUMED, found.end, process.pid);
      } catch {
        // then it is taken once more
      }
    },
  };
}

interface Found {
  /** What the header said, and how far was read (0: there is nothing). */
  consumed: number;
  end: number;
  /** Whether any of it was answered as safe on the disk. */
  durable: boolean;
}

const NOTHING: Found = { consumed: 0, end: 0, durable: false };

function takeFrom(file: Opened, firstSeen: Map<string, number>): Found {
  const { path, header } = file;
  const ino = statSync(path, { throwIfNoEntry: false })?.ino;
  if ((file.fd < 0 || file.ino !== ino) && !open(file)) return NOTHING;
  const { size } = fstatSync(file.fd);
  const whole = readHeader(file);
  const said = header[CONSUMED]!;
  // After a power cut, the header may have reached the disk, but not the entries that it speaks of.
  if (isBeyond(header, size)) header[CONSUMED] = HEADER;
  const consumed = header[CONSUMED]!;
  if (!whole || (isClosed(header) && consumed === size)) {
    unlinkSync(path); // no more than rubbish; or all of it is in the database
    close(file);
    return NOTHING;
  }
  file.waiting.forget(); // what goes into the database is read anew
  if (size > FULL && consumed > HEADER && !isClosed(header) && replace(file))
    return takeFrom(file, firstSeen);
  const bytes = readWaiting(file);
  const { end: sound, durable } = readEntries(bytes, firstSeen);
  // The last entry may be half written at this moment, or half read. Not in a file that was closed by a process killed while
  // it replaced the file: whoever appends there finds it closed, and appends elsewhere.
  const all = isClosed(header) && bytes.length < MOST;
  const end = consumed + (all ? bytes.length : Math.max(sound, bytes.length - MAX_ENTRY));
  return { consumed: said, end, durable };
}

/**
 * Replaces the open file by a new one with what waits in it. False: it could not (a full disk, a directory of another user),
 * and the file is as it was, or closed.
 */
function replace(file: Opened): boolean {
  const { path, header } = file;
  try {
    withAside(path, headerOf(process.pid), (aside, fd) => {
      // Nearly all is copied before anybody has to wait; who appends after the second copy finds the file closed.
      const end = copyTo(file.fd, fd, header[CONSUMED]!);
      writeNumbers(file, CLOSED, word(fstatSync(fd).ino));
      copyTo(file.fd, fd, end);
      if (holdsDurable(fd)) fsyncSync(fd);
      renameSync(aside, path);
    });
  } catch {
    isOpen(file); // reads the header again
    return false;
  }
  if (!isOpen(file)) openNext(file);
  return true;
}

/** Whether something in the file was answered as being on the disk, by a filter with --sync always. */
function holdsDurable(fd: number): boolean {
  const bytes = Buffer.allocUnsafe(fstatSync(fd).size);
  const got = readSync(fd, bytes, 0, bytes.length, 0);
  return readEntries(bytes.subarray(HEADER, got), new Map()).durable;
}

/** Writes to `into` what the file behind `fd` holds from `at` on. Returns its end. */
function copyTo(fd: number, into: number, at: number): number {
  const piece = Buffer.allocUnsafe(FULL);
  for (;;) {
    const got = readSync(fd, piece, 0, piece.length, at);
    if (got === 0) return at;
    writeFileSync(into, piece.subarray(0, got)); // goes on where it stands
    at += got;
  }
}
