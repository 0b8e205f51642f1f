// Forgetting: what has expired counts no longer at once, and goes from the disk by and by.
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { scan } from '../../../src/store/admin/scan.ts';
import { type Keeper, newKeeper } from '../../../src/store/embedded/keeper.ts';
import { newSweeper, type Sweeper } from '../../../src/store/embedded/sweep.ts';
import { closeFile, openFile } from '../../../src/store/pages/file.ts';
import { nodeAt, nodeChild, nodeKey } from '../../../src/store/pages/format.ts';
import { readHead } from '../../../src/store/pages/head.ts';
import { leaves } from '../../../src/store/pages/leaves.ts';
import { verify } from '../../../src/store/pages/verify.ts';
import { FORGOTTEN, readForgotten } from '../../../src/store/records/forgotten.ts';
import type { Limits, Store } from '../../../src/store/store.ts';
import { makeRandom } from '../../support/random.ts';
import { useScratch } from '../../support/scratch.ts';
import { storeAt } from '../opened.ts';

const HOUR = 3600;
const DAY = 24 * HOUR;
const limits: Limits = { retryWindow: 2 * DAY, maxAge: 35 * DAY, maxWaiting: 0 };

const scratch = useScratch('of each');
let store: Store;
const said: string[] = [];
const place = () => path.join(scratch.path, 'greylist.mdb');
const open = (some: Partial<Limits> = {}) =>
  storeAt(place(), { ...limits, ...some }, (what) => void said.push(what));

beforeEach(() => {
  said.length = 0;
  store = open();
});
afterEach(() => {
  vi.restoreAllMocks();
  for (const keeper of keepers.splice(0)) keeper.close();
  store.close();
});

const keepers: Keeper[] = [];
/** A process that only sweeps, as `calls` has it do what a keeper does. `ready`: it has loaded LMDB. */
function sweeperOf(ready: boolean, calls: (keeper: Keeper) => Partial<Keeper> = () => ({})): Sweeper {
  const say = (what: string | Error) => void said.push(String(what));
  const keeper = newKeeper({ path: place(), sync: 'later', onDamage: say, onTrouble: say });
  keepers.push(keeper);
  if (ready) keeper.settle(() => keeper.change(() => false));
  return newSweeper({ ...keeper, ...calls(keeper) }, limits);
}

const waiting = () => verify(place(), () => {})?.waiting;

const triple = (n: number) => ({
  client: `10.${n >> 16}.${(n >> 8) & 255}.${n & 255}`,
  sender: `sender-${n}@example.org`,
  recipient: 'r@example.net',
});

/** Lets `seconds` go by, with a step of the sweep whenever one is due. Returns the time then. */
function goBy(now: number, seconds: number, every = 5): number {
  const end = now + seconds;
  for (let then = now + every; then <= end; then += every) store.tidy(then);
  return end;
}

test('a triple that did not come back within the retry window starts anew', () => {
  store.remember(triple(1), 1000);
  expect(store.look(triple(1), 1000 + 2 * DAY).firstSeen).toBe(1000);
  expect(store.look(triple(1), 1001 + 2 * DAY).firstSeen).toBe(0);
  expect(store.remember(triple(1), 5000 + 2 * DAY)).toBe(5000 + 2 * DAY);
});

test('a triple that passed is remembered as long as it is seen, and forgotten after max age', () => {
  store.remember(triple(1), 1000);
  store.pass(triple(1), 2000, true);
  const later = 1000 + 30 * DAY;
  expect(store.look(triple(1), later)).toMatchObject({ passed: true, fresh: false, comeBacks: 1 });
  store.pass(triple(1), later, true);
  expect(store.look(triple(1), later)).toMatchObject({ fresh: true, clientFresh: true });
  expect(store.look(triple(1), later + 34 * DAY)).toMatchObject({ passed: true, comeBacks: 2 });
  // Times are noted to the day: forgotten within a day or two after.
  expect(store.look(triple(1), later + 38 * DAY)).toMatchObject({
    firstSeen: 0,
    passed: false,
    comeBacks: 0,
  });
});

