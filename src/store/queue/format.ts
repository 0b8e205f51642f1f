// The bytes of a queue's file: its header and its entries. Opens, reads and writes no file.
import { putLong, u16, u32 } from '../records/bytes.ts';
import { fnv1a } from '../records/fnv.ts';
import { clientLength, MAX_KEY } from '../records/key.ts';

// The file begins with a header of four words of 32 bits:
//   magic
//   CLOSED    0; in a closed file, the inode of the one that takes its place
//   CONSUMED  where the entries begin that are not yet in the database
//   STORER    the process that has taken out what stands before that, or is about to take out more
// Then the entries: length of the key (2 bytes), check over all that follows the check (4), first seen (4), the key.
// Numbers are little-endian.
const MAGIC = 0x31514c47;
export const CLOSED = 1;
export const CONSUMED = 2;
export const STORER = 3;
export const HEADER = 16;
export type Header = Uint32Array;
// The parts of an entry, as offsets from its start, where its length stands.
const CHECK_AT = 2;
const SEEN_AT = 6;
const ENTRY_HEAD = 10;
/** A flag in the length: the entry was answered as safe on the disk (--sync always). */
const DURABLE = 0x8000;
export const MAX_ENTRY = ENTRY_HEAD + MAX_KEY;
/** Node searches for up to 7 bytes by memchr(3): 1.3 us to find that they are not in 91 kB; for a whole key 10.3 (Node 20). */
const PROBE = 7;

export function isSound(header: Header): boolean {
  return header[0] === MAGIC && header[CONSUMED]! >= HEADER;
}

export function isBeyond(header: Header, size: number): boolean {
  return header[CONSUMED]! > size;
}

export function isClosed(header: Header): boolean {
  return header[CLOSED] !== 0;
}

export function headerOf(storer: number): Buffer {
  return Buffer.from(Uint32Array.of(MAGIC, 0, HEADER, storer).buffer);
}

/** Returns the entry's size. */
export function writeEntry(
  entry: Buffer,
  key: Buffer,
  length: number,
  now: number,
  durable: boolean,
): number {
  const first = durable ? length | DURABLE : length;
  entry[0] = first;
  entry[1] = first >>> 8;
  putLong(entry, SEEN_AT, now);
  key.copy(entry, ENTRY_HEAD, 0, length);
  const end = ENTRY_HEAD + length;
  putLong(entry, CHECK_AT, check(entry, SEEN_AT, end));
  return end;
}

/** The end of the entry at `at`; 0: there is none, or it is torn. */
function endOf(bytes: Buffer, at: number): number {
  if (at < 0 || at + ENTRY_HEAD >= bytes.length) return 0;
  const length = u16(bytes, at) & ~DURABLE;
  const end = at + ENTRY_HEAD + length;
  if (length === 0 || length > MAX_KEY || end > bytes.length) return 0;
  return check(bytes, at + SEEN_AT, end) === u32(bytes, at + CHECK_AT) ? end : 0;
}

function seenAt(bytes: Buffer, at: number): number {
  return u32(bytes, at + SEEN_AT);
}

/**
 * The earliest sight of the key among the entries; 0: none. Searches for the key's bytes: there may be thousands of
 * entries.
 */
export function seenIn(bytes: Buffer, key: Buffer): number {
  // Keys differ most where the client ends and the sender begins.
  const from = Math.max(0, clientLength(key) - 2);
  const first = bytes.indexOf(key.subarray(from, from + PROBE));
  if (first < 0) return 0;
  let seen = 0;
  for (let at = bytes.indexOf(key, Math.max(0, first - from)); at >= 0; at = bytes.indexOf(key, at + 1)) {
    const entry = at - ENTRY_HEAD;
    if (endOf(bytes, entry) !== at + key.length || !isStart(bytes, entry)) continue; // it is a part of another key
    seen = seen === 0 ? seenAt(bytes, entry) : Math.min(seen, seenAt(bytes, entry));
  }
  return seen;
}

/** Whether an entry starts at `at`, going from entry to entry: a sender's address could contain the bytes of an entry. */
function isStart(bytes: Buffer, at: number): boolean {
  let start = 0;
  while (start < at) start = endOf(bytes, start) || start + 1;
  return start === at;
}

/** Whether the entry is among these: found by its check and part of its time, which is as good as certain. */
export function isAmong(bytes: Buffer, entry: Buffer): boolean {
  return bytes.includes(entry.subarray(CHECK_AT, CHECK_AT + PROBE));
}

/**
 * Adds the sound entries to `firstSeen`; passes over torn ones, as a power cut or a full disk leaves them, byte by byte.
 * Returns where the last one ends, and whether any was answered as safe on the disk.
 */
export function readEntries(
  bytes: Buffer,
  firstSeen: Map<string, number>,
): { end: number; durable: boolean } {
  let last = 0;
  let durable = false;
  for (let at = 0; at + ENTRY_HEAD < bytes.length; ) {
    const end = endOf(bytes, at);
    if (end > 0) {
      const name = bytes.toString('latin1', at + ENTRY_HEAD, end);
      const seen = seenAt(bytes, at);
      firstSeen.set(name, Math.min(firstSeen.get(name) ?? seen, seen));
      durable ||= (u16(bytes, at) & DURABLE) !== 0;
      last = end;
    }
    at = end || at + 1;
  }
  return { end: last, durable };
}

function check(bytes: Buffer, from: number, to: number): number {
  return fnv1a(bytes, from, to) >>> 0;
}
