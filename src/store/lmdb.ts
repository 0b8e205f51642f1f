// The store on LMDB: which records a look-up reads and which a change writes. How the file is kept usable is
// the keeper's business.
import type { Release } from '../greylist/release.ts';
import type { Triple } from '../greylist/request.ts';
import type { Meta } from './format.ts';
import { areRecorded, type NewHits, noteHits } from './hits.ts';
import { KEY_AT, valueAt } from './instruction.ts';
import { type KeeperOptions, newKeeper } from './keeper.ts';
import * as key from './key.ts';
import { newQueue, type Taken } from './queue.ts';
import * as record from './record.ts';
import { RELEASES, readReleases, SEEN_WITHIN } from './releases.ts';
import { makeRoom, newBatch } from './room.ts';
import { clientCounts, FRESH, type Limits, type Sighting, type Store, tripleCounts } from './store.ts';
import { newSweeper } from './sweep.ts';
import { recordSize, seek, seekChecked } from './tree.ts';
import { putRecord, type Writer } from './writer.ts';

const NOTHING: Sighting = {
  comeBacks: 0,
  clientFresh: false,
  firstSeen: 0,
  passed: false,
  fresh: false,
  full: false,
};

const NEW: record.TripleRecord = {
  firstSeen: 0,
  passed: false,
  lastPassed: 0,
  wait: 0,
  deferrals: 1,
  offsets: [],
};

/** Deferrals are noted together, after so many milliseconds or when there are so many. */
const NOTE_AFTER = 1000;
const MOST_NOTES = 32;

/** What was queued goes into the database after so many milliseconds. */
const QUEUED_FOR = { later: 10, always: 100 };

interface Note {
  triple: Triple;
  now: number;
}

export interface StoreOptions extends KeeperOptions {
  limits: Limits;
  /** Told once that waiting triples had to go for new ones. */
  onFull: (what: string) => void;
}

