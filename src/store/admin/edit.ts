// Changing many records, for the administrator's commands: in transactions so short that no filter waits for more than
// a few milliseconds, and each page checked before liblmdb touches it.
import { monotonic } from '../../time/monotonic.ts';
import { pause } from '../../time/pause.ts';
import { DamageError, MovedError } from '../damage.ts';
import { checkPlace } from '../disk/place.ts';
import { tryAgain } from '../lmdb/again.ts';
import { flush, flushLast, keepUp } from '../lmdb/durable.ts';
import { houseText, putHouse } from '../lmdb/house.ts';
import { openWriter } from '../lmdb/open.ts';
import { MOST_LEAVES, removeRecord, transact, withLock } from '../lmdb/transaction.ts';
import { putClient, putTriple } from '../lmdb/triples.ts';
import { closeWriter, type Writer } from '../lmdb/writer.ts';
import { checkBeside, descendChecked, seekChecked } from '../pages/check.ts';
import { checkBeforeWriting } from '../pages/doubt.ts';
import type { Meta } from '../pages/format.ts';
import { findRecord, type Path } from '../pages/tree.ts';
import { newQueue } from '../queue/queue.ts';
import * as key from '../records/key.ts';
import * as record from '../records/record.ts';
import {
  type AnyName,
  batches,
  type Change,
  type HouseName,
  IN_ORDER,
  type JointChange,
  joint,
  type Name,
  recordId,
  type Stored,
} from './change.ts';
import { queuedEntries } from './scan.ts';

export interface Editor {
  /** Both change the records that are named, in batches, and return how many were changed. */
  change(changes: Iterable<{ name: Name; change: Change }>): number;
  changeJointly(changes: Iterable<JointChange>): number;
  /** Everything on the disk, nothing open. */
  close(): void;
}

/** About how long a transaction holds the lock, and how long it is then left to others, in milliseconds. */
const HOLD = 2;
const BREATH = 0.5;

/**
 * Opens the database at `path`, or makes it. Puts what is queued into it first. Throws StoreError, DamageError or MovedError, as
 * its methods do.
 */
export function openEditor(path: string): Editor {
  checkPlace(path);
  checkBeforeWriting(path);
  let writer: Writer | undefined;

  /** Does `work`, and does it again where it throws what may pass by itself. */
  function settle<T>(work: (writer: Writer) => T): T {
    return tryAgain([DamageError, MovedError], () => {
      writer ??= openWriter(path);
      try {
        return work(writer);
      } catch (error) {
        if (error instanceof MovedError) closeIt(); // it was compacted, or restored, meanwhile
        throw error;
      }
    });
  }

  function closeIt(): void {
    if (writer !== undefined) closeWriter(writer);
    writer = undefined;
  }

  function changeJointly(changes: Iterable<JointChange>): number {
    let changed = 0;
    for (const some of batches(changes, IN_ORDER, recordId)) {
      const batch = inOrder(some);
      for (let next = 0; next < batch.length; ) {
        const done = settle((writer) => commitSome(writer, batch, next));
        next = done.next;
        changed += done.changed;
        pause(BREATH);
      }
    }
    return changed;
  }

  /** Puts what filters have queued into the database, so that changes find it there. */
  function storeQueued(): void {
    const queue = newQueue(path, false);
    try {
      const taken = settle((writer) => withLock(writer, () => queue.take()));
      if (taken.firstSeen.size === 0) return;
      changeJointly(joint(sightings(taken.firstSeen)));
      if (taken.durable) settle(flush);
      taken.done();
    } finally {
      queue.close();
    }
  }

  try {
    storeQueued();
  } catch (error) {
    closeIt();
    throw error;
  }
  return {
    changeJointly,
    change: (changes) => changeJointly(joint(changes)),
    close() {
      if (writer === undefined) return; // it could not be opened anew, as was said
      try {
        flush(writer); // while filters go on, so that little is left to do while they wait
        flushLast(writer);
      } catch (error) {
        if (!(error instanceof MovedError)) throw error; // if it was moved, our changes went along to the other file
      } finally {
        closeIt();
      }
    },
  };
}

