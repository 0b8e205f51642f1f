// Deferrals on their way into the database: `report` and `tune` want to know when a triple came back too early. Early
// retries come in storms, and none is worth a transaction of its own; kill -9 may take those of the last second.

import { KEY_AT, valueAt } from '../lmdb/instruction.ts';
import { MOST_LEAVES, putRecord, type Writer } from '../lmdb/writer.ts';
import { seekForPut } from '../pages/check.ts';
import type { Meta } from '../pages/format.ts';
import { addDeferral, copyTriple, TRIPLE_SIZE } from '../records/record.ts';
import type { Keeper } from './keeper.ts';

export interface Deferrals {
  /**
   * Deferrals that the triple whose key is the first `length` bytes of `key` was deferred once more at `now`. Throws what
   * `Keeper.settle` throws.
   */
  add(key: Buffer, length: number, now: number): void;
  isEmpty(): boolean;
  close(): void;
}

/** They are put into the database together, after so many milliseconds or when there are so many. */
const AFTER = 1000;
const ENOUGH = 256;
/** Where another process has held the lock for so long that there are more, they are not kept. */
const MOST = 4 * ENOUGH;

interface Note {
  /** The triple's key, in latin1. */
  name: string;
  now: number;
}

export function newDeferrals(keeper: Keeper): Deferrals {
  let notes: Note[] = [];
  let timer: NodeJS.Timeout | undefined;

  function add(key: Buffer, length: number, now: number): void {
    if (notes.length < MOST) notes.push({ name: key.toString('latin1', 0, length), now });
    if (notes.length >= ENOUGH && !keeper.isBusy()) put();
    else timer ??= setTimeout(putInTime, AFTER).unref();
  }

  function put(): void {
    clearTimeout(timer);
    timer = undefined;
    if (notes.length === 0) return;
    const taken = notes;
    notes = [];
    // In the order of keys: neighbours share pages. Of one triple as they happened.
    taken.sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
    for (let start = 0, next = 0; start < taken.length; start = next)
      keeper.settle(() =>
        keeper.change((writer, meta) => {
          next = putNotes(writer, meta, taken, start);
          return writer.touched > 0;
        }),
      );
  }

  function putInTime(): void {
    if (keeper.isBusy()) timer = setTimeout(putInTime, AFTER).unref();
    else close();
  }

  function close(): void {
    try {
      put();
    } catch {
      // what is in its way is met, and told, by the next request
    }
  }

  return { add, isEmpty: () => notes.length === 0, close };
}

/** Puts the notes from `start` on, and returns the next one where this is enough for a transaction. */
function putNotes(writer: Writer, meta: Meta, notes: Note[], start: number): number {
  const { path, instruction } = writer;
  const { bytes } = instruction;
  let before = '';
  for (let i = start; i < notes.length; i++) {
    const { name, now } = notes[i]!;
    const length = name.length;
    const value = valueAt(length);
    // The path shows each triple as it was before the transaction: what is noted of one is still in its place.
    if (name !== before) {
      if (writer.touched >= MOST_LEAVES) return i;
      before = '';
      bytes.write(name, KEY_AT, 'latin1');
      const at = seekForPut(path, meta, instruction.key, length, TRIPLE_SIZE);
      if (at < 0) continue;
      copyTriple(path.pages, at, bytes, value);
      before = name;
    }
    if (addDeferral(bytes, KEY_AT, length, value, now)) putRecord(writer, length, TRIPLE_SIZE);
  }
  return notes.length;
}
