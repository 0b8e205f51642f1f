// Nobody fills the disk from outside: old waiting triples go for new ones, never one that has passed.
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { openStore } from '../../../src/store/embedded/embedded.ts';
import { withFile } from '../../../src/store/pages/file.ts';
import { readHead } from '../../../src/store/pages/head.ts';
import { leaves } from '../../../src/store/pages/leaves.ts';
import { verify } from '../../../src/store/pages/verify.ts';
import type { Store, Triple } from '../../../src/store/store.ts';
import { makeRandom } from '../../support/random.ts';
import { useScratch } from '../../support/scratch.ts';

const scratch = useScratch('of each');
let store: Store;
const full: string[] = [];
const trouble: string[] = [];
const place = () => path.join(scratch.path, 'greylist.mdb');

function open(maxWaiting: number): Store {
  return openStore({
    path: place(),
    sync: 'later',
    limits: { retryWindow: 172_800, maxAge: 3_024_000, maxWaiting },
    onDamage: (what) => void trouble.push(what),
    onTrouble: (error) => void trouble.push(error.message),
    onFull: (what) => void full.push(what),
  });
}

beforeEach(() => {
  full.length = 0;
  trouble.length = 0;
});
afterEach(() => store.close());

test('over the bound an old waiting one goes for each new one; what has passed stays', () => {
  store = open(2000);
  const random = makeRandom(21);
  const anyone = () => ({
    client: [1 + random.below(220), random.below(256), random.below(256), random.below(256)].join('.'),
    sender: `s${random.below(1e9)}@example.org`,
    recipient: `r${random.below(50)}@example.net`,
  });
  const friends = Array.from({ length: 300 }, anyone);
  for (const friend of friends) {
    store.remember(friend, 1000);
    store.pass(friend, 1100, true);
  }
  store.tidy(1200); // counts them
  for (let i = 0; i < 10_000; i++) store.remember(anyone(), 2000 + i);
  for (const friend of friends)
    expect(store.look(friend, 20_000)).toMatchObject({ passed: true, comeBacks: 1 });
  const { problems, waiting, passed } = verify(place(), () => {})!;
  expect({ problems, passed }).toEqual({ problems: [], passed: 300 });
  expect(waiting).toBeGreaterThan(1000);
  expect(waiting).toBeLessThan(2200);
  expect(full).toHaveLength(1);
  expect(trouble).toEqual([]);
});

test('it is said once a day, whatever the number of processes', () => {
  const DAY = 86_400;
  const clock = vi.spyOn(Date, 'now');
  /** A process that comes over the bound. */
  const pushOut = (process: number, now: number) => {
    clock.mockReturnValue(now * 1000);
    store = open(100);
    for (let n = 0; n < 300; n++)
      store.remember({ client: `10.${n % 200}.0.1`, sender: `s${process}.${n}`, recipient: 'r' }, now);
    store.close();
    return full.length;
  };
  try {
    const noon = 20_000.5 * DAY;
    expect([0, 100, DAY / 2 - 2].map((later, i) => pushOut(i, noon + later))).toEqual([1, 1, 1]);
    expect(pushOut(3, noon + DAY / 2)).toBe(2);
  } finally {
    clock.mockRestore();
  }
  expect(trouble).toEqual([]);
});

test('those that go are the old ones', () => {
  store = open(500);
  const triple = (n: number) => ({
    client: `10.0.${n % 7}.${n % 251}`,
    sender: `s${n}@example.org`,
    recipient: 'r@example.net',
  });
  for (let n = 0; n < 5000; n++) store.remember(triple(n), 1000 + n);
  const kept = Array.from({ length: 5000 }, (_, n) => n).filter(
    (n) => store.look(triple(n), 10_000).firstSeen > 0,
  );
  expect(kept.length).toBeLessThan(650);
  const young = kept.filter((n) => n >= 4000);
  expect(young.length).toBeGreaterThan(kept.length * 0.8);
});

