// Triples and clients as LMDB's keys: short, exact, and in an order that keeps a client's come-backs and its triples on one
// page. Different addresses never share a key: each form below can be read back.
import type { Triple } from '../store.ts';

// The key of a triple is its client and a tail; a key that ends after the client is the client's own.
//   house:   0, a name                           the store's own records (see ../store.ts), before all others
//   client:  4, four bytes                       an IPv4 address in its plain form
//            1, length (2 bytes), text           anything else (IPv6, "unknown", rubbish)
//   tail:    six-bit codes                       sender, SEPARATOR, recipient, zeros up to a whole byte
//            255, length of sender (2), sender, recipient   where some byte has no code
// Ordinary addresses take three quarters of their length; without that, a triple would take more than 110 bytes.
const HOUSE = 0;
const CLIENT_IPV4 = 4;
const CLIENT_TEXT = 1;
const TAIL_RAW = 255; // no tail of codes begins with it: code 63 is never given out
const SEPARATOR = 0;
const COLON = 58;
const ALPHABET = 'abcdefghijklmnopqrstuvwxyz0123456789.@-_+=!#$%&\'*/?^`{|}~:"(),';

const CODE = new Uint8Array(256); // byte -> code, 0 where there is none; upper case ASCII folded
for (let i = 0; i < ALPHABET.length; i++) {
  CODE[ALPHABET.charCodeAt(i)] = i + 1;
  CODE[ALPHABET.charAt(i).toUpperCase().charCodeAt(0)] = i + 1;
}

/** The longest key: three attributes of 512 bytes and their lengths. LMDB's own limit is 1978 bytes. */
export const MAX_KEY = 1600;

/**
 * Writes the client's key at `at` and returns where it ends.
 * `fold`: ASCII letters in lower case, as in triples. The auto-whitelist counts addresses as spelt, as greylist.pl does.
 */
export function writeClient(out: Uint8Array, at: number, client: string, fold: boolean): number {
  const end = writeIpv4(out, at, client);
  if (end > 0) return end;
  out[at++] = CLIENT_TEXT;
  at = writeLength(out, at, client.length);
  return writeText(out, at, client, fold);
}

/** Writes the triple's key at `at` and returns where it ends. ASCII letters are folded to lower case. */
export function writeTriple(out: Uint8Array, at: number, triple: Triple): number {
  const tail = writeClient(out, at, triple.client, true);
  const end = writeCodes(out, tail, triple.sender, triple.recipient);
  if (end > 0) return end;
  out[tail] = TAIL_RAW;
  at = writeLength(out, tail + 1, triple.sender.length);
  at = writeText(out, at, triple.sender, true);
  return writeText(out, at, triple.recipient, true);
}

/** How many bytes of a triple's key are the key of its client's own record; 0: that key is another one. */
export function clientLength(bytes: Uint8Array): number {
  return bytes[0] === CLIENT_IPV4 ? 5 : 0;
}

/** Where the client that begins at `at`, of this key or within a longer one, ends; 0: none begins there. */
export function clientEnd(bytes: Uint8Array, at: number): number {
  if (bytes[at] === CLIENT_IPV4) return at + 5;
  return bytes[at] === CLIENT_TEXT && bytes.length > at + 3 ? at + 3 + readLength(bytes, at + 1) : 0;
}

/** Writes the key of a record of the house at `at` and returns where it ends. */
export function writeHouse(out: Uint8Array, at: number, name: string): number {
  out[at] = HOUSE;
  return writeText(out, at + 1, name, false);
}

/** Whether the key at `at` is of a record of the house. */
export function isHouse(bytes: Uint8Array, at = 0): boolean {
  return bytes[at] === HOUSE;
}

/** Whether the key at `at` is a triple's: something follows the client. */
export function isTriple(bytes: Uint8Array, at: number, length: number): boolean {
  if (bytes[at] === CLIENT_IPV4) return length > 5;
  return bytes[at] === CLIENT_TEXT && length > 3 + readLength(bytes, at + 1);
}

/**
 * How many bytes at the start of a triple's or client's key name its network: a /24, a /64 (four groups; the length of the
 * address comes before them), or for anything else the whole client.
 */
