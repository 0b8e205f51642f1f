// The lines of a list, as bytes: there may be 100,000, most of which nobody ever asks for, so no strings are made of them.
// Knows nothing of what a line means.

export const PLUS = 0x2b;
export const DOT = 0x2e;
export const SLASH = 0x2f;
export const COLON = 0x3a;
export const AT = 0x40;
export const NEWLINE = 0x0a;
export const SPACE = 0x20;
const COMMENT = 0x23;
/** A byte order mark in UTF-8, which some editors put before the first line. */
const MARK = [0xef, 0xbb, 0xbf];

/** How many bytes of a byte order mark stand at `at`: all of them, or 0. */
export function markAt(bytes: Uint8Array, at: number): number {
  return MARK.every((byte, i) => bytes[at + i] === byte) ? MARK.length : 0;
}

/** The kinds of bytes in an entry, as bits; digits and dots have none. */
export const HAS_COLON = 1;
/** The other bytes of host names: letters, `-` and `_`. */
export const HAS_NAME = 2;
export const HAS_SLASH = 4;
export const HAS_AT = 8;
/** Any other byte. */
const HAS_OTHER = 16;
export const HAS_SPACE = 32;

const KIND = Uint8Array.from({ length: 256 }, (_, byte) => kindOf(String.fromCharCode(byte)));

function kindOf(character: string): number {
  if (/[0-9.]/.test(character)) return 0;
  if (/[A-Za-z_-]/.test(character)) return HAS_NAME;
  if (/[\t-\r ]/.test(character)) return HAS_SPACE; // Perl's \s for bytes
  if (character === ':') return HAS_COLON;
  if (character === '/') return HAS_SLASH;
  if (character === '@') return HAS_AT;
  return character === '#' ? HAS_SPACE : HAS_OTHER;
}

/** Each byte in lower case: A to Z only; bytes above 127 may be of any alphabet. */
const LOWER = Uint8Array.from({ length: 256 }, (_, byte) =>
  byte >= 0x41 && byte <= 0x5a ? byte + 0x20 : byte,
);

/** The start of a text's hash, which ignores case: `hash = hashOn(hash, byte)` for each byte, from the first on. */
export const EMPTY_HASH = 0;
const CASE = 0x20;
/** Odd, so that multiplying loses nothing of the bytes before. */
export const FACTOR = 0x01000193;

export function hashOn(hash: number, byte: number): number {
  return (Math.imul(hash, FACTOR) + (byte | CASE)) | 0;
}

/** The same hash from the last byte to the first: `weight` is 1 at first, then `nextWeight(weight)` with each byte. */
export function hashBefore(hash: number, byte: number, weight: number): number {
  return (hash + Math.imul(byte | CASE, weight)) | 0;
}

export function nextWeight(weight: number): number {
  return Math.imul(weight, FACTOR);
}

/** The hash of two texts joined; `weight` is the weight reached at the end of hashing the second. */
export function hashBoth(first: number, second: number, weight: number): number {
  return (Math.imul(first, weight) + second) | 0;
}

/** The lines with more than space and comment, as rows of `WIDTH` numbers: HASH, START, END, LINE, HAS. */
export interface Entries {
  rows: Int32Array;
  count: number;
  /** Where reading goes on, the beginning of a line, and that line's number. */
  at: number;
  line: number;
}

export const WIDTH = 5;
/** The hash of the text. */
export const HASH = 0;
/** Where the text begins and ends, without comment and space around it. */
export const START = 1;
export const END = 2;
/** The line's number, from 1. */
export const LINE = 3;
/** `HAS_` bits. */
export const HAS = 4;

const SHORT_LINE = 8;

export function newEntries(bytes: Uint8Array): Entries {
  // Pages that are never touched cost no memory.
  const rows = new Int32Array((1 + Math.floor(bytes.length / SHORT_LINE)) * WIDTH);
  return { rows, count: 0, at: markAt(bytes, 0), line: 1 };
}

/** Reads on, to the end of the line that contains `until`. The loop is small, so that V8 soon compiles it. */
export function readEntries(bytes: Uint8Array, entries: Entries, until: number): void {
  const { length } = bytes;
  let { rows, at, line } = entries;
  let row = entries.count * WIDTH;
  for (; at < length && at < until; at++, line++) {
    let start = -1;
    let end = -1;
    let hash = EMPTY_HASH;
    let has = 0;
    for (; at < length && bytes[at] !== NEWLINE; at++) {
      if (bytes[at] === COMMENT) {
        at = bytes.indexOf(NEWLINE, at);
        if (at < 0) at = length;
        break;
      }
      if (KIND[bytes[at]!] === HAS_SPACE) continue;
      if (start < 0) start = at;
      else has |= HAS_SPACE; // between the words of an entry; the hash of such an entry is never used
      for (; at < length; at++) {
        const byte = bytes[at]!;
        const kind = KIND[byte]!;
        if (kind === HAS_SPACE) break;
        has |= kind;
        hash = (Math.imul(hash, FACTOR) + (byte | CASE)) | 0; // `hashOn`, inlined: calls are slow before V8 compiles
      }
      end = at--;
    }
    if (start < 0) continue;
    if (row === rows.length) rows = twiceAsLong(rows);
    rows[row + HASH] = hash;
    rows[row + START] = start;
    rows[row + END] = end;
    rows[row + LINE] = line;
    rows[row + HAS] = has;
    row += WIDTH;
  }
  entries.rows = rows;
  entries.count = row / WIDTH;
  entries.at = at;
  entries.line = line;
}

function twiceAsLong(rows: Int32Array): Int32Array<ArrayBuffer> {
  const longer = new Int32Array(rows.length * 2);
  longer.set(rows);
  return longer;
}

/** Whether the text at `from` of the string is the entry's, whatever the case. Both have the same length. */
export function sameText(bytes: Uint8Array, start: number, end: number, text: string, from: number): boolean {
  for (let i = start, j = from; i < end; i++, j++) {
    if (LOWER[bytes[i]!] !== LOWER[text.charCodeAt(j)]) return false;
  }
  return true;
}