test.each([
  ['a /24', (n: number) => `192.0.2.${n % 256}`],
  ['a /64', (n: number) => `2001:db8:1:2:${(4096 + n).toString(16)}::1`],
  ['a /64 with zeros in it', (n: number) => `2001:db8::${(4096 + n).toString(16)}:3:2:1`],
])('one network cannot take the place of all: %s', (_, client) => {
  store = open(32_000);
  for (let n = 0; n < 9600; n++)
    store.remember({ client: client(n), sender: `s${n}@example.org`, recipient: 'r@example.net' }, 1000);
  const { problems, waiting } = verify(place(), () => {})!;
  expect(problems).toEqual([]);
  // a sixteenth, by an estimate that may be wrong by half
  expect(waiting).toBeGreaterThan(1000);
  expect(waiting).toBeLessThan(3200);
  expect(full).toHaveLength(1);
});

test.each([
  ['younger', 3000],
  ['older', 1000],
])(
  'what lies beside a network, %s than it, is not counted as its own, and its oldest goes first',
  (_, time) => {
    store = open(320); // 20 of a network
    const of = (net: number, n: number) => ({
      client: `192.0.${net}.${7 * n}`,
      sender: `s${n}@example.org`,
      recipient: 'r@example.net',
    });
    const waiting = (net: number) =>
      Array.from({ length: 30 }, (_, n) => n).filter((n) => store.look(of(net, n), 4000).firstSeen > 0);
    for (const net of [1, 3]) for (let n = 0; n < 15; n++) store.remember(of(net, n), time);
    for (let n = 0; n < 20; n++) store.remember(of(2, n), 2000 + n);
    expect(full).toEqual([]);
    for (let n = 20; n < 30; n++) store.remember(of(2, n), 2000 + n);
    expect(full).toHaveLength(1);
    expect(waiting(2)).toEqual(Array.from({ length: 20 }, (_, i) => 10 + i));
    expect([waiting(1).length, waiting(3).length]).toEqual([15, 15]);
  },
);

test('before one is forgotten, the pages that LMDB may fill its page up from are checked', () => {
  store = open(0);
  const triple = (n: number) => ({
    client: `192.0.${n}.1`,
    sender: `s${n}@example.org`,
    recipient: 'r@example.net',
  });
  for (let n = 1; n < 200; n++) store.remember(triple(n), 1000);
  expect(full).toEqual([]); // 0: no bound
  store.close();
  const pages: number[] = [];
  withFile(place(), (file) => {
    const enter = (page: number) => pages.push(page) > 0;
    for (const _ of leaves(file, readHead(file), { onDamage: expect.unreachable, enter }));
  });
  const [, , second] = pages; // the root comes before the first leaf
  const bytes = readFileSync(place());
  bytes.write('other', 4096 * second!);
  writeFileSync(place(), bytes);
  store = open(100);
  store.remember(triple(0), 2000);
  expect(trouble).toEqual([expect.stringContaining(`page ${second} `)]);
  expect(store.look(triple(0), 3000).firstSeen).toBe(2000);
});

/** What a look-up has not found, the very same object, goes into the queue. */
function queue(triple: Triple, now: number): void {
  store.look(triple, now);
  store.remember(triple, now);
}

test('nor many at once, as they come from the queue', () => {
  const most = 1600;
  store = open(most);
  const hammer = (i: number) => ({
    client: '192.0.2.1',
    sender: `s${i}@example.org`,
    recipient: 'r@example.net',
  });
  store.remember(hammer(0), 1000); // makes the database
  for (let i = 1; i < 5000; i++) {
    queue(hammer(i), 1000 + i);
    if (i % 100 > 0) continue;
    // Whoever closes the store empties the queue.
    store.close();
    store = open(most);
  }
  store.close();
  const { problems, waiting } = verify(place(), () => {})!;
  expect(problems).toEqual([]);
  expect(waiting).toBeGreaterThan(50);
  expect(waiting).toBeLessThan(most / 4);
  expect(trouble).toEqual([]);
});

