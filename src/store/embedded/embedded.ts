// The store on LMDB: which records a look-up reads and which a change writes. keeper.ts keeps the file usable, sights.ts
// remembers new triples.
import { houseText } from '../lmdb/house.ts';
import { putClient, putTriple, stillCounts } from '../lmdb/triples.ts';
import type { Writer } from '../lmdb/writer.ts';
import { seekForPut } from '../pages/check.ts';
import { type Meta, pageTxn } from '../pages/format.ts';
import { safeTxn } from '../pages/mark.ts';
import { seek } from '../pages/tree.ts';
import * as key from '../records/key.ts';
import * as record from '../records/record.ts';
import { RELEASES, type Release, readReleases, SEEN_WITHIN } from '../releases.ts';
import { clientCounts, FRESH, type NewHits, type Sighting, type Store, type Triple } from '../store.ts';
import { newDeferrals } from './deferrals.ts';
import { areRecorded, noteHits } from './hits.ts';
import { type KeeperOptions, newKeeper } from './keeper.ts';
import { newSights, type SightsOptions } from './sights.ts';
import { newSweeper } from './sweep.ts';

const NOTHING: Sighting = {
  comeBacks: 0,
  clientFresh: false,
  firstSeen: 0,
  passed: false,
  fresh: false,
  full: false,
};

type StoreOptions = KeeperOptions & Pick<SightsOptions, 'limits' | 'onFull'>;

