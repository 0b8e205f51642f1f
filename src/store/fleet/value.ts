// Triples and clients as the engine's values: a few bytes each. The scripts (script.ts) read and write the same in Lua.
import type { Entry } from '../admin/entry.ts';
import { coarseOffset, fineOffset } from '../records/coarse.ts';
import { MOST_OFFSETS } from '../records/record.ts';
import { readKey } from './key.ts';

// A triple's value: format (1 byte), deferrals (1), first seen (4), last passed (4; 0: waiting), wait (4), offsets (4).
// A client's: format (1), come-backs (4), last seen (4). Little-endian, seconds since the epoch by the engine's clock.
// The engine keeps a value of 18 bytes within its own object, 40 bytes in all.
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

/** The record's value. */
export function writeEntry(entry: Entry): Buffer {
  if (entry.kind === 'client') {
    const value = Buffer.alloc(CLIENT_SIZE);
    value[0] = FORMAT;
    value.writeUInt32LE(entry.comeBacks, 1);
    value.writeUInt32LE(entry.lastSeen, 5);
    return value;
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
  return value;
}
