// Forgetting what has expired (--retry-window, --max-age), a few pages at a time, between requests: without a cron job, not at
// start-up, and by one process at a time. How far the sweep is stands in the database itself. Damage that no request can
// notice is found by the way.
import { findHouse, houseText, putHouse } from '../lmdb/house.ts';
import { removeRecord } from '../lmdb/transaction.ts';
import { stillCounts } from '../lmdb/triples.ts';
import type { Writer } from '../lmdb/writer.ts';
import { checkBeside, checkOrder, descendChecked } from '../pages/check.ts';
import { keysOn, type Meta, nodeAt, nodeData, nodeDataSize, nodeKey, nodeKeySize } from '../pages/format.ts';
import { keyOfNextLeaf, newPath, type Path, seek } from '../pages/tree.ts';
import { addForgotten, dayOf, FORGOTTEN, readForgotten } from '../records/forgotten.ts';
import { isHitsName, isStale } from '../records/hits.ts';
import { isHouse, isTriple, MAX_KEY, writeHouse } from '../records/key.ts';
import { clientOf, readOrigins } from '../records/origins.ts';
import { hasPassed, lastSeen, mainNumber, readHouse } from '../records/record.ts';
import { clientCounts, type Limits } from '../store.ts';
import { noteForgotten } from './hits.ts';
import type { Keeper } from './keeper.ts';
import type { Others } from './room.ts';

/** Seconds between two steps of all processes together, and between two sweeps through everything. */
const EVERY = 5;
const REST = 3600;
/**
 * A process that would have to load LMDB for a step waits so many seconds longer, up to twice that, also after its first look:
 * another process may have it loaded, and of a hundred that start after a quiet night not all should be first.
 */
const PATIENCE = 30;
/** After so many seconds without a step, the clock may be wrong: nothing is forgotten until REST seconds have passed. */
const LEAP = 86_400;
/** The name of the record that says how far the sweep is. */
const SWEEP = 'sweep';
const START = Buffer.alloc(0);
/** Leaves that a step looks at. With one step in five seconds, 138,000 a day, which hold some 7 million triples. */
const LEAVES = 8;

/** How far the sweep is. Times in seconds since the epoch. */
interface SweepState {
  /** When the last step was made, and when a sweep was last complete. */
  at: number;
  complete: number;
  /** Records that are not of waiting triples: found in this sweep so far, and in the last one. */
  othersSoFar: number;
  others: number;
  /** Where the next step begins; empty: at the start. */
  position: Buffer;
}

export interface Sweeper {
  /** Makes a step, if one is due. Throws nothing: the next request meets the same trouble. */
  step(now: number): void;
  /** Records of a state that are not of waiting triples, as found by the last sweep, or by the one under way. */
  others: Others;
}

export function newSweeper(keeper: Keeper, limits: Limits): Sweeper {
  const key = Buffer.allocUnsafeSlow(16);
  const keyLength = writeHouse(key, 0, SWEEP);
  const patience = PATIENCE * (1 + Math.random());
  let firstLook: number | undefined;
  let tried = 0;
  let others: number | undefined; // undefined: not known yet

  function isDue(state: SweepState, now: number): boolean {
    firstLook ??= now;
    const since = (then: number) => Math.abs(now - then) - (keeper.isReady() ? 0 : patience);
    if (since(firstLook) < 0) return false;
    return since(state.at) >= EVERY && since(state.complete) >= REST;
  }

  function sweep(now: number): void {
    const found = keeper.look();
    if (found === undefined) return;
    const state = readState(houseText(found.path, seek(found.path, found.meta, key, keyLength)));
    others = othersBy(state);
    if (isDue(state, now)) keeper.change((writer, meta) => sweepSome(writer, meta, now));
  }

  function sweepSome(writer: Writer, meta: Meta, now: number): boolean {
    const { path } = writer;
    // Another process may have been first. (This also checks the pages that `putState` needs in the end.)
    const state = readState(findHouse(writer, meta, SWEEP));
    if (!isDue(state, now)) return false;
    if (state.at > 0 && Math.abs(now - state.at) > LEAP) {
      putState(writer, { ...state, at: now, complete: now, position: START });
      return true;
    }
    const expired: Buffer[] = [];
    const waited = new Map<number, number>();
    let position: Buffer | undefined = state.position;
    for (let i = 0; i < LEAVES && position !== undefined; i++) {
      descendChecked(path, meta, position, position.length);
      checkOrder(path); // no request meets that
      const before = expired.length;
      state.othersSoFar += collect(path, now, limits, expired, waited);
      if (expired.length > before) checkBeside(path, meta);
      position = keyOfNextLeaf(path);
    }
    for (const old of expired) {
      old.copy(writer.instruction.key);
      removeRecord(writer, old.length);
    }
    const names = expired.filter((old) => isHouse(old)).map((old) => old.toString('latin1', 1));
    noteForgotten(writer, meta, names.filter(isHitsName));
    if (waited.size > 0) noteWaited(writer, meta, waited, now);
    const done = position === undefined;
    const after = {
      at: now,
      complete: done ? now : state.complete,
      othersSoFar: done ? 0 : state.othersSoFar,
      others: done ? state.othersSoFar : state.others,
      position: position ?? START,
    };
    others = othersBy(after);
    putState(writer, after);
    return true;
  }

  return {
    step(now) {
      if (Math.abs(now - tried) < (keeper.isReady() ? EVERY : PATIENCE)) return;
      tried = now;
      try {
        keeper.settle(() => sweep(now));
      } catch {
        // a disk that is full, say: forgetting can wait
      }
    },
    others(file, meta) {
      if (others !== undefined) return others;
      const path = newPath(file); // a path of its own, for the caller goes on with the writer's
      others = othersBy(readState(houseText(path, seek(path, meta, key, keyLength))));
      return others;
    },
  };
}

