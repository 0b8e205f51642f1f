// A triple and its client as the engine's keys and values. In a Cluster all of a client's keys lie in one slot: its key
// is the hash tag. No choice of addresses makes two keys one, and each can be read back.

import type { Entry } from '../admin/entry.ts';
import { coarseOffset, fineOffset } from '../records/coarse.ts';
import * as packed from '../records/key.ts';
import { clientOf } from '../records/origins.ts';
import { MOST_OFFSETS } from '../records/record.ts';
import type { Triple } from '../store.ts';

// A key is "gl{", the client with its letters folded, "}", and then
//   a triple:            its tail as in LMDB (../records/key.ts)
//   a client's own:      254, and the client as it is spelt where that differs
//   a probe (see worker.ts):  253
//   a client's counts by origin (../records/origins.ts):  252, and the client as it is spelt
// Other records of the house are no client's: "gl.", and their name.
// The packed client begins with 4 or 1, so that the tag is never empty; a "}" in it ends the tag early for all alike.
// The tail begins with a code below 63 or with 255, never with 254, 253 or 252.
const PREFIX = Buffer.from('gl{');
const END = 125;
const CLIENT = 254;
const PROBE = 253;
const ORIGINS = 252;
/** For SCAN: all keys of clients, and of them those of the counts by origin. */
export const PATTERN = Buffer.from('gl{*');
export const ORIGINS_PATTERN = Buffer.from('gl{*}\xfc*', 'latin1');

const bytes = Buffer.alloc(PREFIX.length + packed.MAX_KEY + 1 + 600);

/** The keys of a decision. */
export function keysOf(triple: Triple): { triple: Buffer; client: Buffer } {
  return { triple: tripleKey(triple), client: clientKey(triple.client) };
}

export function tripleKey(triple: Triple): Buffer {
  const tag = writeTag(triple.client);
  // The client is written once more by writeTriple, one byte further on, and only its tail is kept.
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

/** The key of a record of the house; that of a client's counts by origin lies in the client's slot. */
export function houseKey(name: string): Buffer {
  const client = clientOf(name);
  if (client === undefined) return Buffer.from(`gl.${name}`, 'latin1');
  const tag = writeTag(client);
  bytes[tag] = ORIGINS;
  return Buffer.from(bytes.subarray(0, packed.writeClient(bytes, tag + 1, client, false)));
}

/** A key of nobody's in the same slot. */
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

/** What a key is of; undefined: none of ours, or one of the house. */
export function readKey(
  key: Buffer,
): { client: string; tail?: { sender: string; recipient: string } } | undefined {
  if (!key.subarray(0, PREFIX.length).equals(PREFIX)) return undefined;
  const at = packed.clientEnd(key, PREFIX.length);
  if (at === 0 || key[at] !== END || at + 1 === key.length) return undefined;
  const client = key.subarray(PREFIX.length, at);
  if (key[at + 1] === PROBE || key[at + 1] === ORIGINS) return undefined;
  if (key[at + 1] === CLIENT) return packed.readKey(at + 2 === key.length ? client : key.subarray(at + 2));
  return packed.readKey(Buffer.concat([client, key.subarray(at + 1)]));
}

/** Whose counts by origin a key is of; undefined: it is of none. */
export function readOriginsKey(key: Buffer): string | undefined {
  const end = packed.clientEnd(key, PREFIX.length);
  return end > 0 && key[end + 1] === ORIGINS ? packed.readKey(key.subarray(end + 2))?.client : undefined;
}

// A triple's value: format (1 byte), deferrals (1), first seen (4), last passed (4; 0: waiting), wait (4), offsets (4).
// A client's: format (1), come-backs (4), last seen (4). Little-endian, seconds since the epoch by the engine's clock.
// With 18 bytes the engine keeps it inside its object, in 40 bytes.
const FORMAT = 1;
const TRIPLE_SIZE = 18;
const CLIENT_SIZE = 9;

/** The record of a key and its value; undefined where one is not ours. */
export function readEntry(key: Buffer, value: Buffer): Entry | undefined {
  const of = readKey(key);
  if (of === undefined || value[0] !== FORMAT) return undefined;
  const { client, tail } = of;
  if (tail === undefined) {
    if (value.length !== CLIENT_SIZE) return undefined;
    return { kind: 'client', client, comeBacks: value.readUInt32LE(1), lastSeen: value.readUInt32LE(5) };
  }
  if (value.length !== TRIPLE_SIZE) return undefined;
  const lastPassed = value.readUInt32LE(6);
  return {
    kind: 'triple',
    client,
    ...tail,
    firstSeen: value.readUInt32LE(2),
    passed: lastPassed > 0,
    lastPassed,
    wait: value.readUInt32LE(10),
    deferrals: value[1]!,
    offsets: [...value.subarray(14)].filter((code) => code > 0).map(fineOffset),
  };
}

export function writeEntry(entry: Entry): { key: Buffer; value: Buffer } {
  if (entry.kind === 'client') {
    const value = Buffer.alloc(CLIENT_SIZE);
    value[0] = FORMAT;
    value.writeUInt32LE(entry.comeBacks, 1);
    value.writeUInt32LE(entry.lastSeen, 5);
    return { key: clientKey(entry.client), value };
  }
  const value = Buffer.alloc(TRIPLE_SIZE);
  value[0] = FORMAT;
  value[1] = Math.min(255, entry.deferrals);
  value.writeUInt32LE(entry.firstSeen, 2);
  value.writeUInt32LE(entry.passed ? Math.max(1, entry.lastPassed) : 0, 6);
  value.writeUInt32LE(entry.wait, 10);
  entry.offsets.slice(0, MOST_OFFSETS).forEach((offset, i) => {
    value[14 + i] = coarseOffset(offset);
  });
  return { key: tripleKey(entry), value };
}
