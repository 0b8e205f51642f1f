// The decision, with a store that is a Map and a clock that is a number.
import { describe, expect, test } from 'vitest';
import { decide, foresee, judge } from '../../src/greylist/decide.ts';
import type { Rules, Sighting, Store } from '../../src/store/store.ts';

const settings: Rules = {
  delay: 60,
  autoWhitelist: 2,
};

function memory(): Store {
  const first = new Map<string, number>();
  const passed = new Set<string>();
  const comeBacks = new Map<string, number>();
  const keyOf = (t: { client: string; sender: string; recipient: string }) => JSON.stringify(t);
  return {
    look: (t, now) => {
      const firstSeen = first.get(keyOf(t)) ?? 0;
      const was = passed.has(keyOf(t));
      return {
        comeBacks: comeBacks.get(t.client) ?? 0,
        clientFresh: true,
        firstSeen: firstSeen > now ? 0 : firstSeen,
        passed: was,
        fresh: was,
        full: false,
      };
    },
    remember(t, now) {
      const held = Math.min(first.get(keyOf(t)) ?? now, now);
      first.set(keyOf(t), held);
      return held;
    },
    pass(t, _now, comeBack) {
      passed.add(keyOf(t));
      if (comeBack) comeBacks.set(t.client, (comeBacks.get(t.client) ?? 0) + 1);
    },
    defer: (t, now) => void deferred.push(`${t.sender} ${now}`),
    noteClient: (client) => void noted.push(client),
    releases: () => [],
    noteHits: () => {},
    tidy() {},
    close() {},
  };
}

const deferred: string[] = [];
const noted: string[] = [];
const fail = (error: unknown) => {
  throw error;
};

const ask = (store: Store, now: number, changes = {}, set = settings) =>
  decide({ client: '192.0.2.1', sender: 's', recipient: 'r', ...changes }, store, now, set, fail).passes
    ? 'pass'
    : 'defer';

describe('a triple', () => {
  test('is deferred until it is older than the delay, and passes from then on', () => {
    const store = memory();
    const replies = [1000, 1000, 1059, 1060, 1061, 1061, 9999].map((now) => ask(store, now));
    expect(replies).toEqual(['defer', 'defer', 'defer', 'defer', 'pass', 'pass', 'pass']);
    expect(deferred).toEqual(['s 1059', 's 1060']); // not the first, and not in the same second
  });

  test('is another one for another client, sender or recipient, and the empty ones are values too', () => {
    const store = memory();
    ask(store, 1000);
    for (const changes of [
      { client: '192.0.2.2' },
      { sender: '' },
      { recipient: '' },
      { sender: 'r', recipient: 's' },
    ]) {
      expect(ask(store, 2000, changes)).toBe('defer');
    }
    expect(ask(store, 2000)).toBe('pass');
  });

  test('that was first seen in the future counts as seen now', () => {
    const store = memory();
    ask(store, 100_000);
    expect(ask(store, 5000)).toBe('defer'); // the clock was put right
    expect(ask(store, 5061)).toBe('pass');
  });
});

describe('the auto-whitelist', () => {
  test('lets a client pass at once after more come-backs than its threshold, not before', () => {
    const store = memory();
    ask(store, 1000);
    for (const now of [2000, 2001]) expect(ask(store, now)).toBe('pass'); // two come-backs
    expect(ask(store, 2002, { sender: 'new' })).toBe('defer');
    ask(store, 2003); // the third
    expect(ask(store, 2004, { sender: 'newer' })).toBe('pass');
  });

  test('notes that a mail passes which was deferred before its client was on it', () => {
    const store = memory();
    const at = (now: number, sender: string) =>
      decide({ client: '192.0.2.1', sender, recipient: 'r' }, store, now, settings, fail);
    for (const sender of ['a', 'b']) at(1000, sender);
    for (const now of [2000, 2001, 2002]) at(now, 'a');
    expect(at(2003, 'b')).toMatchObject({ passes: true, age: 1003, delayed: true });
    expect(at(2004, 'b')).toMatchObject({ passes: true, delayed: false });
    expect(at(2005, 'never deferred')).toMatchObject({ passes: true, delayed: false });
  });

  test('of 0 lets nobody pass', () => {
    const store = memory();
    const never = { ...settings, autoWhitelist: 0 };
    ask(store, 1000, {}, never);
    for (let i = 0; i < 50; i++) ask(store, 2000, {}, never);
    expect(ask(store, 2000, { sender: 'new' }, never)).toBe('defer');
  });
});

