// First sights: where a new triple is remembered. It goes into the queue, and within a second or two, with what others have
// queued, into the database; or into the database at once, where the queue cannot be used.

import { newTriple, putTriple, stillCounts } from '../lmdb/triples.ts';
import { MOST_LEAVES, type Writer } from '../lmdb/writer.ts';
import { seekForPut } from '../pages/check.ts';
import type { Meta } from '../pages/format.ts';
import type { Taken } from '../queue/contract.ts';
import { newQueue } from '../queue/queue.ts';
import { readKey } from '../records/key.ts';
import { hasPassed, mainNumber, ONCE_SIZE, readTriple } from '../records/record.ts';
import { type Limits, tripleCounts } from '../store.ts';
import type { Keeper, KeeperOptions } from './keeper.ts';
import { makeRoom, newBatch, type Others } from './room.ts';

export interface Sights {
  /**
   * When the triple whose key is the first `length` bytes of `key` was first seen, if it is in the queue; 0: it is not;
   * -1: the queue is of no use now.
   */
  find(key: Buffer, length: number, now: number): number;
  /** Whether something may have gone from the queue into the database between the last two looks at the queue. */
  haveMoved(): boolean;
  /**
   * Stores `now` as the triple's first sight, unless an earlier one is on record, and returns the one that holds.
   * `unknown`: neither the database nor the queue knew it a moment ago.
   */
  remember(key: Buffer, length: number, now: number, unknown: boolean): number;
  /** Has the triple put into the database if it is still in the queue. Returns whether it was. */
  flush(key: Buffer, length: number, now: number): boolean;
  /** `mayLeave`: what this process has queued may stay there, for another one to store. */
  close(mayLeave: boolean): void;
}

export interface SightsOptions {
  keeper: Keeper;
  limits: Limits;
  path: string;
  sync: KeeperOptions['sync'];
  /** How many records are none of waiting triples. */
  others: Others;
  /** Told once that waiting triples had to go for new ones. */
  onFull: (what: string) => void;
  onTrouble: KeeperOptions['onTrouble'];
}

/**
 * What was queued goes into the database after so many milliseconds: with all that comes within a second, for a transaction
 * and its flush cost more than all else of a new triple; or before it is much to look through.
 */
const QUEUED_FOR = { calm: 1000, later: 20, always: 100 };
/** From so many bytes on there is a storm: some 65 triples of ordinary addresses, which take 60 bytes each. */
const STORM = 4096;
/**
 * Who stores goes on storing: it has what V8 has compiled for it. All others need not be at the lock in the same moment,
 * and come so many milliseconds later, up to twice that, counted anew whenever somebody is seen to store, or to be about
 * to: `ready` where they have loaded LMDB; `alone` where they would have to, and nobody stores, unless they were the
 * first to queue something; else `served`. So a filter that meets only new triples need not load it, and of a hundred
 * that start at once, each of which gets a processor now and then, not all do.
 */
const AFTER_OTHERS = { ready: 50, alone: 250, served: 700 };
/** Where another process holds the lock, the next try comes after this at most. */
const LONGEST = 1000;