test('a limit of 0 forgets nothing', () => {
  store.close();
  store = open({ retryWindow: 0, maxAge: 0 });
  store.remember(triple(1), 1000);
  store.remember(triple(2), 1000);
  store.pass(triple(2), 2000, true);
  const later = goBy(1000 + 3000 * DAY, 2 * HOUR);
  expect(store.look(triple(1), later).firstSeen).toBe(1000);
  expect(store.look(triple(2), later)).toMatchObject({ passed: true, comeBacks: 1 });
});

test('the sweep takes what has expired off the disk and leaves all else', () => {
  const many = 3000;
  for (let n = 0; n < many; n++) {
    store.remember(triple(n), 1000);
    if (n % 3 === 0) store.pass(triple(n), 2000, n % 2 === 0);
  }
  const later = goBy(1000 + 3 * DAY, 2 * HOUR);
  for (let n = 0; n < many; n++) expect(store.look(triple(n), later).firstSeen).toBe(n % 3 === 0 ? 1000 : 0);
  store.close();
  expect(verify(place(), () => {})).toMatchObject({ problems: [], waiting: 0, passed: 1000, clients: 500 });
  store = open();
  goBy(1000 + 40 * DAY, 2 * HOUR);
  store.close();
  expect(verify(place(), () => {})).toMatchObject({ problems: [], waiting: 0, passed: 0, clients: 0 });
  expect(said).toEqual([]);
});

test('what does not wait is counted by the way, from the start in each sweep, and known to others', () => {
  for (let n = 0; n < 8; n++) store.remember(triple(n), 1_700_000_000);
  for (let n = 0; n < 3; n++) store.pass(triple(n), 1_700_000_100, n > 0);
  store.close();
  const fail = (what: unknown) => {
    throw what;
  };
  const keeper = newKeeper({ path: place(), sync: 'later', onDamage: fail, onTrouble: fail });
  const others = (by: Sweeper) => by.others(keeper.look()!.path.file, keeper.look()!.meta);
  const sweeper = newSweeper(keeper, limits);
  expect(others(newSweeper(keeper, limits))).toBe(0);
  const sweepAt = (now: number) => {
    for (const later of [0, 65]) sweeper.step(now + later); // it is patient at first
    return [others(sweeper), others(newSweeper(keeper, limits))];
  };
  expect(sweepAt(1_700_000_200)).toEqual([5, 5]); // three triples and two clients
  expect(sweepAt(1_700_004_200)).toEqual([6, 6]); // and the record of the sweep itself
  expect(sweepAt(1_700_008_200)).toEqual([6, 6]);
  keeper.close();
});

describe('damage that no request notices is found by the way, and what can be is saved', () => {
  const PAGE = 4096;
  const many = 3000;
  /** Spoils the database between two sweeps, and has it swept. Returns how many of the triples are still known. */
  function sweepSpoilt(spoil: (bytes: Buffer, root: number) => void): number {
    for (let n = 0; n < many; n++) store.remember(triple(n), 1_700_000_000);
    store.close();
    const file = openFile(place())!;
    const { main } = readHead(file);
    closeFile(file);
    expect(main.depth).toBe(2);
    const bytes = readFileSync(place());
    spoil(bytes, main.root * PAGE);
    writeFileSync(place(), bytes);
    store = open();
    const now = goBy(1_700_000_100, 2 * HOUR);
    const known = Array.from({ length: many }, (_, n) => store.look(triple(n), now).firstSeen);
    store.close();
    expect(verify(place(), () => {})).toMatchObject({ problems: [] });
    return known.filter((firstSeen) => firstSeen === 1_700_000_000).length;
  }

  test('a key of a branch, which leads past what is there', () => {
    const known = sweepSpoilt((bytes, root) => {
      const key = nodeKey(nodeAt(bytes, root, 4));
      bytes.fill(0xff, key + 1, key + 3);
    });
    expect(known).toBe(many);
    expect(said).toEqual([
      expect.stringMatching(/ has keys out of order; it is now .*damaged-.* saved from/),
    ]);
  });

  test('a leaf of which half is gone', () => {
    const known = sweepSpoilt((bytes, root) => {
      const leaf = nodeChild(bytes, nodeAt(bytes, root, 4)) * PAGE;
      bytes.fill(0, leaf + PAGE / 2, leaf + PAGE);
    });
    expect(known).toBeLessThan(many);
    expect(known).toBeGreaterThan(many - 60);
    expect(said).toEqual([expect.stringMatching(/ has a damaged record; it is now .*damaged-.* saved from/)]);
  });
});

