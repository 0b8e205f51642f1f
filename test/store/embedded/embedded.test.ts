// The store as the decision knows it: look, remember, pass.
import { renameSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { peek } from '../../../src/store/admin/peek.ts';
import { scan } from '../../../src/store/admin/scan.ts';
import { openStore } from '../../../src/store/embedded/embedded.ts';
import { verify } from '../../../src/store/pages/verify.ts';
import { newQueue } from '../../../src/store/queue/queue.ts';
import { MAX_KEY, writeTriple } from '../../../src/store/records/key.ts';
import type { Store } from '../../../src/store/store.ts';
import { makeRandom } from '../../support/random.ts';
import { makeScratch } from '../../support/scratch.ts';

const NONE = { retryWindow: 0, maxAge: 0, maxWaiting: 0 };
let scratch: ReturnType<typeof makeScratch>;
let store: Store;
const said: string[] = [];
const place = () => path.join(scratch.path, 'greylist.mdb');

beforeEach(() => {
  scratch = makeScratch();
  said.length = 0;
  const say = (what: string | Error) => void said.push(String(what));
  store = openStore({
    path: place(),
    sync: 'later',
    limits: NONE,
    onDamage: say,
    onTrouble: say,
    onFull: say,
  });
});
afterEach(() => {
  store.close();
  scratch.remove();
  vi.useRealTimers();
});

const triple = (n: number) => ({ client: `10.0.${n >> 8}.${n & 255}`, sender: `s${n}@x`, recipient: 'r@y' });

test('of several first sights the earliest holds, and one in the future gives way to now', () => {
  expect(store.look(triple(1), 3000)).toMatchObject({ comeBacks: 0, firstSeen: 0, passed: false });
  expect(store.remember(triple(1), 1000)).toBe(1000);
  expect(store.remember(triple(1), 2000)).toBe(1000);
  expect(store.remember(triple(1), 500)).toBe(500);
  expect(store.look(triple(1), 3000).firstSeen).toBe(500);
});

test('come-backs are counted by client, passing is noted by triple', () => {
  store.remember(triple(1), 1000);
  store.pass(triple(1), 2000, true);
  store.pass(triple(1), 2001, true);
  expect(store.look(triple(1), 3000)).toMatchObject({ comeBacks: 2, firstSeen: 1000, passed: true });
  expect(store.look({ ...triple(1), sender: 'other' }, 3000)).toMatchObject({
    comeBacks: 2,
    firstSeen: 0,
    passed: false,
  });
  store.pass(triple(1), 2002, false);
  expect(store.look(triple(1), 3000).comeBacks).toBe(2);
});

test('thousands of random changes leave what a Map would hold, and a sound file', () => {
  const random = makeRandom(6);
  const model = new Map<number, { firstSeen: number; comeBacks: number }>();
  for (let i = 0; i < 8000; i++) {
    const n = random.below(3000);
    const now = 1_000_000 + i;
    const held = model.get(n);
    if (held === undefined || random.chance(0.3)) {
      const firstSeen = Math.min(held?.firstSeen ?? now, now);
      expect(store.remember(triple(n), now)).toBe(firstSeen);
      model.set(n, { firstSeen, comeBacks: held?.comeBacks ?? 0 });
    } else {
      store.pass(triple(n), now, true);
      held.comeBacks++;
    }
  }
  for (const [n, { firstSeen, comeBacks }] of model)
    expect(store.look(triple(n), 1_010_000)).toMatchObject({ firstSeen, comeBacks });
  store.close();
  expect(verify(place(), () => {})).toMatchObject({ problems: [], lost: 0 });
  expect(said).toEqual([]);
});

test('a file that is renamed away is noticed, and what is stored then goes into a new one', () => {
  vi.useFakeTimers({ toFake: ['Date'] });
  store.remember(triple(1), 1000);
  renameSync(place(), `${place()}.old`);
  vi.advanceTimersByTime(2000);
  expect(store.look(triple(1), 3000).firstSeen).toBe(0);
  store.remember(triple(2), 2000);
  expect(verify(place(), () => {})).toMatchObject({ waiting: 1 });
});

test('what a killed filter has left in the queue is seen by whoever only reads, in its place and once', () => {
  for (const n of [1, 4, 7]) store.remember(triple(n), 1000 + n);
  store.close();
  const queue = newQueue(place(), false);
  const key = Buffer.alloc(MAX_KEY);
  for (const n of [9, 2, 4]) {
    const length = writeTriple(key, 0, triple(n));
    expect(queue.find(key, length)).toBe(0);
    expect(queue.add(key, length, 1000 + n)).toBe(true);
  }
  queue.close();
  const seen = [...scan(place())!.entries].map((entry) => entry.kind === 'triple' && entry.firstSeen);
  expect(seen).toEqual([1001, 1002, 1004, 1007, 1009]);
  expect(verify(place(), () => {})?.waiting).toBe(3);
  expect(peek(place(), triple(9)).triple).toMatchObject({ firstSeen: 1009, passed: false });
  expect(peek(place(), triple(8)).triple).toBeUndefined();
});
