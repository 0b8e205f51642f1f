// Triples and clients as the engine's keys. In a Cluster all of a client's keys lie in one slot: the client is their hash
// tag. Different addresses never share a key, and each key can be read back.
import * as packed from '../records/key.ts';
import { clientOf } from '../records/origins.ts';
import type { Triple } from '../store.ts';

// A key is "gl{", the client with its letters folded, "}", and then
//   a triple:            its tail as in LMDB (../records/key.ts)
//   a client's own:      254, and the client as it is spelt where that differs
//   a probe (see worker.ts):  253
//   a client's counts by origin (../records/origins.ts):  252, and the client as it is spelt
// Other records of the house belong to no client: "gl.", and their name. The packed client begins with 4 or 1, so that the
// tag is never empty. A "}" within it ends the tag early, but does so for all keys of the client. The tail begins with a
// code below 63 or with 255, never with 254, 253 or 252.
const PREFIX = Buffer.from('gl{');
const END = 125;
const CLIENT = 254;
const PROBE = 253;
const ORIGINS = 252;
/** Patterns for SCAN: all keys of clients, and only those of their counts by origin. */
export const PATTERN = Buffer.from('gl{*');
export const ORIGINS_PATTERN = Buffer.from('gl{*}\xfc*', 'latin1');

const bytes = Buffer.alloc(PREFIX.length + packed.MAX_KEY + 1 + 600);

/** The keys of a decision. */
export function keysOf(triple: Triple): { triple: Buffer; client: Buffer } {
  return { triple: tripleKey(triple), client: clientKey(triple.client) };
}

export function tripleKey(triple: Triple): Buffer {
  const tag = writeTag(triple.client);
  // writeTriple writes the client once more, after the tag; only the tail is kept of that.
  const end = packed.writeTriple(bytes, tag, triple);
  const own = tag - PREFIX.length - 1;
  bytes.copyWithin(tag, tag + own, end);
  return Buffer.from(bytes.subarray(0, end - own));
}

export function clientKey(client: string): Buffer {
  const tag = writeTag(client);
  bytes[tag] = CLIENT;
  const end = packed.writeClient(bytes, tag + 1, client, false);
  const folded = bytes.subarray(PREFIX.length, tag - 1);
  const same = folded.equals(bytes.subarray(tag + 1, end));
  return Buffer.from(bytes.subarray(0, same ? tag + 1 : end));
}

/** The key of a record of the house. That of a client's counts by origin lies in the client's slot. */
export function houseKey(name: string): Buffer {
  const client = clientOf(name);
  if (client === undefined) return Buffer.from(`gl.${name}`, 'latin1');
  const tag = writeTag(client);
  bytes[tag] = ORIGINS;
  return Buffer.from(bytes.subarray(0, packed.writeClient(bytes, tag + 1, client, false)));
}

/** The key of a probe, in the client's slot. */
export function probeKey(client: string): Buffer {
  const tag = writeTag(client);
  bytes[tag] = PROBE;
  return Buffer.from(bytes.subarray(0, tag + 1));
}

/** Writes the prefix and the tag, and returns where they end. */
function writeTag(client: string): number {
  PREFIX.copy(bytes);
  const end = packed.writeClient(bytes, PREFIX.length, client, true);
  bytes[end] = END;
  return end + 1;
}

/** The client, or triple, of a key; undefined: the key is not ours, or one of the house. */
export function readKey(key: Buffer): ReturnType<typeof packed.readKey> {
  if (!key.subarray(0, PREFIX.length).equals(PREFIX)) return undefined;
  const at = packed.clientEnd(key, PREFIX.length);
  if (at === 0 || key[at] !== END || at + 1 === key.length) return undefined;
  const client = key.subarray(PREFIX.length, at);
  if (key[at + 1] === PROBE || key[at + 1] === ORIGINS) return undefined;
  if (key[at + 1] === CLIENT) return packed.readKey(at + 2 === key.length ? client : key.subarray(at + 2));
  return packed.readKey(Buffer.concat([client, key.subarray(at + 1)]));
}

/** The client of a key of counts by origin; undefined: it is another key. */
export function readOriginsKey(key: Buffer): string | undefined {
  const end = packed.clientEnd(key, PREFIX.length);
  return end > 0 && key[end + 1] === ORIGINS ? packed.readKey(key.subarray(end + 2))?.client : undefined;
}
