// Addresses as bytes, and subnets in their canonical spelling. Text in, plain data out; knows of no client, no name and no
// option. Lists of networks (lists/network.ts) read theirs with the same two functions.

const COLON = 58;
const DOT = 46;

/** Longer than any address, which has 45 characters at most, so that what is cut off here is none either. */
const read = Buffer.allocUnsafeSlow(64);
const words = new Int32Array(4);

/**
 * The bytes of an address: 4 for IPv4, 16 for IPv6. The IPv4-mapped form (::ffff:192.0.2.1, RFC 4291, section 2.5.5.2) is
 * an IPv4 address. Undefined where the text is no address; one with a scope (%eth0) is none.
 */
export function parseAddress(text: string): number[] | undefined {
  if (text.indexOf(':') < 0) return plainIpv4(text);
  if (parseIpv6(read, 0, read.write(text), words) < 0) return undefined;
  const bytes: number[] = [];
  for (const group of isMapped(words) ? groups.subarray(6) : groups) bytes.push(group >> 8, group & 255);
  return bytes;
}

/** As `parseIpv4`, of four numbers. From the text itself: most clients have such an address, and writing it down first takes time. */
function plainIpv4(text: string): number[] | undefined {
  const bytes: number[] = [];
  let part = -1;
  for (let i = 0; i <= text.length; i++) {
    const c = i < text.length ? text.charCodeAt(i) : DOT;
    if (c === DOT) {
      if (part < 0 || bytes.push(part) > 4) return undefined;
      part = -1;
    } else if (c >= 48 && c <= 57 && part !== 0) {
      part = part < 0 ? c - 48 : part * 10 + c - 48;
      if (part > 255) return undefined;
    } else return undefined;
  }
  return bytes.length === 4 ? bytes : undefined;
}

/** Whether they are an IPv4 address in IPv6's form. */
export function isMapped(words: Int32Array): boolean {
  return words[0] === 0 && words[1] === 0 && words[2] === 0xffff;
}

/** The subnet of `prefix` bits that holds the address: `192.0.2.0/24`, `2001:db8:1:2::/64` (RFC 5952). */
export function subnetText(bytes: readonly number[], prefix: number): string {
  const kept = bytes.map((byte, i) => byte & (0xff00 >> Math.min(Math.max(prefix - 8 * i, 0), 8)));
  return `${kept.length === 4 ? kept.join('.') : ipv6Text(kept)}/${prefix}`;
}

/**
 * Reads the first two, three or four numbers of an IPv4 address into four words, as ::a.b.c.d. Returns how many of the 128 bits
 * they give, or -1. No number has a leading zero: it might be meant as octal, as inet_aton(3) reads it.
 */
export function parseIpv4(bytes: Uint8Array, start: number, end: number, words: Int32Array): number {
  let value = 0;
  let numbers = 1;
  let number = -1;
  for (let at = start; at < end; at++) {
    const digit = bytes[at]! - 48;
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
  return 96 + 8 * numbers;
}

/** Of the IPv6 address that was read last. */
const groups = new Uint16Array(8);

/** Reads an IPv6 address into four words. Returns 128, or -1. */
export function parseIpv6(bytes: Uint8Array, start: number, end: number, words: Int32Array): number {
  let count = 0;
  let gap = -1; // how many groups stand before the ::
  let at = start;
  if (bytes[at] === COLON) {
    if (at + 1 === end || bytes[at + 1] !== COLON) return -1;
    gap = 0;
    at += 2;
  }
  while (at < end) {
    const first = at;
    let value = 0;
    for (; at < end; at++) {
      const byte = bytes[at]!;
      const letter = (byte | 32) - 97; // a: 0, f: 5
      if (byte >= 48 && byte <= 57) value = (value << 4) | (byte - 48);
      else if (letter >= 0 && letter < 6) value = (value << 4) | (letter + 10);
      else break;
    }
    if (at < end && bytes[at] === DOT) {
      if (count > 6 || parseIpv4(bytes, first, end, words) !== 128) return -1;
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
  return 128;
}

/** RFC 5952: groups without leading zeros in lower case, the first of the longest runs of zero groups as "::". */
function ipv6Text(bytes: readonly number[]): string {
  const groups: string[] = [];
  let best = 0;
  let bestAt = -1;
  let run = 0;
  for (let i = 0; i < 8; i++) {
    const group = (bytes[2 * i]! << 8) | bytes[2 * i + 1]!;
    groups.push(group.toString(16));
    run = group === 0 ? run + 1 : 0;
    if (run > best) {
      best = run;
      bestAt = i - run + 1;
    }
  }
  if (best < 2) return groups.join(':');
  return `${groups.slice(0, bestAt).join(':')}::${groups.slice(bestAt + best).join(':')}`;
}