test('two processes do not sweep at the same time', () => {
  for (let n = 0; n < 3000; n++) store.remember(triple(n), 1000);
  const other = open();
  const now = 1000 + 3 * DAY;
  const waiting = () => verify(place(), () => {})?.waiting;
  other.tidy(now - 5); // nobody has swept before, but it would have to load LMDB for it
  expect(waiting()).toBe(3000);
  store.tidy(now);
  const after = waiting()!;
  expect(after).toBeLessThan(3000);
  other.tidy(now + 1);
  expect(waiting()).toBe(after);
  other.tidy(now + 34); // another process may have done so
  expect(waiting()).toBe(after);
  other.tidy(now + 65);
  const later = waiting()!;
  expect(later).toBeLessThan(after);
  store.tidy(now + 67);
  expect(waiting()).toBe(later);
  other.tidy(now + 70);
  expect(waiting()).toBeLessThan(later);
  other.close();
});

test('after a quiet night, of processes that have only just started none loads LMDB for the sweep at once', () => {
  for (let n = 0; n < 3000; n++) store.remember(triple(n), 1000);
  const morning = goBy(1000 + 2 * DAY - 200, 100) + DAY / 2;
  store.close();
  store = open();
  store.tidy(morning);
  store.tidy(morning + 29);
  expect(verify(place(), () => {})?.waiting).toBe(3000);
  store.tidy(morning + 61);
  expect(verify(place(), () => {})?.waiting).toBeLessThan(3000);
});

test('where nobody else sweeps, a process does that has stored nothing', () => {
  for (let n = 0; n < 3000; n++) store.remember(triple(n), 1000);
  store.close();
  store = open();
  const end = goBy(1000 + 3 * DAY, 65);
  expect(verify(place(), () => {})?.waiting).toBeLessThan(3000);
  goBy(end, 3600);
  expect(verify(place(), () => {})?.waiting).toBe(0);
});

test('a clock that leaps ahead for a while makes nothing go', () => {
  const start = 1_700_000_000;
  for (let n = 0; n < 500; n++) {
    store.remember(triple(n), start);
    store.pass(triple(n), start + 100, false);
  }
  goBy(start + 100, 60);
  const wrong = start + 365 * DAY;
  goBy(wrong, HOUR - 60);
  expect(verify(place(), () => {})).toMatchObject({ problems: [], passed: 500 });
  goBy(wrong + HOUR, HOUR);
  expect(verify(place(), () => {})).toMatchObject({ problems: [], passed: 0 });
});

test('whether a step is due is looked at every five seconds at most, every thirty where LMDB is not loaded', () => {
  store.remember(triple(1), 1000);
  let looks = 0;
  const counted = (keeper: Keeper) => ({
    look: (sure?: boolean) => {
      looks++;
      return keeper.look(sure);
    },
  });
  for (const [ready, every] of [
    [false, 30],
    [true, 5],
  ] as const) {
    const sweeper = sweeperOf(ready, counted);
    looks = 0;
    const seen = [0, every - 1, every, 2 * every - 1].map((later) => {
      sweeper.step(2000 + later);
      return looks;
    });
    expect(seen).toEqual([1, 1, 2, 2]);
  }
});

test('of those that would have to load LMDB for it, some are more patient than others', () => {
  for (let n = 0; n < 3000; n++) store.remember(triple(n), 1000);
  vi.spyOn(Math, 'random').mockReturnValue(0.5);
  const sweeper = sweeperOf(false);
  const now = 1000 + 3 * DAY;
  for (const later of [0, 44]) sweeper.step(now + later);
  expect(waiting()).toBe(3000);
  sweeper.step(now + 74);
  expect(waiting()).toBeLessThan(3000);
});

test('when everything was looked at, the sweep rests for an hour', () => {
  store.remember(triple(1), 1000);
  let changes = 0;
  const sweeper = sweeperOf(true, (keeper) => ({
    change: (work) => {
      changes++;
      keeper.change(work);
    },
  }));
  const now = 1000 + 3 * DAY;
  for (let later = 0; later < HOUR; later += 5) sweeper.step(now + later);
  expect([changes, waiting()]).toEqual([1, 0]);
  sweeper.step(now + HOUR);
  expect(changes).toBe(2);
});

