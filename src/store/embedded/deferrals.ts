// Deferrals on their way into the database: `report` and `tune` want to know when a triple came back too early. Early retries
// come in storms, and none is worth a transaction of its own, so they are noted together; kill -9 may take the last second's.
import { KEY_AT, valueAt } from '../lmdb/instruction.ts';
import { MOST_LEAVES, putRecord } from '../lmdb/transaction.ts';
import type { Writer } from '../lmdb/writer.ts';
import { seekForPut } from '../pages/check.ts';
import type { Meta } from '../pages/format.ts';
import { addDeferral, copyTriple, TRIPLE_SIZE } from '../records/record.ts';
import type { Keeper } from './keeper.ts';

interface Deferrals {
  /**
   * Notes that the triple whose key is the first `length` bytes of `key` was deferred once more at `now`. Throws what
   * `Keeper.settle` throws, for it may have to put what was noted before.
   */
  add(key: Buffer, length: number, now: number): void;
  isEmpty(): boolean;
  close(): void;
}

/** Notes are put into the database after AFTER milliseconds, or once there are ENOUGH. */
const AFTER = 1000;
const ENOUGH = 256;
/** More than these are dropped: another process has held the lock for too long. */
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
    const taken = notes;
    notes = [];
    // In the order of keys, for neighbours share pages; the sort is stable, so those of one triple stay in their order.
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
      // the next request meets the same trouble, and reports it
    }
  }

  return { add, isEmpty: () => notes.length === 0, close };
}

/** Puts notes, from `start` on, as many as one transaction should. Returns where to go on. */
function putNotes(writer: Writer, meta: Meta, notes: Note[], start: number): number {
  const { path, instruction } = writer;
  const { bytes } = instruction;
  let before = '';
  for (let i = start; i < notes.length; i++) {
    const { name, now } = notes[i]!;
    const length = name.length;
    const value = valueAt(length);
    // The path shows records as they were before the transaction; the last triple's record, as noted so far, is in `bytes`.
    if (name !== before) {
      if (writer.touched >= MOST_LEAVES) return i;
      bytes.write(name, KEY_AT, 'latin1');
      const at = seekForPut(path, meta, instruction.key, length, TRIPLE_SIZE);
      if (at < 0) continue; // still queued: a retry within a second or two is not worth waiting for
      copyTriple(path.pages, at, bytes, value);
      before = name;
    }
    if (addDeferral(bytes, KEY_AT, length, value, now)) putRecord(writer, length, TRIPLE_SIZE);
  }
  return notes.length;
}
