// Addresses and networks from text, in one space of 128 bits: an IPv4 address is ::a.b.c.d, as in Perl's NetAddr::IP, by
// which postgrey compares. As four words of 32 bits, without bigint.
import { isMapped, parseIpv4, parseIpv6 } from '../greylist/address.ts';
import { FACTOR, SLASH } from './bytes.ts';

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
  let bits = parseIpv4(bytes, start, stop, words);
  const most = bits >= 0 ? 32 : 128;
  if (bits < 0) bits = parseIpv6(bytes, start, stop, words);
  if (isMapped(words)) words[2] = 0;
  if (stop === end) return bits;
  const length = decimal(bytes, stop + 1, end, most);
  if (length < 0 || bits !== 128) return -1; // 192.168/16 is no network, as in postgrey
  return length + 128 - most;
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
