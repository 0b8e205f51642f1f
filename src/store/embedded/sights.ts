// First sights: remembering a new triple. It goes into the queue, and within a second or two one process empties the queue
// into the database: this file decides which, and when. Where the queue cannot be used, it goes into the database at once.
import { monotonic } from '../../time/monotonic.ts';
import { BusyError } from '../damage.ts';
import { findHouse, putHouse } from '../lmdb/house.ts';
import { MOST_LEAVES } from '../lmdb/transaction.ts';
import { newTriple, putTriple, stillCounts } from '../lmdb/triples.ts';
import type { Writer } from '../lmdb/writer.ts';
import { seekForPut } from '../pages/check.ts';
import type { Meta } from '../pages/format.ts';
import type { Taken } from '../queue/contract.ts';
import { newQueue } from '../queue/queue.ts';
import { dayOf } from '../records/forgotten.ts';
import { readKey } from '../records/key.ts';
import { hasPassed, mainNumber, ONCE_SIZE, readTriple } from '../records/record.ts';
import { type Limits, tripleCounts } from '../store.ts';
import type { Keeper, KeeperOptions } from './keeper.ts';
import { makeRoom, newBatch, type Others } from './room.ts';

export interface Sights {
  /**
   * When the triple whose key is the first `length` bytes of `key` was first seen, if it is in the queue; 0: it is not;
   * -1: the queue cannot be used now.
   */
  find(key: Buffer, length: number, now: number): number;
  /** Whether something may have gone from the queue into the database between the last two looks at the queue. */
  haveMoved(): boolean;
  /**
   * Stores `now` as the triple's first sight, unless an earlier one is on record, and returns the one that is on record then.
   * `unknown`: neither the database nor the queue had the triple a moment ago.
   */
  remember(key: Buffer, length: number, now: number, unknown: boolean): number;
  /** Empties the queue into the database if the triple is still in it. */
  flush(key: Buffer, length: number, now: number): void;
  /** `mayLeave`: what this process has queued may be left for another process to store. */
  close(mayLeave: boolean): void;
}

export interface SightsOptions extends Pick<KeeperOptions, 'path' | 'sync' | 'onTrouble'> {
  keeper: Keeper;
  limits: Limits;
  /** How many records are not of waiting triples. */
  others: Others;
  /** Called when waiting triples have to go for new ones; once a day for all processes of the database. */
  onFull: (what: string) => void;
}

/**
 * After how many milliseconds what is queued goes into the database. In calm, all of a second goes together, for a transaction
 * and its flush cost more than all else that a new triple needs; in a storm sooner, before there is much to search.
 */
const QUEUED_FOR = { calm: 1000, later: 20, always: 100 };
/** With so many bytes queued there is a storm: some 65 triples of ordinary addresses, which take 60 bytes each. */
const STORM = 4096;
/**
 * The process that stores goes on storing: V8 has compiled the code for it. The others should not all come to the lock at the
 * same moment, and wait so many milliseconds longer, up to twice that, and anew whenever they see somebody store or claim to:
 * `ready` if they have loaded LMDB; `alone` if they would have to load it and nobody stores (not at all if they were the first
 * to queue something); else `served`. So a filter that meets only new triples need not load LMDB, and of a hundred that start
 * at once, each of which gets a processor now and then, not all do.
 */
const AFTER_OTHERS = { ready: 50, alone: 250, served: 700 };
/** Where another process holds the lock, the next try comes after so many milliseconds at most. */
const LONGEST = 1000;

/** The record of the house that says on which day, since the epoch (UTC), the log said that too many triples wait. */
const FULL = 'full';

/** Notes, within a transaction, that the log says so now. False: it has said so today already. */
function noteFull(writer: Writer, meta: Meta, now: number): boolean {
  const today = String(dayOf(now));
  if (findHouse(writer, meta, FULL) === today) return false;
  return putHouse(writer, FULL, today);
}

/** A clock in whole seconds that showed `now` when this was called. It may be ahead by one: `now` was not a whole number. */
function goingOnFrom(now: number): () => number {
  const start = monotonic();
  return () => now + Math.ceil((monotonic() - start) / 1000);
}

