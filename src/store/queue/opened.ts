// The queue's file as this process has it open: whether it is still the file that all use, its header, and what waits in it.
// Puts nothing into it and takes nothing out.
import { closeSync, constants, fstatSync, openSync, readSync, statSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { monotonic } from '../../time/monotonic.ts';
import { pause } from '../../time/pause.ts';
import { HARMLESS, syncPath, withOpen } from '../disk/files.ts';
import { CLOSED, CONSUMED, HEADER, type Header, isBeyond, isClosed, isSound } from './format.ts';
import { newOwn, type Own } from './own.ts';
import { newWaiting, type Waiting } from './waiting.ts';

// A long file is closed, and what waits in it is copied to a new one, which takes its place. A process that appends looks
// afterwards whether the file is still open. If it is, the entry was there before the file was closed, and is copied too.

export interface Opened {
  readonly path: string;
  /** An entry is on the disk when its triple is answered. */
  readonly durable: boolean;
  /** As it was last read. */
  readonly header: Header;
  readonly waiting: Waiting;
  /** What this process has appended. */
  readonly own: Own;
  /** -1: it is not open. */
  fd: number;
  ino: number;
  /** When it was last seen to be the file that others find; see `monotonic`. */
  lookedAt: number;
  /** What this process has appended may be in a file that others do not find. */
  astray: boolean;
}

/** The longest single wait for the file that replaces a closed one, in milliseconds; all waits together are twice that. */
const LONGEST_WAIT = 8;
/** How often to look whether the file is still the one that all use, in milliseconds. */
const LOOK_AGAIN = 100;

export function newOpened(path: string, durable: boolean): Opened {
  const header: Header = new Uint32Array(HEADER / 4);
  const [waiting, own] = [newWaiting(), newOwn()];
  return { path, durable, header, waiting, own, fd: -1, ino: 0, lookedAt: 0, astray: false };
}

/** Opens the file. False: there is none. Throws what the file system throws, or Error where it is no file. */
export function open(file: Opened): boolean {
  close(file);
  try {
    file.fd = openSync(file.path, constants.O_RDWR | constants.O_APPEND | HARMLESS);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
  const there = fstatSync(file.fd);
  if (!there.isFile()) throw new Error(`${file.path} is no file`);
  file.ino = there.ino;
  file.waiting.forget();
  file.lookedAt = Number.NEGATIVE_INFINITY; // 0 is not long ago: a process is asked a twentieth of a second after its start
  if (file.durable) syncPath(dirname(file.path));
  return true;
}

export function close(file: Opened): void {
  if (file.fd >= 0) closeSync(file.fd);
  file.fd = -1;
  file.astray ||= !file.own.isEmpty();
}

/**
 * Opens the file that replaces the closed one whose header was read. False: there is none; or there is (`fd` is set), but
 * what this process has appended may be missing there, so it is not to be used.
 */
export function openNext(file: Opened): boolean {
  const next = file.header[CLOSED]!;
  const before = file.astray;
  for (let wait = 0; wait <= LONGEST_WAIT; wait = 2 * wait || 1) {
    if (wait > 0) pause(wait);
    if (!open(file)) return false;
    if (!isOpen(file)) continue;
    if (word(file.ino) === next) file.astray = before;
    return !file.astray;
  }
  return false;
}

/** An inode's number as a word that is not 0. */
export function word(ino: number): number {
  return ino >>> 0 || 1;
}

/**
 * Writes `numbers` into the header, from `word` on, if the path still leads to this file. Through a descriptor of its own: what is
 * written through one with O_APPEND goes to the end.
 */
export function writeNumbers({ path, ino }: Opened, word: number, ...numbers: number[]): void {
  withOpen(path, constants.O_WRONLY | HARMLESS, (fd) => {
    if (fstatSync(fd).ino === ino) writeSync(fd, Uint32Array.from(numbers), 0, 4 * numbers.length, word * 4);
  });
}

/** Reads the header. False: it is no queue's. */
export function readHeader({ fd, header }: Opened): boolean {
  return readSync(fd, header, 0, HEADER, 0) === HEADER && isSound(header);
}

/** Reads the header. False: nothing may be appended. */
export function isOpen(file: Opened): boolean {
  return readHeader(file) && !isClosed(file.header);
}

/**
 * Whether the file is the one that others find, and as long as its header says; after a power cut it may be shorter. (What was
 * appended to a file that was removed a moment ago goes into the database, see `waited`, and is not found until then.)
 */
export function isOurs(file: Opened): boolean {
  const now = monotonic();
  if (now - file.lookedAt < LOOK_AGAIN) return true;
  const there = statSync(file.path, { throwIfNoEntry: false });
  if (there?.ino !== file.ino || isBeyond(file.header, there.size)) return false;
  file.lookedAt = now;
  return true;
}

/** The entries that are not yet in the database, by the header as last read. */
export function readWaiting(file: Opened): Buffer {
  return file.waiting.read(file.fd, file.header[CONSUMED]!);
}
