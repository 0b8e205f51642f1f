// The lines of a list, as bytes: no strings are made of what may be 100,000 lines that nobody asks for.
// Nothing here knows what a line means.

export const PLUS = 0x2b;
export const DOT = 0x2e;
export const SLASH = 0x2f;
export const COLON = 0x3a;
export const AT = 0x40;
const NEWLINE = 0x0a;
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
export const LOWER = Uint8Array.from({ length: 256 }, (_, byte) =>
  byte >= 0x41 && byte <= 0x5a ? byte + 0x20 : byte,
);

/** What a text is hashed to without regard to case, from its beginning: `hash = hashOn(hash, byte)`. */
export const EMPTY_HASH = 0;
const CASE = 0x20;
/** Odd, so that nothing is lost of what was hashed before. */
const FACTOR = 0x01000193;

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

/** Calls back for each line that holds more than space and comment: where its text is, its hash, and `HAS_` bits. */
export function eachEntry(
  bytes: Uint8Array,
  entry: (start: number, end: number, line: number, hash: number, has: number) => void,
): void {
  const { length } = bytes;
  for (let at = 0, line = 1; at < length; at++, line++) {
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
        hash = hashOn(hash, byte);
      }
      end = at--;
    }
    if (start >= 0) entry(start, end, line, hash, has);
  }
}

/** Is the text at `from` of the string the entry's, whatever the case? Both of the same length. */
export function sameText(bytes: Uint8Array, start: number, end: number, text: string, from: number): boolean {
  for (let i = start, j = from; i < end; i++, j++) {
    if (LOWER[bytes[i]!] !== LOWER[text.charCodeAt(j)]) return false;
  }
  return true;
}
