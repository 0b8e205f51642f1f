// The lines of a list, as bytes: no strings are made of what may be 100,000 lines that nobody asks for.
// Nothing here knows what a line means.

export const PLUS = 0x2b;
export const DOT = 0x2e;
export const SLASH = 0x2f;
export const COLON = 0x3a;
export const AT = 0x40;
export const NEWLINE = 0x0a;
const COMMENT = 0x23;

/** What kinds of bytes stand in an entry, as bits; digits and dots have none. */
export const HAS_COLON = 1;
/** What host names consist of, besides digits and dots: a letter, `-` or `_`. */
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

/** Each byte without its case: A to Z only, whatever the alphabet of the others. */
const LOWER = Uint8Array.from({ length: 256 }, (_, byte) =>
  byte >= 0x41 && byte <= 0x5a ? byte + 0x20 : byte,
);

/** What a text is hashed to without regard to case, from its beginning: `hash = hashOn(hash, byte)`. */
export const EMPTY_HASH = 0;
const CASE = 0x20;
/** Odd, so that nothing is lost of what was hashed before. */
export const FACTOR = 0x01000193;

export function hashOn(hash: number, byte: number): number {
  return (Math.imul(hash, FACTOR) + (byte | CASE)) | 0;
}

/** The same from the end to the beginning: `weight` is 1 at first, and `nextWeight` of itself with every byte. */
export function hashBefore(hash: number, byte: number, weight: number): number {
  return (hash + Math.imul(byte | CASE, weight)) | 0;
}

export function nextWeight(weight: number): number {
  return Math.imul(weight, FACTOR);
}

/** The hash of two texts in one, where `weight` is what the length of the second one has made of 1. */
export function hashBoth(first: number, second: number, weight: number): number {
  return (Math.imul(first, weight) + second) | 0;
}

/** Lines that hold more than space and comment, as numbers: `WIDTH` for each, in the order of the constants below. */
export interface Entries {
  rows: Int32Array;
  count: number;
  /** How far the bytes have been read, a line's beginning, and the number of that line. */
  at: number;
  line: number;
}

export const WIDTH = 5;
/** Of the text. */
export const HASH = 0;
/** Where the text is, without comment and space around it. */
export const START = 1;
export const END = 2;
/** From 1. */
export const LINE = 3;
/** `HAS_` bits. */
export const HAS = 4;

const SHORT_LINE = 8;

export function newEntries(bytes: Uint8Array): Entries {
  // Pages that are never touched cost no memory.
  const rows = new Int32Array((1 + Math.floor(bytes.length / SHORT_LINE)) * WIDTH);
  return { rows, count: 0, at: 0, line: 1 };
}

/** Reads on, to the end of the line in which `until` is. The loop is small: V8 is to make machine code of it soon. */
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
      else has |= HAS_SPACE; // between the words of an entry; for one with several nobody asks for the hash
      for (; at < length; at++) {
        const byte = bytes[at]!;
        const kind = KIND[byte]!;
        if (kind === HAS_SPACE) break;
        has |= kind;
        hash = (Math.imul(hash, FACTOR) + (byte | CASE)) | 0; // hashOn; cold code takes long to call
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

/** Is the text at `from` of the string the entry's, whatever the case? Both of the same length. */
export function sameText(bytes: Uint8Array, start: number, end: number, text: string, from: number): boolean {
  for (let i = start, j = from; i < end; i++, j++) {
    if (LOWER[bytes[i]!] !== LOWER[text.charCodeAt(j)]) return false;
  }
  return true;
}
