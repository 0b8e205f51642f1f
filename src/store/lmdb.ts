// The store on LMDB: which records a look-up reads and which a change writes. How the file is kept usable is
// the keeper's business.
import type { Release } from '../greylist/release.ts';
import type { Triple } from '../greylist/request.ts';
import type { Meta } from './format.ts';
import { areRecorded, type NewHits, noteHits } from './hits.ts';
import { KEY_AT, valueAt } from './instruction.ts';
import { type KeeperOptions, newKeeper } from './keeper.ts';
import * as key from './key.ts';
import * as record from './record.ts';
import { RELEASES, readReleases } from './releases.ts';
import { makeRoom } from './room.ts';
import { clientCounts, FRESH, type Limits, type Sighting, type Store, tripleCounts } from './store.ts';
import { newSweeper } from './sweep.ts';
import { recordSize, seek, seekChecked } from './tree.ts';
import { putRecord, type Writer } from './writer.ts';

const NOTHING: Sighting = { comeBacks: 0, clientFresh: false, firstSeen: 0, passed: false, fresh: false };

export interface StoreOptions extends KeeperOptions {
  limits: Limits;
  /** Told once that waiting triples had to go for new ones. */
  onFull: (what: string) => void;
}

export function openStore(options: StoreOptions): Store {
  const { limits } = options;
  const keeper = newKeeper(options);
  const sweeper = newSweeper(keeper, limits);
  let toldFull = false;
  const wanted = Buffer.allocUnsafeSlow(key.MAX_KEY);

  function lookNow(triple: Triple, now: number): Sighting {
    const state = keeper.look();
    if (state === undefined) return NOTHING;
    const { path, meta } = state;
    const at = seek(path, meta, wanted, key.writeTriple(wanted, 0, triple));
    const known = at >= 0 && counts(path.pages, at, now);
    const firstSeen = known ? record.mainNumber(path.pages, at) : 0;
    const passed = known && record.hasPassed(path.pages, at);
    const fresh = passed && now - record.lastPassed(path.pages, at) < FRESH;
    // The client's own record is nearly always on the same page, which is then not read again.
    const clientAt = seek(path, meta, wanted, key.writeClient(wanted, 0, triple.client, false));
    const seen = clientAt < 0 ? 0 : record.lastSeen(path.pages, clientAt);
    const comeBacks =
      clientAt >= 0 && clientCounts(seen, now, limits) ? record.mainNumber(path.pages, clientAt) : 0;
    return { comeBacks, clientFresh: now - seen < FRESH, firstSeen, passed, fresh };
  }

  function counts(pages: Uint8Array, at: number, now: number): boolean {
    const passed = record.hasPassed(pages, at) ? record.lastPassed(pages, at) : 0;
    return tripleCounts(record.mainNumber(pages, at), passed, now, limits);
  }

  function rememberNow(triple: Triple, now: number): number {
    let first = now;
    keeper.change((writer, meta) => {
      const { path, instruction } = writer;
      const length = key.writeTriple(instruction.key, 0, triple);
      const at = seekChecked(path, meta, instruction.key, length);
      if (at >= 0 && counts(path.pages, at, now)) {
        first = record.mainNumber(path.pages, at);
        return false;
      }
      putTriple(writer, length, {
        firstSeen: now,
        passed: false,
        lastPassed: 0,
        wait: 0,
        deferrals: 1,
        offsets: [],
      });
      if (at < 0 && makeRoom(writer, meta, limits.maxWaiting, sweeper.others)) tellFull(triple);
      return true;
    });
    return first;
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

  function tellFull(triple: Triple): void {
    if (toldFull) return;
    toldFull = true;
    options.onFull(
      `too many triples wait (--max-waiting ${limits.maxWaiting}, or those of a network, now that of ${triple.client}): an old one goes for each new one`,
    );
  }

  function change(work: (writer: Writer, meta: Meta) => boolean): void {
    keeper.settle(() => keeper.change(work));
  }

  return {
    look: (triple, now) => keeper.settle(() => lookNow(triple, now)),
    remember: (triple, now) => keeper.settle(() => rememberNow(triple, now)),
    defer: (triple, now) => change((writer, meta) => noteDeferred(writer, meta, triple, now)),
    pass: (triple, now, comeBack) =>
      change((writer, meta) => {
        const noted = notePassed(writer, meta, triple, now);
        if (comeBack) countComeBack(writer, meta, triple.client, now, 1);
        return comeBack || noted;
      }),
    greet: (client, now) => change((writer, meta) => countComeBack(writer, meta, client, now, 0)),
    releases: () => keeper.settle(releasesNow),
    noteHits: (files, hits, now) => keeper.settle(() => noteHitsNow(files, hits, now)),
    tidy: sweeper.step,
    close: keeper.close,
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

/** Returns whether there was anything to note. */
function noteDeferred(writer: Writer, meta: Meta, triple: Triple, now: number): boolean {
  const { path, instruction } = writer;
  const length = key.writeTriple(instruction.key, 0, triple);
  const at = seekChecked(path, meta, instruction.key, length);
  if (at < 0 || record.hasPassed(path.pages, at)) return false;
  const before = record.readTriple(path.pages, at);
  if (before.offsets.length === record.MOST_OFFSETS) return false; // whoever hammers costs no more writes
  const offsets = [...before.offsets, now - before.firstSeen];
  putTriple(writer, length, { ...before, deferrals: before.deferrals + 1, offsets });
  return true;
}

/** Returns whether there was anything to note. */
function notePassed(writer: Writer, meta: Meta, triple: Triple, now: number): boolean {
  const { path, instruction } = writer;
  const length = key.writeTriple(instruction.key, 0, triple);
  const at = seekChecked(path, meta, instruction.key, length);
  if (at < 0) return false;
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