export function openStore(options: StoreOptions): Store {
  const { limits } = options;
  const keeper = newKeeper(options);
  const sweeper = newSweeper(keeper, limits);
  const queue = newQueue(options.path, options.sync === 'always');
  const queuedFor = QUEUED_FOR[options.sync];
  let emptying: NodeJS.Timeout | undefined;
  let looked = -1; // the transaction of the last look-up; -1: there was no database
  let stuck = false;
  let toldFull = false;
  let notes: Note[] = [];
  let noting: NodeJS.Timeout | undefined;
  let releases: readonly Release[] = [];
  let releasesAt = 0;
  const wanted = Buffer.allocUnsafeSlow(key.MAX_KEY);

  function lookNow(triple: Triple, now: number): Sighting {
    const state = keeper.look();
    looked = state?.meta.txnid ?? -1;
    if (state === undefined) return NOTHING;
    const { path, meta } = state;
    const at = seek(path, meta, wanted, key.writeTriple(wanted, 0, triple));
    const known = at >= 0 && counts(path.pages, at, now);
    const firstSeen = known ? record.mainNumber(path.pages, at) : 0;
    const passed = known && record.hasPassed(path.pages, at);
    const fresh = passed && now - record.lastPassed(path.pages, at) < FRESH;
    const full = known && record.isFull(path.pages, at);
    // The client's own record is nearly always on the same page, which is then not read again.
    const clientAt = seek(path, meta, wanted, key.writeClient(wanted, 0, triple.client, false));
    const seen = clientAt < 0 ? 0 : record.lastSeen(path.pages, clientAt);
    const comeBacks =
      clientAt >= 0 && clientCounts(seen, now, limits) ? record.mainNumber(path.pages, clientAt) : 0;
    return { comeBacks, clientFresh: now - seen < FRESH, firstSeen, passed, fresh, full };
  }

  function counts(pages: Uint8Array, at: number, now: number): boolean {
    const passed = record.hasPassed(pages, at) ? record.lastPassed(pages, at) : 0;
    return tripleCounts(record.mainNumber(pages, at), passed, now, limits);
  }

  function remember(triple: Triple, now: number): number {
    // The first one opens the database for changes before the reply, and meets what there is to meet.
    if (keeper.isWritable() && !stuck) {
      const first = rememberQueued(triple, now);
      if (first > 0) return first;
    }
    const length = key.writeTriple(wanted, 0, triple);
    const name = wanted.toString('latin1', 0, length);
    const first = keeper.settle(() => store(now, name)) ?? now;
    stuck = false;
    return first;
  }

  /** As `remember`; 0: the database has to be changed for it. */
  function rememberQueued(triple: Triple, now: number): number {
    const queued = queue.find(wanted, key.writeTriple(wanted, 0, triple));
    // What has been there for a second may have lost the process that would have stored it, and is to be judged now.
    if (queued !== 0)
      return queued === now || (queued < now && isRecent(queued, now) && keeper.isBusy()) ? queued : 0;
    // It may have gone from the queue into the database since we looked there.
    const first = hasChanged() ? look(triple, now).firstSeen : 0;
    if (first > 0) return first;
    if (!queue.add(wanted, key.writeTriple(wanted, 0, triple), now)) return 0;
    emptying ??= setTimeout(emptyInTime, queuedFor).unref();
    return now;
  }

  function isQueued(triple: Triple): boolean {
    return queue.find(wanted, key.writeTriple(wanted, 0, triple)) > 0;
  }

  function look(triple: Triple, now: number): Sighting {
    return keeper.settle(() => lookNow(triple, now));
  }

  /** Whether anything was committed since the last look-up. */
  function hasChanged(): boolean {
    return keeper.settle(() => keeper.look()?.meta.txnid) !== looked;
  }

  /** Puts into the database what is queued, and the triple with the key `name`, first seen now. Returns when it was. */
  function store(now: number, name?: string): number | undefined {
    let taken: Taken | undefined;
    let first: number | undefined;
    keeper.change((writer, meta) => {
      taken = queue.take();
      const sights = taken.firstSeen;
      if (name !== undefined && !isRecent(sights.get(name), now)) sights.set(name, now);
      const changed = putSights(writer, meta, sights, now);
      first = name === undefined ? undefined : sights.get(name);
      return changed;
    });
    taken?.done();
    return first;
  }

  /**
   * Puts first sights, by key, and replaces each by the one that holds. In the order of keys: neighbours share pages.
   * Returns whether there was anything to put.
   */
  function putSights(writer: Writer, meta: Meta, sights: Map<string, number>, now: number): boolean {
    const { path, instruction } = writer;
    const batch = newBatch();
    let changed = false;
    for (const name of [...sights.keys()].sort()) {
      const length = instruction.key.write(name, 'latin1');
      const at = seekChecked(path, meta, instruction.key, length);
      const known = at >= 0 && counts(path.pages, at, now);
      const firstSeen = Math.min(sights.get(name)!, now); // the clock was wrong
      if (known && (record.mainNumber(path.pages, at) <= firstSeen || record.hasPassed(path.pages, at))) {
        sights.set(name, record.mainNumber(path.pages, at));
        continue;
      }
      if (at >= 0 && !isRecent(firstSeen, now)) continue; // it was queued long ago
      const before = known ? record.readTriple(path.pages, at) : NEW;
      putTriple(writer, length, { ...before, firstSeen });
      changed = true;
      if (at < 0 && makeRoom(writer, meta, length, limits.maxWaiting, sweeper.others, batch)) tellFull(name);
    }
    return changed;
  }

  function isRecent(firstSeen: number | undefined, now: number): boolean {
    return firstSeen !== undefined && tripleCounts(firstSeen, 0, now, limits);
  }

  /** A timer's work: whoever waited for it has had the reply. Another process may have been first, and we again since. */
  function emptyInTime(): void {
    emptying = undefined;
    const age = queue.age();
    if (age === undefined) return;
    const early = queuedFor - age;
    // Whoever holds the lock is probably doing it, and who waits for it keeps a request waiting.
    if (early > 0) emptying = setTimeout(emptyInTime, early).unref();
    else if (keeper.isBusy()) emptying = setTimeout(emptyInTime, Math.min(1000, age / 2)).unref();
    else empty();
  }

  function empty(): void {
    try {
      keeper.settle(() => store(Math.floor(Date.now() / 1000)));
      stuck = false;
    } catch (error) {
      stuck = true; // further triples go into the database before the reply, or meet the same trouble
      options.onTrouble(error as Error);
    }
  }

  function releasesNow(): readonly Release[] {
    const state = keeper.look();
    if (state === undefined) return [];
    const { path, meta } = state;
    const at = seek(path, meta, wanted, key.writeHouse(wanted, 0, RELEASES));
    return at < 0 ? [] : readReleases(record.readHouse(path.pages, at, recordSize(path, at)));
  }

  function noteHitsNow(files: readonly string[], hits: readonly NewHits[], now: number): void {
    const state = keeper.look();
    if (hits.length === 0 && state !== undefined && areRecorded(state.path, state.meta, files)) return;
    keeper.change((writer, meta) => {
      noteHits(writer, meta, files, hits, now);
      return true;
    });
  }

  /** Read with every deferral, it would cost each a page: see SEEN_WITHIN. */
  function recentReleases(): readonly Release[] {
    const now = Date.now();
    if (Math.abs(now - releasesAt) >= SEEN_WITHIN) {
      releases = keeper.settle(releasesNow);
      releasesAt = now;
    }
    return releases;
  }

  function note(triple: Triple, now: number): void {
    if (notes.length < 8 * MOST_NOTES) notes.push({ triple, now }); // else the lock has been held for long
    if (notes.length >= MOST_NOTES && !keeper.isBusy()) takeNotes();
    else noting ??= setTimeout(takeNotesInTime, NOTE_AFTER).unref();
  }

  /** All in one transaction: early retries come in storms, and none is worth one of its own. */
  function takeNotes(): void {
    clearTimeout(noting);
    noting = undefined;
    if (notes.length === 0) return;
    const taken = notes;
    notes = [];
    change((writer, meta) => putNotes(writer, meta, taken));
  }

  function takeNotesInTime(): void {
    if (keeper.isBusy()) noting = setTimeout(takeNotesInTime, NOTE_AFTER).unref();
    else takeNotesLater();
  }

  function takeNotesLater(): void {
    try {
      takeNotes();
    } catch {
      // what is in its way is met, and told, by the next request
    }
  }

  function tellFull(name: string): void {
    if (toldFull) return;
    toldFull = true;
    options.onFull(
      `too many triples wait (--max-waiting ${limits.maxWaiting}, or those of a network, now that of ${key.readKey(Buffer.from(name, 'latin1'))?.client}): an old one goes for each new one`,
    );
  }

  function change(work: (writer: Writer, meta: Meta) => boolean): void {
    keeper.settle(() => keeper.change(work));
  }

  return {
    look,
    remember,
    defer: note,
    pass(triple, now, comeBack) {
      let found = true;
      change((writer, meta) => {
        const noted = notePassed(writer, meta, triple, now);
        found = noted !== undefined;
        if (comeBack) countComeBack(writer, meta, triple.client, now, 1);
        return comeBack || noted === true;
      });
      if (found || !isQueued(triple)) return;
      keeper.settle(() => store(now)); // it has no record yet in which to note it
      change((writer, meta) => notePassed(writer, meta, triple, now) === true);
    },
    greet: (client, now) => change((writer, meta) => countComeBack(writer, meta, client, now, 0)),
    releases: recentReleases,
    noteHits: (files, hits, now) => keeper.settle(() => noteHitsNow(files, hits, now)),
    tidy: sweeper.step,
    close() {
      clearTimeout(emptying);
      if (queue.age() !== undefined) empty();
      queue.close();
      takeNotesLater();
      keeper.close();
    },
  };

  /** One come-back more, or none: the client was seen. */
  function countComeBack(writer: Writer, meta: Meta, client: string, now: number, more: number): boolean {
    const { path, instruction } = writer;
    const length = key.writeClient(instruction.key, 0, client, false);
    const at = seekChecked(path, meta, instruction.key, length);
    const counted = at >= 0 && clientCounts(record.lastSeen(path.pages, at), now, limits);
    const comeBacks = (counted ? record.mainNumber(path.pages, at) : 0) + more;
    record.writeClient(instruction.bytes, KEY_AT, length, valueAt(length), { comeBacks, lastSeen: now });
    putRecord(writer, length, record.CLIENT_SIZE);
    return true;
  }
}

