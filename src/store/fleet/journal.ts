// What this host decided by itself while the engine was away: FILE.fleet beside the database, one for all its processes. The
// process that finds the engine back takes the file by renaming it, hands over what is in it, strikes that out, and removes the
// file. As long as there is one, the engine is away: the process that makes it logs that, the one that removes it that it is back.
import {
  closeSync,
  constants,
  existsSync,
  fstatSync,
  openSync,
  readdirSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { refused } from '../damage.ts';
import { giveTo, HARMLESS, withOpen } from '../disk/files.ts';
import { type Decided, decode, encode, type Noted } from './decided.ts';

/** Beyond this size nothing more is noted: some 600,000 decisions. */
const MOST_BYTES = 64 * 2 ** 20;
/** A taken file that was not touched for so many milliseconds belongs to a process that is gone. */
const ABANDONED = 60_000;

const APPEND = constants.O_WRONLY | constants.O_CREAT | constants.O_APPEND | HARMLESS;

export function journalPath(database: string): string {
  return `${database}.fleet`;
}

/** Appends to the journal. Returns whether it was there before. Throws what the file system throws. */
export function note(path: string, decided: Decided): boolean {
  const made = begin(path);
  const fd = made ?? openSync(path, APPEND, 0o600);
  try {
    if (fstatSync(fd).size >= MOST_BYTES)
      throw new Error(`it has ${MOST_BYTES / 2 ** 20} MB, and no more is kept`);
    const entry = encode(decided);
    // A disk that is nearly full may take a part, and that is no entry.
    if (writeSync(fd, entry) < entry.length) throw new Error('no space left');
  } finally {
    closeSync(fd);
  }
  return made === undefined;
}

/** Opens a new journal; undefined where there is one. One that root makes is for the user that the filters run as. */
function begin(path: string): number | undefined {
  try {
    const fd = openSync(path, 'ax', 0o600);
    giveTo(dirname(path), fd);
    return fd;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return undefined;
    throw error;
  }
}

/** Whether there is anything to hand over. */
export function isWaiting(path: string): boolean {
  return existsSync(path);
}

/** Whether a process took something that is gone now; a directory that cannot be read has nothing of that kind. */
export function isLeft(path: string, now: number): boolean {
  try {
    return left(path, now).length > 0;
  } catch {
    return false;
  }
}

/** How many bytes the engine does not have yet, those that a process is at among them. */
export function size(path: string): number {
  return [path, ...allTaken(path)].reduce(
    (sum, file) => sum + (statSync(file, { throwIfNoEntry: false })?.size ?? 0),
    0,
  );
}

function allTaken(path: string): string[] {
  const name = `${basename(path)}.`;
  if (!existsSync(dirname(path))) return [];
  return readdirSync(dirname(path))
    .filter((file) => file.startsWith(name) && /^\d+$/.test(file.slice(name.length)))
    .map((file) => join(dirname(path), file));
}

function left(path: string, now: number): string[] {
  const own = ownOf(path);
  return allTaken(path).filter(
    (file) => file !== own && now - (statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? now) > ABANDONED,
  );
}

function ownOf(path: string): string {
  return `${path}.${process.pid}`;
}

/**
 * Takes the journal, or one that a dead process had taken, for this process alone. Returns its path; undefined: none. Throws
 * StoreError.
 */
export function take(path: string, now: number): string | undefined {
  const own = ownOf(path);
  if (existsSync(own)) return own;
  try {
    return [path, ...left(path, now)].some((file) => rename(file, own)) ? own : undefined;
  } catch (error) {
    throw refused(error, path, 'take');
  }
}

/** False: another process was first. */
function rename(file: string, own: string): boolean {
  try {
    renameSync(file, own);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
}

/**
 * Reads a taken journal from that byte to its end, piece by piece, and touches it with each: see ABANDONED. Throws StoreError;
 * what can never be read is out of the way then.
 */
export function* read(taken: string, from = 0): Generator<Noted[]> {
  try {
    yield* pieces(taken, from);
  } catch (error) {
    const isForEver = /^E(ISDIR|ACCES|PERM|IO)$/.test((error as NodeJS.ErrnoException).code ?? '');
    throw refused(error, isForEver ? setAside(taken) : taken, 'read');
  }
}

/** Or it would stand before every later journal. Returns where it is then. */
function setAside(taken: string): string {
  const aside = `${taken.replace(/\.\d+$/, '')}.unreadable`;
  try {
    renameSync(taken, aside);
    return aside;
  } catch {
    return taken;
  }
}

function* pieces(taken: string, from: number): Generator<Noted[]> {
  const buffer = Buffer.alloc(64 * 1024); // more than any entry
  const fd = openSync(taken, constants.O_RDONLY | HARMLESS);
  try {
    let begin = from; // of the buffer, in the file
    let held = 0;
    for (;;) {
      const got = readSync(fd, buffer, held, buffer.length - held, begin + held);
      const end = held + got;
      const { entries, rest } = decode(buffer.subarray(0, end), got === 0);
      yield entries.map((entry) => ({ ...entry, at: begin + entry.at }));
      if (got === 0) return;
      utimesSync(taken, new Date(), new Date());
      buffer.copyWithin(0, rest, end);
      begin += rest;
      held = end - rest;
    }
  } finally {
    closeSync(fd);
  }
}

/**
 * Strikes out what the engine has, so that no come-back counts twice when this process goes on later, or another one in its
 * place. Where that fails, it may.
 */
export function strike(taken: string, entries: readonly Noted[]): void {
  try {
    withOpen(taken, constants.O_WRONLY | HARMLESS, (fd) => {
      for (const { at, length } of entries) writeSync(fd, Buffer.alloc(length), 0, length, at);
    });
  } catch {}
}

/** A process that ends leaves what it has taken to the next one that looks: see ABANDONED. */
export function leave(path: string): void {
  try {
    utimesSync(ownOf(path), 1, 1);
  } catch {}
}

/** Throws StoreError. */
export function remove(taken: string): void {
  try {
    rmSync(taken, { force: true });
  } catch (error) {
    throw refused(error, taken, 'remove');
  }
}