export function newSights(options: SightsOptions): Sights {
  const { keeper, limits, others } = options;
  const queue = newQueue(options.path, options.sync === 'always');
  const later = 1 + Math.random(); // not all that wait for others shall lose their patience at the same moment
  let timer: NodeJS.Timeout | undefined;
  let calm = true; // when the timer was set
  let wasFirst = false; // to queue the oldest of what this process waits for
  let stuck = false;
  let toldFull = false;

  /** After how many milliseconds this process puts into the database what it has queued. */
  function queuedFor(): number {
    calm = queue.size() < STORM;
    const soon = QUEUED_FOR[calm ? 'calm' : options.sync];
    const ready = keeper.isReady();
    const storer = queue.storer();
    if (storer === 'another') return soon + later * (ready ? AFTER_OTHERS.ready : AFTER_OTHERS.served);
    if (wasFirst || (ready && storer === 'this')) return soon;
    return soon + later * (ready ? AFTER_OTHERS.ready : AFTER_OTHERS.alone);
  }

  function find(key: Buffer, length: number, now: number): number {
    const queued = queue.find(key, length);
    return queued <= 0 || isRecent(queued, now) ? queued : -1;
  }

  function remember(key: Buffer, length: number, now: number, unknown: boolean): number {
    // A filter whose few new triples others store never has to load LMDB.
    if (unknown && !stuck && queue.add(key, length, now)) {
      if (timer === undefined) wasFirst = queue.size() === 0;
      if (timer === undefined || (calm && queue.size() >= STORM)) wait(queuedFor());
      return now;
    }
    const name = key.toString('latin1', 0, length);
    const first = keeper.settle(() => store(now, name)) ?? now;
    stuck = false;
    return first;
  }

  function wait(time: number): void {
    clearTimeout(timer);
    timer = setTimeout(storeInTime, time).unref();
  }

  /** Puts into the database what is queued, and the triple with the key `name`, first seen now. Returns when it was. */
  function store(now: number, name?: string): number | undefined {
    let taken: Taken | undefined;
    let names: string[] = [];
    let next = 0;
    do {
      keeper.change((writer, meta) => {
        if (taken === undefined) {
          taken = queue.take();
          const sights = taken.firstSeen;
          if (name !== undefined && !isRecent(sights.get(name), now)) sights.set(name, now);
          names = [...sights.keys()].sort(); // neighbours share pages
        }
        const start = next;
        next = putSights(writer, meta, taken.firstSeen, names, start, now);
        return writer.touched > 0;
      });
    } while (next < names.length);
    if (taken?.durable && options.sync !== 'always') keeper.flush();
    taken?.done();
    return name === undefined ? undefined : taken?.firstSeen.get(name);
  }

  /**
   * Puts the first sights of the keys `names` from `start` on, and replaces each by the one that holds. Returns the next
   * one where this is enough for a transaction.
   */
  function putSights(
    writer: Writer,
    meta: Meta,
    sights: Map<string, number>,
    names: readonly string[],
    start: number,
    now: number,
  ): number {
    const { path, instruction } = writer;
    const batch = newBatch();
    for (let i = start; i < names.length; i++) {
      if (writer.touched >= MOST_LEAVES) return i;
      const name = names[i]!;
      const length = instruction.key.write(name, 'latin1');
      // What is longer than that is there already, and grows no more.
      const at = seekForPut(path, meta, instruction.key, length, ONCE_SIZE);
      const known = at >= 0 && stillCounts(path.pages, at, now, limits);
      const firstSeen = Math.min(sights.get(name)!, now); // the clock was wrong
      if (known && (mainNumber(path.pages, at) <= firstSeen || hasPassed(path.pages, at))) {
        sights.set(name, mainNumber(path.pages, at));
        continue;
      }
      if (at >= 0 && !isRecent(firstSeen, now)) continue; // it was queued long ago
      const before = known ? readTriple(path.pages, at) : newTriple(firstSeen);
      putTriple(writer, length, { ...before, firstSeen });
      if (at < 0 && makeRoom(writer, meta, length, limits.maxWaiting, others, batch)) tellFull(name);
    }
    return names.length;
  }

  function isRecent(firstSeen: number | undefined, now: number): boolean {
    return firstSeen !== undefined && tripleCounts(firstSeen, 0, now, limits);
  }

  /** A timer's work: whoever waited for it has had the reply. Another process may have been first, and we again since. */
  function storeInTime(): void {
    timer = undefined;
    const waited = queue.waited();
    if (waited === undefined) return;
    const early = queuedFor() - waited;
    // Whoever holds the lock is probably doing it, and who waits for it keeps a request waiting.
    if (early > 0) wait(early);
    else if (keeper.isBusy()) wait(Math.min(LONGEST, waited / 2));
    else {
      storeQueue();
      keeper.hurry();
    }
  }

  function storeQueue(): void {
    if (!keeper.isReady()) queue.claim(); // it takes a moment to load LMDB
    try {
      keeper.settle(() => store(Math.floor(Date.now() / 1000)));
    } catch (error) {
      stuck = true; // further triples go into the database before the reply, or meet the same trouble
      options.onTrouble(error as Error);
    }
  }

  function tellFull(name: string): void {
    if (toldFull) return;
    toldFull = true;
    const client = readKey(Buffer.from(name, 'latin1'))?.client;
    options.onFull(
      `too many triples wait (--max-waiting ${limits.maxWaiting}, or those of a network, now that of ${client}): an old one goes for each new one`,
    );
  }

  return {
    find,
    haveMoved: queue.hasMoved,
    remember,
    flush(key, length, now) {
      if (queue.find(key, length) <= 0) return false;
      keeper.settle(() => store(now));
      return true;
    },
    close(mayLeave) {
      clearTimeout(timer);
      // Where a hundred filters end at once, it is not worth it for each to load LMDB.
      if (queue.waited() !== undefined && !(mayLeave && !keeper.isReady() && queue.leave())) storeQueue();
      queue.close();
    },
  };
}
