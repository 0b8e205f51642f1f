// The values of the keys: a few bytes each, with kind and format and a check over key and value, so that rubbish on a
// damaged page is never taken for a record.
import { putLong, u16 } from './bytes.ts';
import { coarseOffset, coarseWait, fineOffset, fineWait } from './coarse.ts';
import { fnv1a, fold } from './fnv.ts';

// byte 0      kind and format (high half), flags (low half)
// byte 1      triple: deferrals                                client: zero, kept for later
// bytes 2-3   check: 16 bits over the key and the other bytes of the value
// bytes 4-7   triple: first seen, seconds since the epoch      client: come-backs
// A triple that was seen only once, as most are, has no more than these.
// bytes 8-9   triple: last passed, hours after first seen      client: last seen, days since the epoch
// bytes 10-11 triple: how long it waited for its first pass (see `coarseWait`)
// bytes 12-15 triple: when it was deferred again, four times at most (see `coarseOffset`)
// All numbers are little-endian. A record of the house has a text from byte 4 on.
const TRIPLE = 1;
const CLIENT = 2;
const HOUSE = 3;
/** Sizes in bytes: a triple's record at its longest, that of a triple seen once, a client's. */
export const TRIPLE_SIZE = 16;
export const ONCE_SIZE = 8;
export const CLIENT_SIZE = 10;
/** The longest record: one of the house, which may hold a key. */
export const MAX_RECORD = 1700;
const PASSED = 1;
const ONCE = 2;

const HOUR = 3600;
const DAY = 86400;
const MOST = 0xffff;
const MOST_DEFERRALS = 255;
/** How many deferrals after the first are kept with their time. */
export const MOST_OFFSETS = 4;

export interface TripleRecord {
  /** Seconds since the epoch. */
  firstSeen: number;
  passed: boolean;
  /** Seconds since the epoch, to the hour; 0: never passed. */
  lastPassed: number;
  /** Seconds from the first sight to the first pass (exact below nine hours); 0: never passed. */
  wait: number;
  /** How often it was deferred, 255 at most. */
  deferrals: number;
  /** When it was deferred again, in seconds after the first sight (to 5 %), the first four times. */
  offsets: readonly number[];
}

export interface ClientRecord {
  comeBacks: number;
  /** Seconds since the epoch, to the day. */
  lastSeen: number;
}

/** The first number of a record: first seen, or come-backs. `isRecord` must have returned true for the record. */
export function mainNumber(bytes: Uint8Array, at: number): number {
  return (bytes[at + 4]! | (bytes[at + 5]! << 8) | (bytes[at + 6]! << 16)) + bytes[at + 7]! * 0x1000000;
}

/** Whether the triple whose record this is ever passed. */
export function hasPassed(bytes: Uint8Array, at: number): boolean {
  return (bytes[at]! & PASSED) !== 0;
}

/** When the triple passed last, in seconds since the epoch, to the hour. */
export function lastPassed(bytes: Uint8Array, at: number): number {
  return mainNumber(bytes, at) + u16(bytes, at + 8) * HOUR;
}

/** When the client was seen last, in seconds since the epoch, to the day. */
export function lastSeen(bytes: Uint8Array, at: number): number {
  return u16(bytes, at + 8) * DAY;
}

/** Whether the value at `at` is a sound record for the key at `keyAt`. */
export function isRecord(
  bytes: Uint8Array,
  keyAt: number,
  keyLength: number,
  at: number,
  size: number,
): boolean {
  const kind = bytes[at]! >> 4;
  const sound =
    kind === TRIPLE
      ? size === tripleSize(bytes, at)
      : kind === CLIENT
        ? size === CLIENT_SIZE
        : kind === HOUSE;
  if (!sound || size < 4 || size > MAX_RECORD) return false;
  return check(bytes, keyAt, keyLength, at, size) === u16(bytes, at + 2);
}

/** Whether the triple's record at `at` is the short one. */
function isOnce(bytes: Uint8Array, at: number): boolean {
  return (bytes[at]! & ONCE) !== 0;
}

function tripleSize(bytes: Uint8Array, at: number): number {
  return isOnce(bytes, at) ? ONCE_SIZE : TRIPLE_SIZE;
}

/** Whether as many of the triple's deferrals are noted as there is room for. */
export function isFull(bytes: Uint8Array, at: number): boolean {
  return !isOnce(bytes, at) && bytes[at + TRIPLE_SIZE - 1] !== 0;
}

export function readTriple(bytes: Uint8Array, at: number): TripleRecord {
  const firstSeen = mainNumber(bytes, at);
  const deferrals = bytes[at + 1]!;
  if (isOnce(bytes, at)) return { firstSeen, passed: false, lastPassed: 0, wait: 0, deferrals, offsets: [] };
  const passed = hasPassed(bytes, at);
  const codes = [...bytes.subarray(at + 12, at + 12 + MOST_OFFSETS)].filter((code) => code > 0);
  return {
    firstSeen,
    passed,
    lastPassed: passed ? lastPassed(bytes, at) : 0,
    wait: fineWait(u16(bytes, at + 10)),
    deferrals,
    offsets: codes.map(fineOffset),
  };
}