/** The first sweep of a large database takes hours; until then, what it has found so far is a lower bound. */
function othersBy({ others, othersSoFar }: SweepState): number {
  return Math.max(others, othersSoFar);
}

/**
 * Adds the keys of expired records on the path's leaf to `expired`, and counts in `waited`, by their days, the triples among
 * them that never passed. Returns how many of the other records are not of waiting triples.
 */
function collect(
  { pages, leaf }: Path,
  now: number,
  limits: Limits,
  expired: Buffer[],
  waited: Map<number, number>,
): number {
  let others = 0;
  for (let i = 0; leaf >= 0 && i < keysOn(pages, leaf); i++) {
    const node = nodeAt(pages, leaf, i);
    const at = nodeData(pages, node);
    const keyAt = nodeKey(node);
    if (isHouse(pages, keyAt)) {
      const name = pages.toString('latin1', keyAt + 1, at);
      const text = readHouse(pages, at, nodeDataSize(pages, node));
      if (hasHouseExpired(name, text, now, limits)) expired.push(Buffer.from(pages.subarray(keyAt, at)));
      else others++;
      continue;
    }
    const triple = isTriple(pages, keyAt, nodeKeySize(pages, node));
    const passed = triple && hasPassed(pages, at);
    // A triple that was first seen in the future is kept: it may count again when the clock is right.
    const ahead = triple && mainNumber(pages, at) > now;
    const counts = triple
      ? stillCounts(pages, at, now, limits)
      : clientCounts(lastSeen(pages, at), now, limits);
    if (!counts && !ahead) {
      expired.push(Buffer.from(pages.subarray(keyAt, at)));
      const day = dayOf(mainNumber(pages, at));
      if (triple && !passed) waited.set(day, (waited.get(day) ?? 0) + 1);
    } else if (!triple || passed) others++;
  }
  return others;
}

/** Whether a record of the house has expired. A client's counts by origin go when the client would. */
function hasHouseExpired(name: string, text: string, now: number, limits: Limits): boolean {
  if (clientOf(name) === undefined) return isStale(name, text, now);
  return !clientCounts(readOrigins(text)?.lastSeen ?? 0, now, limits);
}

/** Adds the triples to the record of those that were forgotten. Within a transaction. */
function noteWaited(writer: Writer, meta: Meta, waited: ReadonlyMap<number, number>, now: number): void {
  const before = readForgotten(findHouse(writer, meta, FORGOTTEN));
  putHouse(writer, FORGOTTEN, addForgotten(before, waited, now));
}

// The record's text: at (4 bytes), complete (4), others so far (4), others (4), position.
const HEAD = 16;

/** Without a record, no step was made yet: all is 0. */
function readState(text: string | undefined): SweepState {
  const whole = Buffer.from(text ?? '', 'latin1');
  const bytes = whole.length < HEAD ? Buffer.alloc(HEAD) : whole;
  return {
    at: bytes.readUInt32LE(0),
    complete: bytes.readUInt32LE(4),
    othersSoFar: bytes.readUInt32LE(8),
    others: bytes.readUInt32LE(12),
    position: bytes.subarray(HEAD),
  };
}

function putState(writer: Writer, { at, complete, othersSoFar, others, position }: SweepState): void {
  const head = Buffer.from(Uint32Array.of(at, complete, othersSoFar, others).buffer);
  putHouse(writer, SWEEP, Buffer.concat([head, position]).toString('latin1', 0, HEAD + MAX_KEY));
}
