// What this host decided by itself is handed over once the engine is back: all of it, as ages, whatever breaks off.
import fs, { readdirSync, renameSync, utimesSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import path from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { Client } from '../../../src/store/fleet/client.ts';
import type { Decided } from '../../../src/store/fleet/decided.ts';
import { note } from '../../../src/store/fleet/journal.ts';
import { clientKey, tripleKey } from '../../../src/store/fleet/key.ts';
import { merge } from '../../../src/store/fleet/merge.ts';
import { useScratch } from '../../support/scratch.ts';
import { unmock } from '../../support/unmock.ts';

/** What others do while one waits for whoever has just opened the journal. */
const other = vi.hoisted(() => ({ meanwhile: () => {} }));
vi.mock('node:timers/promises', async (original) => ({
  ...(await original<typeof import('node:timers/promises')>()),
  setTimeout: async () => other.meanwhile(),
}));

const NOW = 1_700_000_000;
const LIVES = { retryWindow: 172_800, maxAge: 3_024_000 };

const scratch = useScratch('of each');
let journal: string;
/** What the engine was told, the triple's key first. */
let told: unknown[][];
beforeEach(() => {
  journal = path.join(scratch.path, 'greylist.mdb.fleet');
  told = [];
  other.meanwhile = () => {};
  vi.useFakeTimers({ toFake: ['Date'], now: NOW * 1000 });
});
afterEach(() => {
  vi.useRealTimers();
  unmock();
});

const decided = (n: number, changes: Partial<Decided> = {}): Decided => ({
  client: '192.0.2.1',
  sender: `s${n}@example.org`,
  recipient: 'r@example.net',
  firstSeen: NOW - 600,
  passed: 0,
  comeBack: false,
  ...changes,
});
const noteAll = (count: number) => {
  for (let n = 0; n < count; n++) note(journal, decided(n));
};
const key = (n: number) => tripleKey(decided(n)).toString('latin1');
const keysTold = () => told.map(([triple]) => (triple as Buffer).toString('latin1'));

/** An engine that notes what it is told, after `before` has been asked, which may throw. */
const engine = (before: (count: number) => void = () => {}) =>
  ({
    merge: async (...words: unknown[]) => {
      before(told.length);
      told.push(words);
      return 1;
    },
  }) as unknown as Client;

test('where nothing waits, nothing is said', async () => {
  expect(await merge(engine(), journal, LIVES)).toBeUndefined();
  expect(told).toEqual([]);
});

test('times go as ages, for the engine has a clock of its own', async () => {
  note(journal, decided(0));
  note(journal, decided(1, { passed: NOW - 60, comeBack: true }));
  note(journal, decided(2, { passed: NOW - 60 }));
  note(journal, decided(3, { firstSeen: NOW + 5, passed: NOW + 9 })); // the clock has jumped back since
  expect(await merge(engine(), journal, LIVES)).toEqual({ merged: 4, refused: 0 });
  const client = clientKey('192.0.2.1');
  expect(told).toEqual([
    [tripleKey(decided(0)), client, 172_800, 3_024_000, 600, -1, 0],
    [tripleKey(decided(1)), client, 172_800, 3_024_000, 600, 60, 1],
    [tripleKey(decided(2)), client, 172_800, 3_024_000, 600, 60, 0],
    [tripleKey(decided(3)), client, 172_800, 3_024_000, 0, 0, 0],
  ]);
  expect(readdirSync(scratch.path)).toEqual([]);
});

test('what another process was just writing to the journal is handed over as well', async () => {
  noteAll(2);
  // It had opened the journal before it was taken, and writes when all of it has been read.
  other.meanwhile = () => {
    expect(told).toHaveLength(2);
    note(`${journal}.${process.pid}`, decided(2));
  };
  expect(await merge(engine(), journal, LIVES)).toEqual({ merged: 3, refused: 0 });
  expect(keysTold()).toEqual([0, 1, 2].map(key));
});

test('a key that holds something else is passed over', async () => {
  noteAll(3);
  let first = true;
  const client = engine(() => {
    if (!first) return;
    first = false;
    throw new Error('WRONGTYPE Operation against a key holding the wrong kind of value');
  });
  expect(await merge(client, journal, LIVES)).toEqual({ merged: 2, refused: 1 });
  expect(keysTold()).toEqual([1, 2].map(key));
  expect(readdirSync(scratch.path)).toEqual([]);
});

test('should the engine go meanwhile, the rest is handed over the next time, and what it has answered is not told twice', async () => {
  noteAll(450);
  const gone = engine((count) => {
    if (count >= 320) throw new Error('Connection is closed.');
  });
  await expect(merge(gone, journal, LIVES)).rejects.toThrow('Connection is closed');
  noteAll(1); // somebody begins a new one
  expect(await merge(engine(), journal, LIVES)).toMatchObject({ refused: 0 });
  const all = keysTold();
  expect(new Set(all)).toEqual(new Set(Array.from({ length: 450 }, (_, n) => key(n))));
  expect(all).toHaveLength(450);
  expect(readdirSync(scratch.path)).toEqual([path.basename(journal)]);
  expect(await merge(engine(), journal, LIVES)).toEqual({ merged: 1, refused: 0 });
});

test('what another process takes over is told once: what has been handed over is struck out', async () => {
  noteAll(300);
  const gone = engine((count) => {
    if (count >= 250) throw new Error('Connection is closed.');
  });
  await expect(merge(gone, journal, LIVES)).rejects.toThrow('Connection is closed');
  renameSync(`${journal}.${process.pid}`, `${journal}.1`);
  utimesSync(`${journal}.1`, 1, 1);
  noteAll(3);
  told = [];
  // The journal, and then what was left.
  expect(await merge(engine(), journal, LIVES)).toEqual({ merged: 3, refused: 0 });
  expect(await merge(engine(), journal, LIVES)).toEqual({ merged: 50, refused: 0 });
  expect(keysTold()).toEqual([...Array(3).keys(), ...Array.from({ length: 50 }, (_, n) => 250 + n)].map(key));
});

test('where nothing can be struck out, as on a full disk of btrfs, all is told once', async () => {
  noteAll(3);
  const { writeSync } = fs;
  const strike = vi.spyOn(fs, 'writeSync').mockImplementation((...words: unknown[]) => {
    if (words.length === 5) throw Object.assign(new Error('no space left on device'), { code: 'ENOSPC' });
    return writeSync(...(words as Parameters<typeof writeSync>));
  });
  syncBuiltinESMExports();
  other.meanwhile = () => note(`${journal}.${process.pid}`, decided(3));
  expect(await merge(engine(), journal, LIVES)).toEqual({ merged: 4, refused: 0 });
  expect(keysTold()).toEqual([0, 1, 2, 3].map(key));
  expect(strike).toHaveBeenCalled();
});