export function readClient(bytes: Uint8Array, at: number): ClientRecord {
  return { comeBacks: mainNumber(bytes, at), lastSeen: lastSeen(bytes, at) };
}

/**
 * Writes a triple's record at `at` for the key at `keyAt` of the same bytes. Returns its size, TRIPLE_SIZE bytes at most.
 */
export function writeTriple(
  b: Uint8Array,
  keyAt: number,
  keyLength: number,
  at: number,
  record: TripleRecord,
): number {
  const { passed, lastPassed, wait, deferrals, offsets } = record;
  // Where the hours from first seen to last passed do not fit, first seen is moved up.
  const firstSeen = passed ? Math.max(record.firstSeen, lastPassed - MOST * HOUR) : record.firstSeen;
  const once = !passed && offsets.length === 0;
  b[at] = (TRIPLE << 4) | (passed ? PASSED : 0) | (once ? ONCE : 0);
  b[at + 1] = Math.min(deferrals, MOST_DEFERRALS);
  putLong(b, at + 4, firstSeen);
  if (!once) {
    putShort(b, at + 8, passed ? Math.max(0, Math.floor((lastPassed - firstSeen) / HOUR)) : 0);
    putShort(b, at + 10, coarseWait(wait));
    for (let i = 0; i < MOST_OFFSETS; i++)
      b[at + 12 + i] = i < offsets.length ? coarseOffset(offsets[i]!) : 0;
  }
  return sealTriple(b, keyAt, keyLength, at);
}

/** Copies the triple's record at `from` of `bytes` to `at` of `b`, where there is room for TRIPLE_SIZE bytes. */
export function copyTriple(bytes: Uint8Array, from: number, b: Uint8Array, at: number): void {
  const size = tripleSize(bytes, from);
  for (let i = 0; i < size; i++) b[at + i] = bytes[from + i]!;
}

/**
 * Notes in the triple's record at `at`, for the key at `keyAt` of the same bytes, that it was deferred once more at `now`; it
 * has TRIPLE_SIZE bytes then. Returns false where that is not noted: as many are as there is room for, so that a client that
 * hammers costs no more writes; or it has passed meanwhile.
 */
export function addDeferral(
  b: Uint8Array,
  keyAt: number,
  keyLength: number,
  at: number,
  now: number,
): boolean {
  const offset = now - mainNumber(b, at);
  if (isFull(b, at) || (hasPassed(b, at) && offset > fineWait(u16(b, at + 10)))) return false;
  if (isOnce(b, at)) {
    b[at]! ^= ONCE;
    b.fill(0, at + ONCE_SIZE, at + TRIPLE_SIZE);
  }
  let free = at + 12;
  while (b[free] !== 0) free++;
  b[free] = coarseOffset(offset);
  if (b[at + 1]! < MOST_DEFERRALS) b[at + 1]!++;
  sealTriple(b, keyAt, keyLength, at);
  return true;
}

/** Writes a client's record at `at` for the key at `keyAt` of the same bytes. */
export function writeClient(
  b: Uint8Array,
  keyAt: number,
  keyLength: number,
  at: number,
  record: ClientRecord,
): void {
  b[at] = CLIENT << 4;
  b[at + 1] = 0;
  putLong(b, at + 4, record.comeBacks);
  putShort(b, at + 8, Math.floor(record.lastSeen / DAY));
  seal(b, keyAt, keyLength, at, CLIENT_SIZE);
}

/** Where the text of a record of the house begins. */
export const HOUSE_HEAD = 4;

/** The text of a record of the house, latin1. */
export function readHouse(bytes: Buffer, at: number, size: number): string {
  return bytes.toString('latin1', at + HOUSE_HEAD, at + size);
}

/** Makes the `size` bytes at `at` a record of the house; its text stands there already, from HOUSE_HEAD on. */
export function writeHouse(b: Uint8Array, keyAt: number, keyLength: number, at: number, size: number): void {
  b[at] = HOUSE << 4;
  b[at + 1] = 0;
  seal(b, keyAt, keyLength, at, size);
}

function sealTriple(b: Uint8Array, keyAt: number, keyLength: number, at: number): number {
  const size = tripleSize(b, at);
  seal(b, keyAt, keyLength, at, size);
  return size;
}

function seal(b: Uint8Array, keyAt: number, keyLength: number, at: number, size: number): void {
  putShort(b, at + 2, check(b, keyAt, keyLength, at, size));
}

function putShort(b: Uint8Array, at: number, n: number): void {
  const most = Math.min(n, MOST);
  b[at] = most;
  b[at + 1] = most >>> 8;
}

/** FNV-1a over key and value (without the check itself), folded to 16 bits. */
function check(b: Uint8Array, keyAt: number, keyLength: number, at: number, size: number): number {
  const key = fnv1a(b, keyAt, keyAt + keyLength);
  return fold(fnv1a(b, at + 4, at + size, fnv1a(b, at, at + 2, key)));
}
