// Addresses and networks from text, in one space of 128 bits: an IPv4 address is ::a.b.c.d, as in Perl's NetAddr::IP, by
// which postgrey compares. As four words of 32 bits, without bigint.
import { COLON, DOT, FACTOR, SLASH } from './bytes.ts';

/** The bits in front of an IPv4 address in that space. */
const IPV4_BITS = 96;

const HEX = Int8Array.from({ length: 256 }, (_, byte) => {
  const digit = Number.parseInt(String.fromCharCode(byte), 16);
  return Number.isNaN(digit) ? -1 : digit;
});
const ZERO = 0x30;
const OPEN = 0x5b;
const CLOSE = 0x5d;

/**
 * Reads an address, a network (`10.0.0.0/8`, `2001:db8::/32`) or the first two or three numbers of an IPv4 address into four
 * words. Returns the length of the prefix, 0 to 128, or -1 where the text is none of these. Bits after the prefix may be set.
 */
export function parseNetwork(bytes: Uint8Array, start: number, end: number, words: Int32Array): number {
  if (bytes[start] === OPEN && bytes[end - 1] === CLOSE)
    return parseNetwork(bytes, start + 1, end - 1, words);
  let stop = end;
  for (let at = end - 1; at >= end - 4 && at > start; at--) if (bytes[at] === SLASH) stop = at;
  let bits = parseIPv4(bytes, start, stop, words);
  const most = bits >= 0 ? 32 : 128;
  if (bits < 0) bits = parseIPv6(bytes, start, stop, words);
  if (stop === end) return bits;
  const length = decimal(bytes, stop + 1, end, most);
  if (length < 0 || bits !== 128) return -1; // 192.168/16 is no network, as in postgrey
  return length + 128 - most;
}

/** Two, three or four numbers. None with a leading zero: it might be meant as octal, as inet_aton(3) reads it. */
function parseIPv4(bytes: Uint8Array, start: number, end: number, words: Int32Array): number {
  let value = 0;
  let numbers = 1;
  let number = -1;
  for (let at = start; at < end; at++) {
    const digit = bytes[at]! - ZERO;
    if (digit >= 0 && digit <= 9) {
      if (number === 0) return -1;
      number = number < 0 ? digit : number * 10 + digit;
      if (number > 255) return -1;
    } else {
      if (bytes[at] !== DOT || number < 0 || numbers === 4) return -1;
      value = (value << 8) | number;
      number = -1;
      numbers++;
    }
  }
  if (number < 0 || numbers < 2) return -1;
  words[0] = words[1] = words[2] = 0;
  words[3] = ((value << 8) | number) << (8 * (4 - numbers));
  return IPV4_BITS + 8 * numbers;
}

const groups = new Uint16Array(8);

function parseIPv6(bytes: Uint8Array, start: number, end: number, words: Int32Array): number {
  let count = 0;
  let gap = -1; // how many groups stand before the ::
  let at = start;
  if (bytes[at] === COLON) {
    if (bytes[at + 1] !== COLON) return -1;
    gap = 0;
    at += 2;
  }
  while (at < end) {
    const first = at;
    let value = 0;
    for (; at < end && HEX[bytes[at]!]! >= 0; at++) value = (value << 4) | HEX[bytes[at]!]!;
    if (at < end && bytes[at] === DOT) {
      if (count > 6 || parseIPv4(bytes, first, end, words) !== 128) return -1;
      groups[count++] = words[3]! >>> 16;
      groups[count++] = words[3]! & 0xffff;
      break;
    }
    if (at === first || at > first + 4 || count === 8) return -1;
    groups[count++] = value;
    if (at === end) break;
    if (bytes[at++] !== COLON || at === end) return -1;
    if (bytes[at] !== COLON) continue;
    if (gap >= 0) return -1;
    gap = count;
    at++;
  }
  if (gap < 0 ? count !== 8 : count === 8) return -1;
  if (gap >= 0) {
    groups.copyWithin(8 - (count - gap), gap, count);
    groups.fill(0, gap, 8 - (count - gap));
  }
  for (let i = 0; i < 4; i++) words[i] = (groups[2 * i]! << 16) | groups[2 * i + 1]!;
  // The IPv4-mapped form, ::ffff:192.0.2.1 (RFC 4291, section 2.5.5.2), is that IPv4 address.
  if (words[0] === 0 && words[1] === 0 && words[2] === 0xffff) words[2] = 0;
  return 128;
}

/** A number of bits, or -1. */
function decimal(bytes: Uint8Array, start: number, end: number, most: number): number {
  if (start === end || end > start + (most === 32 ? 2 : 3)) return -1;
  let value = 0;
  for (let at = start; at < end; at++) {
    const digit = bytes[at]! - ZERO;
    if (digit < 0 || digit > 9) return -1;
    value = value * 10 + digit;
  }
  return value <= most ? value : -1;
}

export function hashNetwork(words: Int32Array, length: number): number {
  let hash = length;
  for (let i = 0; i < 4; i++) hash = Math.imul(hash ^ (words[i]! & maskWord(length, i)), FACTOR);
  return hash;
}

/** Whether the two agree in the first `length` bits. */
export function sameNetwork(a: Int32Array, b: Int32Array, length: number): boolean {
  for (let i = 0; i < 4; i++) {
    if (((a[i]! ^ b[i]!) & maskWord(length, i)) !== 0) return false;
  }
  return true;
}

function maskWord(length: number, word: number): number {
  const bits = length - 32 * word;
  if (bits >= 32) return -1;
  return bits <= 0 ? 0 : -1 << (32 - bits);
}