test('where many at once are spread over many leaves, an old one of its own leaf goes for each', () => {
  const most = 1500;
  store = open(most);
  const triple = (i: number) => ({
    client: `${1 + (i % 200)}.${i % 7}.0.1`,
    sender: `s${i}@example.org`,
    recipient: 'r@example.net',
  });
  for (let i = 0; i < most; i++) store.remember(triple(i), 1000);
  const added = 1000;
  for (let i = most; i < most + added; i++) queue(triple(i), 2000);
  store.close();
  store = open(most);
  store.remember(triple(most + added), 2000); // and what is queued
  const { problems, waiting } = verify(place(), () => {})!;
  expect({ problems, trouble }).toEqual({ problems: [], trouble: [] });
  expect(waiting).toBeGreaterThan(most - 100);
  expect(waiting).toBeLessThan(most + 100);
});

test('many at once of as many networks are not taken for those of one', () => {
  store = open(160); // 10 of a network
  const triple = (i: number) => ({
    client: `192.0.${i}.1`,
    sender: 's@example.org',
    recipient: 'r@example.net',
  });
  store.remember(triple(0), 1000); // makes the database
  for (let i = 1; i < 40; i++) {
    queue(triple(i), 1000);
  }
  store.close(); // empties the queue
  expect(verify(place(), () => {})).toMatchObject({ problems: [], waiting: 40 });
  expect(full).toEqual([]);
});

test.each([
  ['alone', 0, 2],
  ['with as many that have passed', 9, 2],
  ['with more that have passed beside it', 30, 1],
  ['with as many behind it', 30, 3],
])('a network has its share to the triple, %s', (_, passed, net) => {
  store = open(160); // 10 of a network
  const triple = (n: number) => ({
    client: `192.0.${n < 100 ? net : 2}.${n}`,
    sender: `s${n}@example.org`,
    recipient: 'r@example.net',
  });
  for (let n = 0; n < passed; n++) {
    store.remember(triple(n), 1000);
    store.pass(triple(n), 1100, false);
  }
  for (let n = 0; n < 10; n++) store.remember(triple(100 + n), 2000 + n);
  expect(full).toEqual([]);
  store.remember(triple(200), 3000);
  expect(full).toHaveLength(1);
  expect(verify(place(), () => {})).toMatchObject({ problems: [], waiting: 10, passed });
  expect(store.look(triple(100), 3000).firstSeen).toBe(0);
});

test('nor are two networks taken for one where the name of one begins that of the other', () => {
  store = open(160); // 10 of a network
  store.remember({ client: '192.0.2.1', sender: 's@example.org', recipient: 'r@example.net' }, 1000); // makes the database
  const clients = ['2001:db8:1:23:0:0:0:1', '2001:db8:1:2:00:0:0:1'];
  for (const client of clients)
    for (let n = 0; n < 10; n++)
      queue({ client, sender: `s${n}@example.org`, recipient: 'r@example.net' }, 1000);
  store.close();
  expect(verify(place(), () => {})).toMatchObject({ problems: [], waiting: 21 });
});

describe('many at once are counted one by one', () => {
  const triple = (net: number, n = 0) => ({
    client: `192.0.${net}.${n}`,
    sender: `s${n}@example.org`,
    recipient: 'r@example.net',
  });
  const numbers = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i);
  const isThere = (one: Triple) => store.look(one, 4000).firstSeen > 0;

  test('up to the bound, and no further', () => {
    store = open(100);
    for (const net of numbers(0, 99)) store.remember(triple(net), 1000);
    for (const net of numbers(100, 130)) queue(triple(net), 2000);
    expect(full).toEqual([]);
    store.close();
    expect(verify(place(), () => {})).toMatchObject({ problems: [], waiting: 100 });
  });

  test('those that went for others of their network have made room for others', () => {
    store = open(160); // 10 of a network
    for (const n of numbers(0, 10)) store.remember(triple(1, n), 1000 + n);
    for (const net of numbers(2, 137)) store.remember(triple(net), 2000);
    const young = [...numbers(10, 20).map((n) => triple(1, n)), ...[200, 201, 202].map((net) => triple(net))];
    for (const one of young) queue(one, 3000);
    store.close();
    store = open(160);
    expect(numbers(0, 10).filter((n) => isThere(triple(1, n)))).toEqual([]);
    const others = numbers(2, 137).map((net) => triple(net));
    expect([...others, ...young].filter((one) => !isThere(one))).toEqual([]);
  });

  test('those that were not let in take nobody’s place', () => {
    store = open(160);
    store.remember(triple(0), 1000); // makes the database
    const hammer = numbers(0, 200).map((n) => triple(1, n));
    const others = numbers(2, 12).map((net) => triple(net));
    for (const one of [...hammer, ...others]) queue(one, 2000);
    store.close();
    store = open(160);
    expect(hammer.filter(isThere).length).toBeLessThan(20); // a sixteenth is 10
    expect(others.filter((one) => !isThere(one))).toEqual([]);
  });
});