/** Opens nothing yet: that is done with the first request. Methods throw StoreError where the database cannot be used. */
export function openStore(options: StoreOptions): Store {
  const { limits } = options;
  const durable = options.sync === 'always';
  const keeper = newKeeper(options);
  const sweeper = newSweeper(keeper, limits);
  const deferrals = newDeferrals(keeper);
  const sights = newSights({ ...options, keeper, others: sweeper.others });
  let looked: Meta | undefined; // the state that the last look-up was in; undefined: there was no database
  let unknown: Triple | undefined; // the triple that it did not find
  let fleeting = false; // with --sync always: what it found may not be on the disk yet
  let releases: readonly Release[] = [];
  let releasesAt = 0;
  const wanted = Buffer.allocUnsafeSlow(key.MAX_KEY);
  const wantedClient = Buffer.allocUnsafeSlow(key.MAX_KEY);
  let keyed: Triple | undefined; // the triple whose key stands in `wanted`
  let length = 0; // of that key

  /** Writes the triple's key to `wanted`, unless it is there: several steps of one decision need it. */
  function want(triple: Triple): void {
    if (keyed === triple) return;
    length = key.writeTriple(wanted, 0, triple);
    keyed = triple;
  }

  function lookNow(triple: Triple, now: number): Sighting {
    const state = keeper.look();
    looked = state?.meta;
    if (state === undefined) return NOTHING;
    const { path, meta } = state;
    const at = seek(path, meta, wanted, length);
    const known = at >= 0 && stillCounts(path.pages, at, now, limits);
    const firstSeen = known ? record.mainNumber(path.pages, at) : 0;
    const passed = known && record.hasPassed(path.pages, at);
    const fresh = passed && now - record.lastPassed(path.pages, at) < FRESH;
    const full = known && record.isFull(path.pages, at);
    fleeting = known && durable && pageTxn(path.pages, path.leaf) > safeTxn(path.file);
    // The client's own record is nearly always on the same page, and then nothing more is read.
    const own = key.clientLength(wanted);
    const clientAt =
      own > 0
        ? seek(path, meta, wanted, own)
        : seek(path, meta, wantedClient, key.writeClient(wantedClient, 0, triple.client, false));
    const seen = clientAt < 0 ? 0 : record.lastSeen(path.pages, clientAt);
    const comeBacks =
      clientAt >= 0 && clientCounts(seen, now, limits) ? record.mainNumber(path.pages, clientAt) : 0;
    return { comeBacks, clientFresh: now - seen < FRESH, firstSeen, passed, fresh, full };
  }

  function look(triple: Triple, now: number): Sighting {
    unknown = undefined;
    want(triple);
    let seen = keeper.settle(() => lookNow(triple, now));
    if (seen.firstSeen > 0) {
      // Another process may just have committed it, and not be answering yet, for it waits for the disk. It is still queued then,
      // and on the disk in the queue when `find` returns.
      if (fleeting) sights.find(wanted, length, now);
      return seen;
    }
    const queued = sights.find(wanted, length, now);
    if (queued > 0) return { ...seen, firstSeen: queued };
    // It may have gone from the queue into the database since we looked there.
    if (queued === 0 && sights.haveMoved() && hasChanged()) seen = keeper.settle(() => lookNow(triple, now));
    if (queued === 0 && seen.firstSeen === 0) unknown = triple;
    return seen;
  }

  /** Whether anything was committed since the last look-up: perhaps to a file that has just taken the place of that one. */
  function hasChanged(): boolean {
    return keeper.settle(() => keeper.look(true)?.meta) !== looked;
  }

  function releasesNow(): readonly Release[] {
    const state = keeper.look();
    if (state === undefined) return [];
    const { path, meta } = state;
    const at = seek(path, meta, wantedClient, key.writeHouse(wantedClient, 0, RELEASES));
    return readReleases(houseText(path, at));
  }

  function noteHitsNow(files: readonly string[], hits: readonly NewHits[], now: number): void {
    const state = keeper.look();
    if (hits.length === 0 && state !== undefined && areRecorded(state.path, state.meta, files)) return;
    keeper.change((writer, meta) => {
      noteHits(writer, meta, files, hits, now);
      return true;
    });
  }

  /** At most SEEN_WITHIN old: reading them with every deferral would cost each a page. */
  function recentReleases(): readonly Release[] {
    const now = Date.now();
    if (Math.abs(now - releasesAt) >= SEEN_WITHIN) {
      releases = keeper.settle(releasesNow);
      releasesAt = now;
    }
    return releases;
  }

  /** The auto-whitelist's count: adds `more` (0 or 1) to the client's come-backs, and notes that it was seen. */
  function countComeBack(writer: Writer, meta: Meta, client: string, now: number, more: number): boolean {
    const { path, instruction } = writer;
    const length = key.writeClient(instruction.key, 0, client, false);
    const at = seekForPut(path, meta, instruction.key, length, record.CLIENT_SIZE);
    const counted = at >= 0 && clientCounts(record.lastSeen(path.pages, at), now, limits);
    const comeBacks = (counted ? record.mainNumber(path.pages, at) : 0) + more;
    return putClient(writer, length, { comeBacks, lastSeen: now });
  }

  function change(work: (writer: Writer, meta: Meta) => boolean): void {
    keeper.settle(() => keeper.change(work));
  }

  return {
    look,
    remember(triple, now) {
      want(triple);
      return sights.remember(wanted, length, now, unknown === triple);
    },
    defer(triple, now) {
      want(triple);
      deferrals.add(wanted, length, now);
    },
    pass(triple, now, comeBack) {
      want(triple);
      let found = true;
      change((writer, meta) => {
        const noted = notePassed(writer, meta, wanted, length, now);
        found = noted !== undefined;
        if (comeBack) countComeBack(writer, meta, triple.client, now, 1);
        return comeBack || noted === true;
      });
      if (found) return;
      // It is still queued, and has no record yet in which to note it; or another process has just made that record.
      sights.flush(wanted, length, now);
      change((writer, meta) => notePassed(writer, meta, wanted, length, now) === true);
    },
    noteClient: (client, now) => change((writer, meta) => countComeBack(writer, meta, client, now, 0)),
    releases: recentReleases,
    noteHits: (files, hits, now) => keeper.settle(() => noteHitsNow(files, hits, now)),
    tidy: sweeper.step,
    close() {
      sights.close(deferrals.isEmpty()); // those are noted in the database, so it is written to anyway
      deferrals.close();
      keeper.close();
    },
  };
}

/** Returns whether there was anything to note; undefined: there is no record of the triple. */
function notePassed(
  writer: Writer,
  meta: Meta,
  wanted: Buffer,
  length: number,
  now: number,
): boolean | undefined {
  const { path, instruction } = writer;
  wanted.copy(instruction.key, 0, 0, length);
  const at = seekForPut(path, meta, instruction.key, length, record.TRIPLE_SIZE);
  if (at < 0) return undefined;
  const before = record.readTriple(path.pages, at);
  if (before.passed && now - before.lastPassed < FRESH) return false;
  const wait = before.passed ? before.wait : now - before.firstSeen;
  return putTriple(writer, length, { ...before, passed: true, lastPassed: now, wait });
}
