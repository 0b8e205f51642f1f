// Records of triples and clients: which one a new triple gets, whether one still counts, putting one. Opens and commits nothing.
import {
  CLIENT_SIZE,
  type ClientRecord,
  hasPassed,
  lastPassed,
  mainNumber,
  type TripleRecord,
  writeClient,
  writeTriple,
} from '../records/record.ts';
import { type Lives, tripleCounts } from '../store.ts';
import { KEY_AT, valueAt } from './instruction.ts';
import { putRecord } from './transaction.ts';
import type { Writer } from './writer.ts';

/** The record of a triple that was seen once. */
export function newTriple(firstSeen: number): TripleRecord {
  return { firstSeen, passed: false, lastPassed: 0, wait: 0, deferrals: 1, offsets: [] };
}

/** Whether the triple's record at `at` of a path's pages still counts at `now`. */
export function stillCounts(pages: Uint8Array, at: number, now: number, lives: Lives): boolean {
  return tripleCounts(mainNumber(pages, at), hasPassed(pages, at) ? lastPassed(pages, at) : 0, now, lives);
}

/** Puts the record under the key of `length` bytes in `writer.instruction`, as `putRecord` does. */
export function putTriple(writer: Writer, length: number, triple: TripleRecord, flags = 0): boolean {
  const size = writeTriple(writer.instruction.bytes, KEY_AT, length, valueAt(length), triple);
  return putRecord(writer, length, size, flags);
}

/** As `putTriple`. */
export function putClient(writer: Writer, length: number, client: ClientRecord): boolean {
  writeClient(writer.instruction.bytes, KEY_AT, length, valueAt(length), client);
  return putRecord(writer, length, CLIENT_SIZE);
}
