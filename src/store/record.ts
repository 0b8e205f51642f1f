// The values behind the keys: ten bytes each, with their format version and a check over key and value,
// so that rubbish on a damaged page is never taken for a record.

// byte 0      format version (high half), flags (low half)
// byte 1      zero, kept for later
// bytes 2-3   check: 16 bits over the key and the other bytes of the value
// bytes 4-7   triple: first seen, seconds since the epoch      client: come-backs
// bytes 8-9   triple: last passed, hours after first seen      client: last come-back, days since the epoch
// All numbers are little-endian. Triple and client differ by their keys.
export const RECORD_SIZE = 10;
export const RECORD_VERSION = 1;
const PASSED = 1;

const HOUR = 3600;
const DAY = 86400;
const MOST = 0xffff;

export interface TripleRecord {
  /** Seconds since the epoch. */
  firstSeen: number;
  passed: boolean;
  /** Seconds since the epoch, to the hour; 0: never passed. */
  lastPassed: number;
}

export interface ClientRecord {
  comeBacks: number;
  /** Seconds since the epoch, to the day. */
  lastSeen: number;
}

/** The first number of a record: first seen, or come-backs. The caller has checked it with `isRecord`. */
export function mainNumber(bytes: Uint8Array, at: number): number {
  return (bytes[at + 4]! | (bytes[at + 5]! << 8) | (bytes[at + 6]! << 16)) + bytes[at + 7]! * 0x1000000;
}

/** Whether the triple whose record this is ever passed. */
export function hasPassed(bytes: Uint8Array, at: number): boolean {
  return (bytes[at]! & PASSED) !== 0;
}

/** True where the value at `at` is a whole record of this format under the key at `keyAt`. */
export function isRecord(
  bytes: Uint8Array,
  keyAt: number,
  keyLength: number,
  at: number,
  size: number,
): boolean {
  if (size !== RECORD_SIZE || bytes[at]! >> 4 !== RECORD_VERSION) return false;
  return check(bytes, keyAt, keyLength, bytes, at) === (bytes[at + 2]! | (bytes[at + 3]! << 8));
}

export function readTriple(bytes: Uint8Array, at: number): TripleRecord {
  const firstSeen = mainNumber(bytes, at);
  const passed = hasPassed(bytes, at);
  return { firstSeen, passed, lastPassed: passed ? firstSeen + coarse(bytes, at) * HOUR : 0 };
}

export function readClient(bytes: Uint8Array, at: number): ClientRecord {
  return { comeBacks: mainNumber(bytes, at), lastSeen: coarse(bytes, at) * DAY };
}

/** Writes a triple's record at `at` for the key at `keyAt` of the same bytes. */
export function writeTriple(
  bytes: Uint8Array,
  keyAt: number,
  keyLength: number,
  at: number,
  record: TripleRecord,
): void {
  const hours = record.passed ? Math.max(0, Math.floor((record.lastPassed - record.firstSeen) / HOUR)) : 0;
  write(bytes, keyAt, keyLength, at, record.passed ? PASSED : 0, record.firstSeen, hours);
}

/** Writes a client's record at `at` for the key at `keyAt` of the same bytes. */
export function writeClient(
  bytes: Uint8Array,
  keyAt: number,
  keyLength: number,
  at: number,
  record: ClientRecord,
): void {
  write(bytes, keyAt, keyLength, at, 0, record.comeBacks, Math.floor(record.lastSeen / DAY));
}

function write(
  b: Uint8Array,
  keyAt: number,
  keyLength: number,
  at: number,
  flags: number,
  main: number,
  low: number,
): void {
  const rough = Math.min(low, MOST);
  b[at] = (RECORD_VERSION << 4) | flags;
  b[at + 1] = 0;
  b[at + 4] = main;
  b[at + 5] = main >>> 8;
  b[at + 6] = main >>> 16;
  b[at + 7] = main >>> 24;
  b[at + 8] = rough;
  b[at + 9] = rough >>> 8;
  const sum = check(b, keyAt, keyLength, b, at);
  b[at + 2] = sum;
  b[at + 3] = sum >>> 8;
}

function coarse(bytes: Uint8Array, at: number): number {
  return bytes[at + 8]! | (bytes[at + 9]! << 8);
}

/** FNV-1a over key and value (without the check itself), folded to 16 bits. */
function check(keys: Uint8Array, keyAt: number, keyLength: number, values: Uint8Array, at: number): number {
  let h = 0x811c9dc5;
  for (let i = keyAt; i < keyAt + keyLength; i++) h = Math.imul(h ^ keys[i]!, 0x01000193);
  h = Math.imul(h ^ values[at]!, 0x01000193);
  for (let i = at + 4; i < at + RECORD_SIZE; i++) h = Math.imul(h ^ values[i]!, 0x01000193);
  return (h ^ (h >>> 16)) & 0xffff;
}
