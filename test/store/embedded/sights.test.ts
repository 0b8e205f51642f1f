// Who puts into the database what is queued, and when: the clock and the process numbers are ours here.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { BusyError } from '../../../src/store/damage.ts';
import type { Keeper } from '../../../src/store/embedded/keeper.ts';
import { newSights, type Sights } from '../../../src/store/embedded/sights.ts';
import { newQueue } from '../../../src/store/queue/queue.ts';
import { queuePath } from '../../../src/store/queue/read.ts';
import { openFiles } from '../../support/files.ts';
import { nameStorer, STORER_AT } from '../../support/queue.ts';
import { useScratch } from '../../support/scratch.ts';

const scratch = useScratch('of each');
let sights: Sights;
let ready: boolean;
/** Who is said to store at each try to change the database. */
let tries: number[];
let up: number; // milliseconds
let busy: boolean;
/** What is in the way of a change, and what was told of it. */
let broken: Error | undefined;
let told: Error[];
const hurry = vi.fn();

const database = () => path.join(scratch.path, 'greylist.mdb');
const queue = () => queuePath(database());

beforeEach(() => {
  vi.useFakeTimers();
  ready = false;
  tries = [];
  up = 10_000;
  busy = false;
  broken = undefined;
  told = [];
  hurry.mockClear();
  vi.spyOn(process, 'uptime').mockImplementation(() => up / 1000);
  sights = opened(0); // as impatient as may be
});
afterEach(() => {
  sights.close(true);
  vi.restoreAllMocks();
  vi.useRealTimers();
});

/** `patience`: what chance makes of how long it waits for others, from 0 to 1. */
function opened(patience: number): Sights {
  vi.spyOn(Math, 'random').mockReturnValue(patience);
  const keeper: Keeper = {
    settle: (work) => work(),
    look: () => undefined,
    flush: () => undefined,
    hurry,
    change: () => {
      tries.push(readFileSync(queue()).readUInt32LE(STORER_AT));
      if (broken !== undefined) throw broken;
    },
    isBusy: () => busy,
    isReady: () => ready,
    close() {},
  };
  return newSights({
    keeper,
    limits: { retryWindow: 5000, maxAge: 0, maxWaiting: 0 },
    path: database(),
    sync: 'later',
    others: () => 0,
    onFull() {},
    onTrouble: (error) => void told.push(error),
  });
}

/** A request for a new triple. */
function ask(name: string): void {
  const key = Buffer.from(name);
  if (sights.find(key, key.length, 1000) === 0) sights.remember(key, key.length, 1000, true);
}

function goBy(ms: number): void {
  for (let i = 0; i < ms; i++) {
    up++;
    vi.advanceTimersByTime(1);
  }
}

/** So much is queued already, by another process, and `storer` was the last to store. */
function queueBefore(storer: number, triples = 1): void {
  const other = newQueue(database(), false);
  for (let i = 0; i < triples; i++) {
    const key = Buffer.from(`before${i}`.padEnd(50));
    other.find(key, key.length);
    other.add(key, key.length, 1000);
  }
  other.close();
  nameStorer(database(), storer);
}

test('the first to queue something stores what comes within a second, and says so before it loads LMDB', () => {
  ask('a');
  goBy(500);
  ask('b');
  goBy(499);
  expect(tries).toEqual([]);
  goBy(2);
  expect(tries).toEqual([process.pid]);
  goBy(5000);
  expect(tries).toHaveLength(1);
});

test('and so does what comes after that', () => {
  ask('a');
  goBy(5000);
  expect(tries).toHaveLength(1);
  ask('b');
  goBy(5000);
  expect(tries).toHaveLength(2);
});

test('in a storm, where so much comes that it is not to wait for a second, it is stored soon', () => {
  ask('a');
  goBy(100);
  for (let i = 0; i < 99; i++) ask(`${i}`.padEnd(50));
  goBy(19);
  expect(tries).toEqual([]);
  goBy(2);
  expect(tries).toEqual([process.pid]);
});

test('nor is it put off there by what comes meanwhile', () => {
  queueBefore(process.pid, 100);
  ready = true;
  for (let i = 0; i < 5; i++) {
    ask(`${i}`);
    goBy(5);
  }
  expect(tries).toHaveLength(1);
});

