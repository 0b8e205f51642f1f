// What this host decided by itself while the engine was away: FILE.fleet beside the database, one for all its processes. The
// process that finds the engine back takes the file by renaming it, hands over what is in it, and removes it. As long as there
// is a journal, the engine is away: the process that makes it logs that, the process that removes it logs that it is back.
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
import { HARMLESS } from '../disk/files.ts';
import { fnv1a, fold } from '../records/fnv.ts';
import type { Triple } from '../store.ts';

/** One decision. Times in seconds since the epoch, by this host's clock. */
export interface Decided extends Triple {
  firstSeen: number;
  /** 0: it was deferred. */
  passed: number;
  /** The pass counts as a come-back of the client. */
  comeBack: boolean;
}

/** Beyond this size nothing more is noted: some 600,000 decisions. */
const MOST_BYTES = 64 * 2 ** 20;
/** A taken file that was not touched for so many milliseconds belongs to a process that is gone. */
const ABANDONED = 60_000;

// An entry: length of all (2), check (2), flags (1), first seen (4), passed (4), lengths of client and sender (2, 2), then
// client, sender, recipient. Each is appended in one write: those of other processes come between entries, never into one.
const HEAD = 17;

const APPEND = constants.O_WRONLY | constants.O_CREAT | constants.O_APPEND | HARMLESS;

export function journalPath(database: string): string {
  return `${database}.fleet`;
}

/** Appends to the journal. Returns whether it was there before. Throws what the file system throws. */
export function note(path: string, decided: Decided): boolean {
  const made = begin(path);
  const fd = made ?? openSync(path, APPEND, 0o600);
  try {
    if (fstatSync(fd).size < MOST_BYTES) writeSync(fd, encode(decided));
  } finally {
    closeSync(fd);
  }
  return made === undefined;
}

/** Opens a new journal; undefined where there is one. */
function begin(path: string): number | undefined {
  try {
    return openSync(path, 'ax', 0o600);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return undefined;
    throw error;
  }
}

function encode({ client, sender, recipient, firstSeen, passed, comeBack }: Decided): Buffer {
  const bytes = Buffer.alloc(HEAD + client.length + sender.length + recipient.length);
  bytes.writeUInt16LE(bytes.length, 0);
  bytes[4] = comeBack ? 1 : 0;
  bytes.writeUInt32LE(firstSeen, 5);
  bytes.writeUInt32LE(passed, 9);
  bytes.writeUInt16LE(client.length, 13);
  bytes.writeUInt16LE(sender.length, 15);
  bytes.write(client + sender + recipient, HEAD, 'latin1');
  bytes.writeUInt16LE(check(bytes), 2);
  return bytes;
}

/** The entries in the bytes; those that a power cut has spoilt are passed over. */
function* decode(bytes: Buffer): Generator<Decided> {
  for (let at = 0; at + HEAD <= bytes.length; ) {
    const entry = bytes.subarray(at, at + bytes.readUInt16LE(at));
    if (entry.length < HEAD || check(entry) !== entry.readUInt16LE(2)) {
      at++;
      continue;
    }
    const sender = HEAD + entry.readUInt16LE(13);
    const recipient = sender + entry.readUInt16LE(15);
    yield {
      client: entry.toString('latin1', HEAD, sender),
      sender: entry.toString('latin1', sender, recipient),
      recipient: entry.toString('latin1', recipient),
      firstSeen: entry.readUInt32LE(5),
      passed: entry.readUInt32LE(9),
      comeBack: entry[4] === 1,
    };
    at += entry.length;
  }
}

/** FNV-1a over the entry without its check, folded to 16 bits. */
function check(bytes: Buffer): number {
  return fold(fnv1a(bytes, 4, bytes.length, fnv1a(bytes, 0, 2)));
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
  const all = existsSync(dirname(path)) ? [path, ...allTaken(path)] : [];
  return all.reduce((sum, file) => sum + (statSync(file, { throwIfNoEntry: false })?.size ?? 0), 0);
}

function allTaken(path: string): string[] {
  const name = `${basename(path)}.`;
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

/** Takes the journal, or one that a dead process had taken, for this process alone. Returns its path; undefined: none. */
export function take(path: string, now: number): string | undefined {
  const own = ownOf(path);
  for (const file of existsSync(own) ? [own] : [path, ...left(path, now)]) {
    try {
      if (file !== own) renameSync(file, own);
      return own;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error; // another process was first
    }
  }
  return undefined;
}

/** Reads a taken journal to its end, piece by piece, and touches it with each: see ABANDONED. */
export function* read(taken: string): Generator<Decided[]> {
  const buffer = Buffer.alloc(64 * 1024);
  const fd = openSync(taken, constants.O_RDONLY | HARMLESS);
  try {
    let held = 0;
    for (;;) {
      const got = readSync(fd, buffer, held, buffer.length - held, null);
      if (got === 0) return;
      const end = held + got;
      const whole = lastWhole(buffer, end);
      yield [...decode(buffer.subarray(0, whole))];
      utimesSync(taken, new Date(), new Date());
      buffer.copyWithin(0, whole, end);
      held = end - whole;
    }
  } finally {
    closeSync(fd);
  }
}

/** Where the last whole entry ends; `end` where there is none. */
function lastWhole(bytes: Buffer, end: number): number {
  let at = 0;
  while (at + 2 <= end) {
    const length = bytes.readUInt16LE(at);
    if (length < HEAD) return end;
    if (at + length > end) return at === 0 ? end : at;
    at += length;
  }
  return at;
}

export function remove(taken: string): void {
  rmSync(taken, { force: true });
}
