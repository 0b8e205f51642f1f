// How often an entry of a whitelist file matched, and since when that is recorded: records of the house, one for each
// entry that was ever hit and one for its file. Nothing here knows what an entry means.

import { houseText, putHouse } from '../lmdb/house.ts';
import type { Writer } from '../lmdb/writer.ts';
import { seekChecked } from '../pages/check.ts';
import type { Meta } from '../pages/format.ts';
import { type Path, seek } from '../pages/tree.ts';
import { writeHouse } from '../records/key.ts';
import type { NewHits } from '../store.ts';

/** What a record holds. Times in seconds since the epoch. */
export interface Hits {
  count: number;
  /** 0: never. */
  last: number;
  /** When recording began. */
  since: number;
  /** A file's own: how many of its entries have a record. */
  entries?: number;
}

const PREFIX = 'hit ';
/** What is longer is cut, and then shares its record with what begins alike. */
const MOST_NAME = 400;
/** Of one file; further ones are not recorded. */
const MOST_ENTRIES = 4000;
/** An entry that was hit last so many seconds ago may be in no file any more: its record goes. */
const KEPT = 400 * 86_400;

/** The name of an entry's record; with an empty text, of the file's own. */
export function hitsName(file: string, text: string): string {
  return `${PREFIX}${file}\0${text}`.slice(0, MOST_NAME);
}

export function isHitsName(name: string): boolean {
  return name.startsWith(PREFIX);
}

/** Reads a record's text; what is none is as good as no record. */
export function readHits(text: string | undefined): Hits | undefined {
  try {
    return text === undefined ? undefined : (JSON.parse(text) as Hits);
  } catch {
    return undefined;
  }
}

/** Whether an entry's record has been of no use for so long that it can go. */
export function isStale(name: string, text: string, now: number): boolean {
  if (!isHitsName(name) || name.endsWith('\0')) return false;
  return now - (readHits(text)?.last ?? 0) > KEPT;
}

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
  const find = (name: string) => {
    const { path, instruction } = writer;
    const at = seekChecked(path, meta, instruction.key, writeHouse(instruction.key, 0, name));
    return readHits(houseText(path, at));
  };
  for (const file of files) {
    const name = hitsName(file, '');
    const whole = { count: 0, last: 0, since: now, entries: 0, ...find(name) };
    for (const { text, count, last } of hits.filter((hit) => hit.file === file)) {
      whole.count += count;
      whole.last = Math.max(whole.last, last);
      const before = find(hitsName(file, text));
      if (before === undefined && ++whole.entries > MOST_ENTRIES) whole.entries = MOST_ENTRIES;
      else
        putHouse(
          writer,
          hitsName(file, text),
          JSON.stringify({
            count: (before?.count ?? 0) + count,
            last: Math.max(before?.last ?? 0, last),
            since: before?.since ?? last,
          }),
        );
    }
    putHouse(writer, name, JSON.stringify(whole));
  }
}

/** Notes that so many entries of a file have lost their records. Within a transaction. */
export function noteForgotten(writer: Writer, meta: Meta, names: readonly string[]): void {
  const counts = new Map<string, number>();
  for (const name of names) {
    const file = name.slice(0, name.indexOf('\0') + 1);
    counts.set(file, (counts.get(file) ?? 0) + 1);
  }
  for (const [name, count] of counts) {
    const { path, instruction } = writer;
    const at = seekChecked(path, meta, instruction.key, writeHouse(instruction.key, 0, name));
    const whole = readHits(houseText(path, at));
    if (whole !== undefined)
      putHouse(
        writer,
        name,
        JSON.stringify({ ...whole, entries: Math.max(0, (whole.entries ?? 0) - count) }),
      );
  }
}