test.each([
  ['this process goes on storing', process.pid, true, 20],
  ['with LMDB loaded, where another process stores', process.ppid, true, 70],
  ['with LMDB loaded, where nobody does', 0, true, 70],
  ['where nobody stores', 0, false, 270],
  ['where another process does', process.ppid, false, 720],
])('in a storm: %s', (_, storer, isReady, after) => {
  queueBefore(storer, 100);
  ready = isReady;
  ask('a');
  goBy(after - 1);
  expect(tries).toEqual([]);
  goBy(2);
  expect(tries).toHaveLength(1);
});

test('not all wait equally long for others: some up to twice as long', () => {
  queueBefore(process.ppid, 100);
  sights = opened(0.5);
  ask('a');
  goBy(20 + 1.5 * 700 - 1);
  expect(tries).toEqual([]);
  goBy(2);
  expect(tries).toHaveLength(1);
});

test('what another process has stored is left alone: LMDB need not be loaded for it', () => {
  queueBefore(process.ppid);
  ask('a');
  const other = newQueue(database(), false);
  other.take().done();
  other.close();
  goBy(5000);
  expect(tries).toEqual([]);
});

test('the time counts anew when another process is seen to store, or to be about to', () => {
  queueBefore(process.ppid, 100);
  ask('a');
  goBy(600);
  nameStorer(database(), 1);
  goBy(800);
  expect(tries).toEqual([]);
  goBy(200);
  expect(tries).toEqual([process.pid]);
});

test('what is queued is found there, until it is so old that it counts no more', () => {
  ask('a');
  const found = (name: string, now: number) => sights.find(Buffer.from(name), name.length, now);
  expect([found('a', 1000), found('a', 6000), found('b', 1000)]).toEqual([1000, 1000, 0]);
  expect(found('a', 6001)).toBe(-1); // it may stand before a younger one
});

test('while another process has the lock it is left to that one, and looked at again within a second', () => {
  busy = true;
  ask('a');
  goBy(5000);
  expect([tries, hurry.mock.calls.length]).toEqual([[], 0]);
  busy = false;
  goBy(1000);
  expect([tries, hurry.mock.calls.length]).toEqual([[process.pid], 1]);
});

test('the shorter it has waited, the sooner it is looked at again: what a storm has queued is not left for long', () => {
  queueBefore(process.pid, 100);
  ready = true;
  busy = true;
  ask('a');
  goBy(60);
  busy = false;
  goBy(60 / 2 - 1);
  expect(tries).toHaveLength(1);
});

test('after trouble, which is told, new triples go into the database at once, until one got there', () => {
  broken = new Error('no space left');
  ask('a');
  goBy(1001);
  expect([tries.length, told]).toEqual([1, [broken]]);
  expect(() => ask('b')).toThrow('no space left');
  expect(tries).toHaveLength(2);
  broken = undefined;
  ask('c');
  expect(tries).toHaveLength(3);
  ask('d');
  expect(tries).toHaveLength(3);
});

test('what is not queued goes into the database at once, and so does what was known before', () => {
  const key = Buffer.from('a');
  queueBefore(0);
  expect(sights.remember(key, 1, 1000, false)).toBe(1000);
  expect(tries).toHaveLength(1);
  sights.flush(key, 1, 1000);
  expect(tries).toHaveLength(1);
  ask('b');
  sights.flush(Buffer.from('b'), 1, 1000);
  expect(tries).toHaveLength(2);
});

test('a process that has queued nothing has nothing to do at its end', () => {
  queueBefore(0);
  sights.close(false);
  expect([tries, told]).toEqual([[], []]);
});

test('at its end it leaves no file open', () => {
  ask('a');
  expect(openFiles()).toContain(queue());
  sights.close(true);
  expect(openFiles()).not.toContain(queue());
});

test.each([
  ['leaves', true, false, 0],
  ['stores, where it may not leave it,', false, false, 1],
  ['stores, where it has LMDB loaded,', true, true, 1],
])('at its end it %s what it has queued, where another process stores', (_, mayLeave, isReady, count) => {
  queueBefore(0);
  ask('a');
  nameStorer(database(), process.ppid);
  ready = isReady;
  sights.close(mayLeave);
  expect(tries).toHaveLength(count);
});

test('while a process that is stopped has the lock, what is new is queued, and stored when that one goes on; nobody complains', () => {
  broken = new BusyError('stopped');
  ask('a');
  goBy(4000);
  const before = tries.length;
  expect(before).toBeGreaterThan(1);
  ask('b');
  expect([tries.length, told]).toEqual([before, []]);
  broken = undefined;
  goBy(4000);
  expect([tries.length, told]).toEqual([before + 1, []]);
});
