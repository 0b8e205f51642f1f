// Copies a state of the database into a new file, in the order of keys and without empty pages; and brings the copy from one
// state to another, by the pages that the two do not share. Every page is checked before it is believed.
import { DamageError } from '../damage.ts';
import { KEY_AT, valueAt } from '../lmdb/instruction.ts';
import { APPEND, putNode, putRecord, removeRecord, transactBatch } from '../lmdb/transaction.ts';
import { newTriple, putTriple } from '../lmdb/triples.ts';
import type { Writer } from '../lmdb/writer.ts';
import type { DataFile } from '../pages/file.ts';
import { keyOf, keysOn, type Meta, nodeAt, nodeData, nodeDataSize } from '../pages/format.ts';
import { holdsRecord, leaves } from '../pages/leaves.ts';
import { sightsBefore } from '../queue/read.ts';
import { isTriple } from '../records/key.ts';

const BATCH = 200_000; // records a transaction: some 3,000 pages in memory

/** The numbers of the pages that a state consists of. */
export type Pages = Set<number>;

/**
 * Puts every record of the state into `into`, which is empty and which nobody else uses, and what is `queued` (see
 * `readQueue`) with keys that the state does not have. Returns the state's pages, and how many records the copy has.
 * Throws DamageError: it makes no copy of a part.
 */
export function copyState(
  file: DataFile,
  meta: Meta,
  into: Writer,
  progress: (part: number) => void,
  queued = new Map<string, number>(),
): { pages: Pages; records: number } {
  const pages: Pages = new Set();
  let added = 0;
  const enter = (page: number) => {
    pages.add(page);
    return true;
  };
  const addQueued = (name?: string) => {
    for (const [key, firstSeen] of sightsBefore(queued, name)) {
      const length = into.instruction.key.write(key, 'latin1');
      if (!isTriple(into.instruction.key, 0, length)) continue;
      putTriple(into, length, newTriple(firstSeen), APPEND);
      added++;
    }
  };
  const take = (page: Buffer, node: number) => {
    if (queued.size > 0) addQueued(keyOf(page, node).toString('latin1'));
    putNode(into, page, node, APPEND);
  };
  const state = leaves(file, meta, { onDamage: refuse, enter });
  let records = 0;
  for (let more = true; more; ) {
    transactBatch(into, () => {
      for (const most = records + BATCH; more && records < most; ) {
        const { value: page, done } = state.next();
        if (done) {
          more = false;
          addQueued();
        } else records += copyLeaf(page, (node) => take(page, node));
        progress(records / Math.max(1, meta.main.entries));
      }
    });
  }
  return { pages, records: records + added };
}

/**
 * Brings `into`, a copy of the state `before` with its `pages`, to the state `after` of the same file; both states are held.
 * Returns the pages of `after`. Reads only pages that were changed in between.
 */
export function catchUp(file: DataFile, before: Meta, pages: Pages, after: Meta, into: Writer): Pages {
  const shared: Pages = new Set();
  const now: Pages = new Set();
  const fresh = new Map<string, Buffer>();
  const enter = (page: number) => {
    // A page of the state before is held, so it is unchanged, with all below it.
    const known = pages.has(page);
    (known ? shared : now).add(page);
    return !known;
  };
  for (const page of leaves(file, after, { onDamage: refuse, enter })) {
    copyLeaf(page, (node) => fresh.set(keyOf(page, node).toString('latin1'), recordAt(page, node)));
  }
  const gone: Pages = new Set();
  const leave = (page: number) => {
    if (shared.has(page)) return false;
    gone.add(page);
    return true;
  };
  for (const page of leaves(file, before, { onDamage: refuse, enter: leave })) {
    copyLeaf(page, (node) => {
      const text = keyOf(page, node).toString('latin1');
      const same = fresh.get(text);
      if (same === undefined) fresh.set(text, REMOVED);
      else if (same.equals(recordAt(page, node))) fresh.delete(text);
    });
  }
  if (fresh.size > 0) transactBatch(into, () => apply(fresh, into));
  return new Set([...[...pages].filter((page) => !gone.has(page)), ...now]);
}

const REMOVED = Buffer.alloc(0);

function apply(changes: ReadonlyMap<string, Buffer>, into: Writer): void {
  const { bytes } = into.instruction;
  for (const [text, value] of changes) {
    const length = bytes.write(text, KEY_AT, 'latin1');
    if (value === REMOVED) removeRecord(into, length);
    else {
      value.copy(bytes, valueAt(length));
      putRecord(into, length, value.length);
    }
  }
}

/** Calls `take` for each node of the leaf; returns how many there are. Throws DamageError. */
function copyLeaf(page: Buffer, take: (node: number) => void): number {
  const count = keysOn(page, 0);
  for (let i = 0; i < count; i++) {
    const node = nodeAt(page, 0, i);
    if (!holdsRecord(page, node)) throw new DamageError('has a damaged record');
    take(node);
  }
  return count;
}

function recordAt(page: Buffer, node: number): Buffer {
  const at = nodeData(page, node);
  return page.subarray(at, at + nodeDataSize(page, node));
}

function refuse(what: string): never {
  throw new DamageError(what);
}