test('who is second to the lock leaves the step to the first', () => {
  for (let n = 0; n < 3000; n++) store.remember(triple(n), 1000);
  const first = sweeperOf(true);
  const now = 1000 + 3 * DAY;
  let after: number | undefined;
  const second = sweeperOf(true, (keeper) => ({
    change: (work) => {
      first.step(now);
      after = waiting();
      keeper.change(work);
    },
  }));
  second.step(now);
  expect(after).toBeLessThan(3000);
  expect(waiting()).toBe(after);
});

test('what the sweep of another process has counted is known at the next look', () => {
  for (let n = 0; n < 8; n++) store.remember(triple(n), 1_700_000_000);
  for (let n = 0; n < 3; n++) store.pass(triple(n), 1_700_000_100, false);
  const file = openFile(place())!;
  const others = (by: Sweeper) => by.others(file, readHead(file));
  const [one, other] = [sweeperOf(true), sweeperOf(true)];
  expect(others(other)).toBe(0);
  one.step(1_700_000_200);
  expect(others(other)).toBe(0);
  other.step(1_700_000_201);
  expect([others(one), others(other)]).toEqual([3, 3]);
  closeFile(file);
});

test('of what never passed it is noted how much was forgotten, by days', () => {
  for (let n = 0; n < 6; n++) store.remember(triple(n), n < 4 ? 1000 : 1000 + DAY);
  store.pass(triple(0), 2000, false);
  goBy(1000 + 38 * DAY, 60);
  let forgotten = {};
  const house = (name: string, text: string) => {
    if (name === FORGOTTEN) forgotten = readForgotten(text);
  };
  expect([...scan(place(), undefined, house)!.entries]).toEqual([]);
  expect(forgotten).toEqual({ 0: 3, 1: 2 });
});

test('a damaged page beside those from which something goes is found before LMDB reads it', () => {
  for (let n = 0; n < 3000; n++) store.remember(triple(n), n < 1000 ? 1000 : 1000 + 3 * DAY);
  store.close();
  const pages: number[] = [];
  const file = openFile(place())!;
  for (const page of leaves(file, readHead(file), { onDamage: () => {}, enter: (n) => pages.push(n) > 0 }))
    expect(page).toBeDefined();
  closeFile(file);
  const bytes = readFileSync(place());
  const lost = pages[1 + 8]!; // after the root
  writeFileSync(place(), bytes.fill(0, lost * 4096, (lost + 1) * 4096));
  sweeperOf(true).step(1000 + 3 * DAY);
  expect(said).toEqual([expect.stringContaining(`page ${lost} bears another number`)]);
  store = open();
  expect(store.look(triple(2999), 1000 + 3 * DAY).firstSeen).toBe(1000 + 3 * DAY);
});

test('in a year of traffic the size levels off', () => {
  const random = makeRandom(12);
  const start = 1_700_000_000;
  const sizes: number[] = [];
  let now = start;
  let next = 0;
  // Every day 60 triples that never come back, 6 new ones that do, and some of the known ones.
  const known: number[] = [];
  for (let day = 0; day < 365; day++) {
    for (let i = 0; i < 60; i++) store.remember(triple(next++), now + i);
    for (let i = 0; i < 6; i++) {
      store.remember(triple(next), now + 100);
      store.pass(triple(next), now + 400, true);
      known.push(next++);
    }
    for (let i = 0; i < 10; i++) {
      const n = random.pick(known);
      if (store.look(triple(n), now + 500).passed) store.pass(triple(n), now + 500, true);
    }
    now = goBy(now, DAY, HOUR);
    sizes.push(verify(place(), () => {})!.size);
  }
  const { problems, waiting, passed } = verify(place(), () => {})!;
  expect(problems).toEqual([]);
  expect(waiting).toBeLessThan(60 * 4);
  expect(passed).toBeLessThan(6 * 45 + 10 * 45);
  const most = (from: number, to: number) => Math.max(...sizes.slice(from, to));
  expect(most(180, 365)).toBeLessThanOrEqual(most(60, 180) * 1.1);
  expect(said).toEqual([]);
});
