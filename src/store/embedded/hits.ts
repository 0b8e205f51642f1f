// Noting how often the entries of the whitelist files matched (../records/hits.ts), within a transaction. Nothing here knows
// what an entry means.
import { findHouse, putHouse } from '../lmdb/house.ts';
import type { Writer } from '../lmdb/writer.ts';
import type { Meta } from '../pages/format.ts';
import { type Path, seek } from '../pages/tree.ts';
import { hitsName, MOST_NAME, readHits } from '../records/hits.ts';
import { writeHouse } from '../records/key.ts';
import type { NewHits } from '../store.ts';

/** Entries of one file that are recorded; further ones are not. */
const MOST_ENTRIES = 4000;

/** Whether recording has begun for all these files. */
export function areRecorded(path: Path, meta: Meta, files: readonly string[]): boolean {
  const key = Buffer.allocUnsafe(MOST_NAME + 1);
  return files.every((file) => seek(path, meta, key, writeHouse(key, 0, hitsName(file, ''))) >= 0);
}

/** Adds the hits to what is on record, and begins the records of the files. Within a transaction. */
export function noteHits(
  writer: Writer,
  meta: Meta,
  files: readonly string[],
  hits: readonly NewHits[],
  now: number,
): void {
  const find = (name: string) => readHits(findHouse(writer, meta, name));
  for (const file of files) {
    const name = hitsName(file, '');
    const whole = { count: 0, last: 0, since: now, entries: 0, ...find(name) };
    for (const { text, count, last } of hits.filter((hit) => hit.file === file)) {
      whole.count += count;
      whole.last = Math.max(whole.last, last);
      const own = hitsName(file, text);
      const known = find(own);
      if (known === undefined && whole.entries >= MOST_ENTRIES) continue;
      if (known === undefined) whole.entries++;
      const before = { count: 0, last: 0, since: last, ...known };
      const after = { ...before, count: before.count + count, last: Math.max(before.last, last) };
      putHouse(writer, own, JSON.stringify(after));
    }
    putHouse(writer, name, JSON.stringify(whole));
  }
}

/** Notes, in the records of the files, that the entries with these names have lost theirs. Within a transaction. */
export function noteForgotten(writer: Writer, meta: Meta, names: readonly string[]): void {
  const counts = new Map<string, number>();
  for (const name of names) {
    const file = name.slice(0, name.indexOf('\0') + 1);
    counts.set(file, (counts.get(file) ?? 0) + 1);
  }
  for (const [name, count] of counts) {
    const whole = readHits(findHouse(writer, meta, name));
    if (whole !== undefined)
      putHouse(
        writer,
        name,
        JSON.stringify({ ...whole, entries: Math.max(0, (whole.entries ?? 0) - count) }),
      );
  }
}
