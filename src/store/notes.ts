// Deferrals on their way into the database: `report` and `tune` want to know when a triple came back too early. Early
// retries come in storms, and none is worth a transaction of its own; kill -9 may take those of the last second.
import type { Meta } from './format.ts';
import type { Keeper } from './keeper.ts';
import { MOST_OFFSETS, readTriple, type TripleRecord } from './record.ts';
import { seekChecked } from './tree.ts';
import { putTriple } from './triples.ts';
import type { Writer } from './writer.ts';

export interface Notes {
  /**
   * Notes that the triple whose key is the first `length` bytes of `key` was deferred once more at `now`. Throws what
   * `Keeper.settle` throws.
   */
  add(key: Buffer, length: number, now: number): void;
  close(): void;
}

/** They are put into the database together, after so many milliseconds or when there are so many. */
const AFTER = 1000;
const ENOUGH = 32;
/** Where another process has held the lock for so long that there are more, they are not kept. */
const MOST = 8 * ENOUGH;

interface Note {
  /** The triple's key, in latin1. */
  name: string;
  now: number;
}

export function newNotes(keeper: Keeper): Notes {
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
    keeper.settle(() => keeper.change((writer, meta) => putNotes(writer, meta, taken)));
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

  return { add, close };
}

/** In the order in which they happened. Returns whether there was anything to note. */
function putNotes(writer: Writer, meta: Meta, notes: readonly Note[]): boolean {
  const { path, instruction } = writer;
  // The path shows each triple as it was before the transaction: what is noted of one is kept here.
  const taken = new Map<string, TripleRecord>();
  for (const { name, now } of notes) {
    const length = instruction.key.write(name, 'latin1');
    let before = taken.get(name);
    if (before === undefined) {
      const at = seekChecked(path, meta, instruction.key, length);
      if (at < 0) continue;
      before = readTriple(path.pages, at);
    }
    const offset = now - before.firstSeen;
    // Whoever hammers costs no more writes; and it may have passed meanwhile.
    if (before.offsets.length === MOST_OFFSETS || (before.passed && offset > before.wait)) continue;
    const after = { ...before, deferrals: before.deferrals + 1, offsets: [...before.offsets, offset] };
    taken.set(name, after);
    putTriple(writer, length, after);
  }
  return taken.size > 0;
}
