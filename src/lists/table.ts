// The entries of a list in a hash table of flat arrays: 100,000 take a few milliseconds and a few megabytes. Knows nothing
// of what an entry means; the caller of `find` compares the text.
import { END, type Entries, HAS, HASH, LINE, newEntries, readEntries, START, WIDTH } from './bytes.ts';

interface Table {
  rows: Int32Array;
  /** Row + 1, or 0 where free; at least half of them are. */
  slots: Int32Array;
}

export interface Place {
  start: number;
  end: number;
  line: number;
}

/** Bytes read at a time: about a millisecond's work, several before V8 has compiled the code. */
const PIECE = 128 * 1024;

/**
 * Reads a whole list, piece by piece. `hashOf` returns the hash by which an entry is found, most often that of its text, or
 * undefined to leave the entry out.
 */
export function* readTable(
  bytes: Uint8Array,
  hashOf: (start: number, end: number, line: number, hash: number, has: number) => number | undefined,
): Generator<undefined, Table> {
  const entries = newEntries(bytes);
  let kept = 0;
  for (let read = 0; entries.at < bytes.length; read = entries.count) {
    readEntries(bytes, entries, entries.at + PIECE);
    kept = keep(entries, read, kept, hashOf);
    yield;
  }
  return { rows: entries.rows, slots: slotsOf(entries.rows, kept) };
}

/** Moves the rows from `first` on that `hashOf` keeps up to the `kept` ones before them. Returns how many are kept now. */
function keep(
  { rows, count }: Entries,
  first: number,
  kept: number,
  hashOf: Parameters<typeof readTable>[1],
): number {
  let to = kept * WIDTH;
  for (let at = first * WIDTH; at < count * WIDTH; at += WIDTH) {
    const start = rows[at + START]!;
    const end = rows[at + END]!;
    const line = rows[at + LINE]!;
    const hash = hashOf(start, end, line, rows[at + HASH]!, rows[at + HAS]!);
    if (hash === undefined) continue;
    rows[to + HASH] = hash;
    rows[to + START] = start;
    rows[to + END] = end;
    rows[to + LINE] = line;
    to += WIDTH;
  }
  return to / WIDTH;
}

function slotsOf(rows: Int32Array, count: number): Int32Array {
  const slots = new Int32Array(2 ** (32 - Math.clz32(count * 2)));
  const last = slots.length - 1;
  for (let row = 0; row < count; row++) {
    let slot = spread(rows[row * WIDTH + HASH]!) & last;
    while (slots[slot] !== 0) slot = (slot + 1) & last;
    slots[slot] = row + 1;
  }
  return slots;
}

/** The first entry with this hash for which `same` returns true. */
export function find(
  { rows, slots }: Table,
  hash: number,
  same: (start: number, end: number) => boolean,
): Place | undefined {
  const last = slots.length - 1;
  for (let slot = spread(hash) & last; slots[slot] !== 0; slot = (slot + 1) & last) {
    const at = (slots[slot]! - 1) * WIDTH;
    if (rows[at + HASH] !== hash) continue;
    const start = rows[at + START]!;
    const end = rows[at + END]!;
    if (same(start, end)) return { start, end, line: rows[at + LINE]! };
  }
  return undefined;
}

/** Mixes a hash so that each of its bits counts. */
function spread(hash: number): number {
  const mixed = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d);
  return mixed ^ (mixed >>> 13);
}