export function networkLength(key: Uint8Array): number {
  if (key[0] === CLIENT_IPV4) return 4;
  const end = 3 + readLength(key, 1);
  let groups = 0;
  for (let i = 3; i < end; i++) {
    if (key[i] !== COLON) continue;
    if (++groups === 4) return i;
    if (key[i + 1] === COLON && i + 1 < end) return i + 2; // the other groups, up to the fourth, are zeros
  }
  return end;
}

/** Reads a key back; undefined where the bytes are no key. A client's own key has no sender. */
export function readKey(
  bytes: Uint8Array,
): { client: string; tail?: { sender: string; recipient: string } } | undefined {
  const isIpv4 = bytes[0] === CLIENT_IPV4;
  const at = isIpv4 ? 5 : bytes[0] === CLIENT_TEXT ? 3 + readLength(bytes, 1) : 0;
  if (at === 0 || at > bytes.length) return undefined;
  const client = isIpv4 ? `${bytes[1]}.${bytes[2]}.${bytes[3]}.${bytes[4]}` : text(bytes, 3, at);
  if (at === bytes.length) return { client };
  if (bytes[at] === TAIL_RAW) {
    const middle = at + 3 + readLength(bytes, at + 1);
    if (middle > bytes.length) return undefined;
    return {
      client,
      tail: { sender: text(bytes, at + 3, middle), recipient: text(bytes, middle, bytes.length) },
    };
  }
  return readCodes(bytes, at, client);
}

function readCodes(bytes: Uint8Array, at: number, client: string) {
  const parts = [''];
  let held = 0;
  let bits = 0;
  for (; at < bytes.length; at++) {
    held = (held << 8) | bytes[at]!;
    for (bits += 8; bits >= 6; ) {
      bits -= 6;
      const code = (held >> bits) & 63;
      if (code > 0) {
        if (code > ALPHABET.length) return undefined;
        parts[parts.length - 1] += ALPHABET.charAt(code - 1);
      } else if (parts.length === 1) parts.push('');
    }
  }
  return parts.length === 2 ? { client, tail: { sender: parts[0]!, recipient: parts[1]! } } : undefined;
}

function writeIpv4(out: Uint8Array, at: number, client: string): number {
  let part = -1;
  let parts = 0;
  let next = at + 1;
  for (let i = 0; i <= client.length; i++) {
    const c = i < client.length ? client.charCodeAt(i) : 46;
    if (c === 46) {
      if (part < 0 || ++parts > 4) return 0;
      out[next++] = part;
      part = -1;
    } else if (c >= 48 && c <= 57 && part !== 0) {
      // "part !== 0" leaves out leading zeros: "01" and "1" are two texts and must stay two keys
      part = part < 0 ? c - 48 : part * 10 + c - 48;
      if (part > 255) return 0;
    } else return 0;
  }
  if (parts !== 4) return 0;
  out[at] = CLIENT_IPV4;
  return next;
}

function writeCodes(out: Uint8Array, at: number, sender: string, recipient: string): number {
  const total = sender.length + 1 + recipient.length;
  let held = 0;
  let bits = 0;
  for (let i = 0; i < total; i++) {
    let code = SEPARATOR;
    if (i !== sender.length) {
      code = CODE[i < sender.length ? sender.charCodeAt(i) : recipient.charCodeAt(i - sender.length - 1)]!;
      if (code === 0) return 0;
    }
    held = (held << 6) | code;
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      out[at++] = held >> bits; // of which only the last eight bits are kept
    }
  }
  if (bits > 0) out[at++] = held << (8 - bits);
  return at;
}

function writeText(out: Uint8Array, at: number, value: string, fold: boolean): number {
  for (let i = 0; i < value.length; i++) {
    const c = value.charCodeAt(i);
    out[at++] = fold && c >= 65 && c <= 90 ? c + 32 : c;
  }
  return at;
}

function writeLength(out: Uint8Array, at: number, length: number): number {
  out[at] = length >> 8;
  out[at + 1] = length & 255;
  return at + 2;
}

function readLength(bytes: Uint8Array, at: number): number {
  return (bytes[at]! << 8) | bytes[at + 1]!;
}

function text(bytes: Uint8Array, from: number, to: number): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset + from, to - from).toString('latin1');
}