test('one that had expired and comes anew is young, also among many at once', () => {
  const all = Array.from({ length: 33 }, (_, net) => ({
    client: `192.0.${net}.1`,
    sender: 's@example.org',
    recipient: 'r@example.net',
  }));
  store = open(32);
  all.slice(0, 32).forEach((one, net) => void store.remember(one, net === 0 ? 1000 : 200_000 + net));
  queue(all[0]!, 300_000);
  store.remember(all[32]!, 300_000); // and with it what is queued
  const gone = all.filter((one) => store.look(one, 300_000).firstSeen === 0);
  expect(gone).toEqual([all[1]]);
});

test('what a client has come back is not taken for an old one that waits, small as its number is', () => {
  store = open(32);
  const triple = (net: number) => ({
    client: `192.0.${net}.1`,
    sender: 's@example.org',
    recipient: 'r@example.net',
  });
  const friend = triple(100);
  store.remember(friend, 1000);
  store.pass(friend, 1100, true);
  for (let net = 0; net < 33; net++) store.remember(triple(net), 2000 + net);
  expect(full).toHaveLength(1);
  expect(store.look(friend, 3000)).toMatchObject({ passed: true, comeBacks: 1 });
  expect(store.look(triple(0), 3000).firstSeen).toBe(0);
});

describe('what has passed takes no place of those that wait', () => {
  const now = 1_700_000_000;
  const triple = (client: string, n: number) => ({
    client,
    sender: `s${n}@example.org`,
    recipient: 'r@example.net',
  });

  /** Puts 1,000 triples on record that have passed, and has them counted. */
  function befriend(maxWaiting: number, clientOf: (n: number) => string): void {
    store = open(maxWaiting);
    for (let n = 0; n < 1000; n++) {
      store.remember(triple(clientOf(n), n), now - 200);
      store.pass(triple(clientOf(n), n), now - 100, false);
    }
    for (let step = 0; step < 10; step++) store.tidy(now + 5 * step);
  }

  function again(maxWaiting: number): void {
    store.close();
    store = open(maxWaiting);
  }

  test.each([
    ['of one network', 1600, () => 'example.com'],
    ['of all', 500, (n: number) => `${1 + (n % 200)}.0.2.1`],
  ])('%s, in a process that has just begun', (_, maxWaiting, clientOf) => {
    befriend(maxWaiting, clientOf);
    const waiting = Array.from({ length: 60 }, (_, n) => triple(clientOf(n), 17 * n + 2000));
    for (const one of waiting.slice(0, 30)) {
      again(maxWaiting);
      store.remember(one, now + 100);
    }
    again(maxWaiting);
    // From the queue, many at once.
    for (const one of waiting.slice(30)) {
      queue(one, now + 100);
    }
    again(maxWaiting);
    expect(waiting.filter((one) => store.look(one, now + 200).firstSeen === 0)).toEqual([]);
    expect(full).toEqual([]);
  });

  test('of one network, before anything was counted', () => {
    store = open(100_000);
    // Every seventh waits.
    for (let n = 0; n < 8000; n++) {
      store.remember(triple('example.com', n), now - 200);
      if (n % 7 > 0) store.pass(triple('example.com', n), now - 100, false);
    }
    expect(full).toEqual([]);
  });
});