export function newSights(options: SightsOptions): Sights {
  const { keeper, limits, others } = options;
  const queue = newQueue(options.path, options.sync === 'always');
  const later = 1 + Math.random(); // so that not all that wait for others stop waiting at the same moment
  let timer: NodeJS.Timeout | undefined;
  let calm = true; // when the timer was set
  let wasFirst = false; // when the timer was set, nothing else was queued
  let stuck = false; // the last try to store what is queued failed
  let toldFull = false; // by this process, or today by another one
  let pushedOut: string | undefined; // the first key for which another one had to go, in the store that is under way

  /** After how many milliseconds this process is to empty the queue, unless another one does. */
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
    // So a filter whose few new triples are stored by others never has to load LMDB.
    if (unknown && !stuck && queue.add(key, length, now)) {
      if (timer === undefined) wasFirst = queue.size() === 0;
      if (timer === undefined || (calm && queue.size() >= STORM)) wait(queuedFor());
      return now;
    }
    const name = key.toString('latin1', 0, length);
    const clock = goingOnFrom(now);
    const first = keeper.settle(() => store(clock, name, now)) ?? now;
    stuck = false;
    return first;
  }

  function wait(time: number): void {
    clearTimeout(timer);
    timer = setTimeout(storeInTime, time).unref();
  }

  /**
   * Empties the queue into the database, with the triple of key `name` seen at `seen`. Returns that triple's first sight.
   * `clock`: it is read under the lock, for while this process waited for that, or was stopped, others have queued what must not
   * count as older than it is.
   */
  function store(clock: () => number, name?: string, seen = 0): number | undefined {
    let taken: Taken | undefined;
    let names: string[] = [];
    let next = 0;
    let isNews = false;
    pushedOut = undefined;
    do {
      keeper.change((writer, meta) => {
        if (taken === undefined) {
          taken = queue.take();
          const sights = taken.firstSeen;
          if (name !== undefined && !isRecent(sights.get(name), clock())) sights.set(name, seen);
          names = [...sights.keys()].sort(); // neighbours share pages
        }
        const now = clock();
        const start = next;
        next = putSights(writer, meta, taken.firstSeen, names, start, now);
        if (pushedOut !== undefined && !toldFull) isNews = noteFull(writer, meta, now) || isNews;
        return writer.touched > 0;
      });
    } while (next < names.length);
    if (isNews) tellFull(pushedOut!);
    toldFull ||= pushedOut !== undefined;
    if (taken?.durable && options.sync !== 'always') keeper.flush();
    taken?.done();
    return name === undefined ? undefined : taken?.firstSeen.get(name);
  }

  /**
   * Puts the first sights of the keys `names`, from `start` on, as many as one transaction should, and corrects those in
   * `sights` of which an earlier one is on record. Returns where to go on.
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
      // A record that is longer than this is there already, and does not grow.
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
      if (at >= 0 && !known) batch.anew.add(name);
      if (at < 0 && makeRoom(writer, meta, length, limits.maxWaiting, others, batch)) pushedOut ??= name;
    }
    return names.length;
  }

  function isRecent(firstSeen: number | undefined, now: number): boolean {
    return firstSeen !== undefined && tripleCounts(firstSeen, 0, now, limits);
  }

  /** The timer's work: the replies are out. Another process may have emptied the queue, and we have queued more since. */
  function storeInTime(): void {
    timer = undefined;
    const waited = queue.waited();
    if (waited === undefined) return;
    const early = queuedFor() - waited;
    // The process that holds the lock is probably emptying the queue; to wait for the lock would keep a request waiting.
    if (early > 0) wait(early);
    else if (keeper.isBusy()) wait(Math.min(LONGEST, waited / 2));
    else if (storeQueue()) keeper.hurry();
    else wait(LONGEST);
  }

  /** Returns false where that has to wait until a process that is stopped goes on; what is queued is found all the same. */
  function storeQueue(): boolean {
    if (!keeper.isReady()) queue.claim(); // so that others wait while this process loads LMDB
    try {
      keeper.settle(() => store(() => Math.floor(Date.now() / 1000)));
    } catch (error) {
      if (error instanceof BusyError) return false;
      stuck = true; // the next triple goes into the database before its reply, or meets the same trouble
      options.onTrouble(error as Error);
    }
    return true;
  }

  function tellFull(name: string): void {
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
      if (queue.find(key, length) <= 0) return;
      const clock = goingOnFrom(now);
      keeper.settle(() => store(clock));
    },
    close(mayLeave) {
      clearTimeout(timer);
      // Where a hundred filters end at once, not each should have to load LMDB.
      if (queue.waited() !== undefined && !(mayLeave && !keeper.isReady() && queue.leave())) storeQueue();
      queue.close();
    },
  };
}