/** Changes that put what was queued on record, unless an earlier sight is. */
function* sightings(queued: Map<string, number>): Generator<{ name: Name; change: Change }> {
  for (const sight of queuedEntries(queued)) {
    const { firstSeen } = sight;
    const change: Change = (before) => {
      if (before?.kind !== 'triple') return sight;
      return before.passed || before.firstSeen <= firstSeen ? undefined : { ...before, firstSeen };
    };
    yield { name: sight, change };
  }
}

/** Commits as much of the batch, from `start` on, as fits into HOLD and MOST_LEAVES. Returns where to go on. */
function commitSome(
  writer: Writer,
  batch: readonly JointChange[],
  start: number,
): { next: number; changed: number } {
  let next = start;
  let changed = 0;
  const meta = transact(writer, (state) => {
    // liblmdb changes pages in memory of its own: those on the disk, which we read and check, stay as they were before the
    // transaction. So no record may be changed twice in one.
    const end = monotonic() + HOLD;
    while (next === start || (next < batch.length && writer.touched < MOST_LEAVES && monotonic() < end)) {
      const { names, change } = batch[next++]!;
      const after = change(names.map((name) => find(writer, state, name)));
      names.forEach((name, i) => {
        if (put(writer, state, name, after[i])) changed++;
      });
    }
    return changed > 0;
  });
  keepUp(writer, meta);
  return { next, changed };
}

function find(writer: Writer, meta: Meta, name: AnyName): Stored | undefined {
  const { path, instruction } = writer;
  const length = writeName(instruction.key, name);
  descendChecked(path, meta, instruction.key, length);
  const at = findRecord(path, instruction.key, length);
  return at < 0 ? undefined : entryOf(path, at, name);
}

/** Returns whether there was anything to do. */
function put(writer: Writer, meta: Meta, name: AnyName, after: Stored | 'forget' | undefined): boolean {
  if (after === undefined) return false;
  const { path, instruction } = writer;
  const length = writeName(instruction.key, name);
  const at = seekChecked(path, meta, instruction.key, length);
  if (after === 'forget') {
    if (at < 0) return false;
    checkBeside(path, meta);
    return removeRecord(writer, length);
  }
  if (after.kind === 'triple') return putTriple(writer, length, after);
  if (after.kind === 'client') return putClient(writer, length, after);
  return putHouse(writer, (name as HouseName).house, after.text);
}

/** In the order of their keys: neighbours share pages, of which a transaction may change few. */
function inOrder(batch: readonly JointChange[]): JointChange[] {
  const out = Buffer.alloc(key.MAX_KEY);
  const keyOf = ({ names }: JointChange) => out.toString('latin1', 0, writeName(out, names[0]!));
  return batch
    .map((change) => ({ change, key: keyOf(change) }))
    .sort((a, b) => (a.key < b.key ? -1 : 1))
    .map(({ change }) => change);
}

function writeName(out: Uint8Array, name: AnyName): number {
  if ('house' in name) return key.writeHouse(out, 0, name.house);
  const { client, sender, recipient } = name;
  if (sender === undefined || recipient === undefined) return key.writeClient(out, 0, client, false);
  return key.writeTriple(out, 0, { client, sender, recipient });
}

function entryOf(path: Path, at: number, name: AnyName): Stored {
  const { pages } = path;
  if ('house' in name) return { kind: 'house', text: houseText(path, at)! };
  const { client, sender, recipient } = name;
  if (sender === undefined || recipient === undefined)
    return { kind: 'client', client, ...record.readClient(pages, at) };
  return { kind: 'triple', client, sender, recipient, ...record.readTriple(pages, at) };
}