describe('of what is on record', () => {
  const seen = { comeBacks: 0, clientFresh: true, firstSeen: 0, passed: false, fresh: true, full: false };

  test('come-backs that were counted before count no more where --auto-whitelist is 0, and one suffices where it is 1', () => {
    const judged = (comeBacks: number, autoWhitelist: number) =>
      judge({ ...seen, comeBacks }, 2000, { delay: 60, autoWhitelist });
    expect(judged(50, 0)).toBe('remember, then judge again');
    expect(judged(1, 1)).toBe('remember, then judge again');
    expect(judged(2, 1)).toBe('pass');
  });

  test('a triple that has passed costs a whitelisted client no note', () => {
    expect(judge({ ...seen, comeBacks: 3, firstSeen: 1000, passed: true }, 2000, settings)).toBe('pass');
  });

  test('a come-back is counted where --auto-whitelist has a use for it', () => {
    const counted: boolean[] = [];
    const store: Store = {
      ...memory(),
      look: () => ({ ...seen, firstSeen: 1000, fresh: false }),
      pass: (_triple, _now, comeBack) => void counted.push(comeBack),
    };
    for (const autoWhitelist of [0, 1]) ask(store, 2000, {}, { delay: 60, autoWhitelist });
    expect(counted).toEqual([false, true]);
  });

  test('a deferral is noted, while there is room for it; a pass is none', () => {
    const noted: number[] = [];
    const at = (now: number, more: Partial<Sighting> = {}) =>
      ask(
        {
          ...memory(),
          look: () => ({ ...seen, firstSeen: 1000, ...more }),
          defer: (_triple, now) => void noted.push(now),
        },
        now,
        {},
        { delay: 60, autoWhitelist: 0 },
      );
    expect(at(1001)).toBe('defer');
    expect(at(1002, { full: true })).toBe('defer');
    expect(at(2000, { passed: true })).toBe('pass');
    expect(noted).toEqual([1001]);
  });
});

test('what another process has seen between the look and the note is a mail that comes again', () => {
  const store = memory();
  const at = (now: number) =>
    decide({ client: 'c', sender: 'raced', recipient: 'r' }, store, now, settings, fail);
  at(1000);
  store.look = () => ({
    comeBacks: 0,
    clientFresh: false,
    firstSeen: 0,
    passed: false,
    fresh: false,
    full: false,
  });
  expect(at(1002)).toMatchObject({ passes: false, age: 2 });
  expect(deferred.filter((note) => note.startsWith('raced'))).toEqual(['raced 1002']);
  expect(at(1100)).toEqual({ passes: true, age: 100, delayed: true });
});

test('a store that several hosts share decides by itself, and where it cannot, what the host has on record counts', () => {
  const asked: unknown[] = [];
  const made = { passes: true, age: 7, delayed: true };
  const triple = { client: 'c', sender: 's', recipient: 'r' };
  const shared: Store = {
    ...memory(),
    decide: (...what) => {
      asked.push(what);
      return made;
    },
    look: () => fail(new Error('nobody looks')),
  };
  expect(decide(triple, shared, 1000, settings, fail)).toBe(made);
  expect(foresee(triple, shared, 1001, settings)).toBe(made);
  expect(asked).toEqual([
    [triple, 1000, settings, false],
    [triple, 1001, settings, true],
  ]);
  const alone: Store = { ...memory(), decide: () => undefined };
  expect(foresee(triple, alone, 1000, settings)).toMatchObject({ passes: false });
  expect(decide(triple, alone, 1000, settings, fail)).toMatchObject({ passes: false, age: 0 });
  expect(decide(triple, alone, 2000, settings, fail)).toMatchObject({ passes: true, age: 1000 });
});

test('a pass is noted once a day where nobody counts come-backs', () => {
  const off = { ...settings, autoWhitelist: 0 };
  const seen = { comeBacks: 0, clientFresh: false, firstSeen: 1000, passed: true, fresh: false, full: false };
  expect(judge(seen, 2000, off)).toBe('pass and note it');
  expect(judge({ ...seen, fresh: true }, 2000, off)).toBe('pass');
});

test('that a whitelisted client was seen is noted once a day', () => {
  const seen = { comeBacks: 3, clientFresh: false, firstSeen: 0, passed: false, fresh: false, full: false };
  expect(judge(seen, 2000, settings)).toBe('pass and note the client');
  expect(judge({ ...seen, clientFresh: true }, 2000, settings)).toBe('pass');
  const store = { ...memory(), look: () => seen };
  expect(ask(store, 2000)).toBe('pass');
  expect(noted).toEqual(['192.0.2.1']);
});

test('the first pass tells how long the mail was delayed, later ones do not', () => {
  const store = memory();
  const triple = { client: 'c', sender: 's', recipient: 'r' };
  const at = (now: number) => decide(triple, store, now, settings, fail);
  expect(at(1000)).toMatchObject({ passes: false, age: 0, delayed: false });
  expect(at(1300)).toMatchObject({ passes: true, age: 300, delayed: true });
  expect(at(1400)).toMatchObject({ passes: true, delayed: false });
});

test('a note that cannot be taken changes no answer, and is told', () => {
  const told: unknown[] = [];
  const broken = (): never => {
    throw new Error('the disk is full');
  };
  const store = { ...memory(), pass: broken, defer: broken };
  const at = (now: number) =>
    decide({ client: 'c', sender: 's', recipient: 'r' }, store, now, settings, (e) => told.push(e)).passes;
  expect([at(1000), at(1010), at(2000)]).toEqual([false, false, true]);
  expect(told).toHaveLength(2);
});

test('foresight stores nothing', () => {
  const store = memory();
  const triple = { client: 'c', sender: 's', recipient: 'r' };
  expect(foresee(triple, store, 1000, settings)).toMatchObject({ passes: false, age: 0 });
  expect(foresee(triple, store, 2000, settings)).toMatchObject({ passes: false, age: 0 });
  store.remember(triple, 1000);
  expect(foresee(triple, store, 2000, settings)).toEqual({ passes: true, age: 1000, delayed: false });
});
