// A database with records that can be looked for afterwards, filled and emptied as the administrator's commands do it, or
// in one transaction.
import type { Editor } from '../../src/store/admin/edit.ts';
import type { Entry, TripleEntry } from '../../src/store/admin/entry.ts';
import { scan } from '../../src/store/admin/scan.ts';
import { KEY_AT, valueAt } from '../../src/store/lmdb/instruction.ts';
import { putRecord, transactBatch } from '../../src/store/lmdb/transaction.ts';
import { newTriple, putTriple } from '../../src/store/lmdb/triples.ts';
import type { Writer } from '../../src/store/lmdb/writer.ts';
import { writeTriple } from '../../src/store/records/key.ts';
import * as record from '../../src/store/records/record.ts';

export const triple = (n: number, firstSeen = 1000): TripleEntry => ({
  kind: 'triple',
  client: `10.${n % 7}.${n % 251}.${n % 13}`,
  sender: `s${n}@example.org`,
  recipient: `r${n % 31}@example.net`,
  firstSeen,
  passed: false,
  lastPassed: 0,
  wait: 0,
  deferrals: 1,
  offsets: [],
});

const numbers = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i);

/** Puts the triples of these numbers on record, those that are there anew, in transactions of a hundred at most. */
export function fill(editor: Editor, from: number, to: number, firstSeen = 1000): void {
  for (let some = from; some < to; some += 100) {
    const changes = numbers(some, Math.min(to, some + 100));
    editor.change(changes.map((n) => ({ name: triple(n), change: () => triple(n, firstSeen) })));
  }
}

export function forget(editor: Editor, from: number, to: number): void {
  editor.change(numbers(from, to).map((n) => ({ name: triple(n), change: () => 'forget' as const })));
}

/** Puts them on record in one transaction, which nobody brings to the disk. */
export function putAtOnce(writer: Writer, from: number, to: number, firstSeen = 1000): void {
  transactBatch(writer, () => {
    for (const n of numbers(from, to))
      putTriple(writer, writeTriple(writer.instruction.key, 0, triple(n)), triple(n, firstSeen));
  });
}

/** Puts a triple's record under a number, in the transaction that is open; false where `flags` forbid it. */
export function putNumber(writer: Writer, number: number, firstSeen: number, flags = 0): boolean {
  const { bytes, key } = writer.instruction;
  key.writeBigUInt64BE(BigInt(number));
  return putRecord(writer, 8, record.writeTriple(bytes, KEY_AT, 8, valueAt(8), newTriple(firstSeen)), flags);
}

export const everything = (database: string): Entry[] => [...(scan(database)?.entries ?? [])];