/**
 * Notes deferrals of a moment ago, in the order in which they happened. Returns whether there was anything to note.
 */
function putNotes(writer: Writer, meta: Meta, notes: readonly Note[]): boolean {
  const { path, instruction } = writer;
  // The path shows each triple as it was before the transaction: what is noted of one goes into it at once.
  const taken = new Map<string, record.TripleRecord>();
  for (const { triple, now } of notes) {
    const length = key.writeTriple(instruction.key, 0, triple);
    const name = instruction.key.toString('latin1', 0, length);
    let before = taken.get(name);
    if (before === undefined) {
      const at = seekChecked(path, meta, instruction.key, length);
      if (at < 0) continue;
      before = record.readTriple(path.pages, at);
    }
    const offset = now - before.firstSeen;
    // Whoever hammers costs no more writes; and it may have passed meanwhile.
    if (before.offsets.length === record.MOST_OFFSETS || (before.passed && offset > before.wait)) continue;
    const after = { ...before, deferrals: before.deferrals + 1, offsets: [...before.offsets, offset] };
    taken.set(name, after);
    putTriple(writer, length, after);
  }
  return taken.size > 0;
}

/** Returns whether there was anything to note; undefined: there is no record of the triple. */
function notePassed(writer: Writer, meta: Meta, triple: Triple, now: number): boolean | undefined {
  const { path, instruction } = writer;
  const length = key.writeTriple(instruction.key, 0, triple);
  const at = seekChecked(path, meta, instruction.key, length);
  if (at < 0) return undefined;
  const before = record.readTriple(path.pages, at);
  if (before.passed && now - before.lastPassed < FRESH) return false;
  const wait = before.passed ? before.wait : now - before.firstSeen;
  putTriple(writer, length, { ...before, passed: true, lastPassed: now, wait });
  return true;
}

function putTriple(writer: Writer, length: number, triple: record.TripleRecord): void {
  record.writeTriple(writer.instruction.bytes, KEY_AT, length, valueAt(length), triple);
  putRecord(writer, length, record.TRIPLE_SIZE);
}
