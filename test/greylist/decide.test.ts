// The decision, with a store that is a Map and a clock that is a number.
import { describe, expect, test } from 'vitest';
import { decide, judge, type Settings } from '../../src/greylist/decide.ts';
import { emptyRequest } from '../../src/greylist/request.ts';
import type { Store } from '../../src/store/store.ts';

const settings: Settings = {
  delay: 60,
  autoWhitelist: 2,
  deferral: 'defer_if_permit Service is unavailable',
};

function memory(): Store {
  const first = new Map<string, number>();
  const passed = new Set<string>();
  const comeBacks = new Map<string, number>();
  const keyOf = (t: { client: string; sender: string; recipient: string }) => JSON.stringify(t);
  return {
    look: (t) => ({
      comeBacks: comeBacks.get(t.client) ?? 0,
      firstSeen: first.get(keyOf(t)) ?? 0,
      passed: passed.has(keyOf(t)),
    }),
    remember(t, now) {
      const held = Math.min(first.get(keyOf(t)) ?? now, now);
      first.set(keyOf(t), held);
      return held;
    },
    pass(t, _now, comeBack) {
      passed.add(keyOf(t));
      if (comeBack) comeBacks.set(t.client, (comeBacks.get(t.client) ?? 0) + 1);
    },
    close() {},
  };
}

const ask = (store: Store, now: number, changes = {}, set = settings) =>
  decide(
    { ...emptyRequest(), client_address: '192.0.2.1', sender: 's', recipient: 'r', ...changes },
    store,
    now,
    set,
  );

describe('a triple', () => {
  test('is deferred until it is older than the delay, and passes from then on', () => {
    const store = memory();
    const replies = [1000, 1000, 1059, 1060, 1061, 1061, 9999].map((now) => ask(store, now));
    const { deferral } = settings;
    expect(replies).toEqual([deferral, deferral, deferral, deferral, 'dunno', 'dunno', 'dunno']);
  });

  test('is another one for another client, sender or recipient, and the empty ones are values too', () => {
    const store = memory();
    ask(store, 1000);
    for (const changes of [
      { client_address: '192.0.2.2' },
      { sender: '' },
      { recipient: '' },
      { sender: 'r', recipient: 's' },
    ]) {
      expect(ask(store, 2000, changes)).toBe(settings.deferral);
    }
    expect(ask(store, 2000)).toBe('dunno');
  });

  test('that was first seen in the future counts as seen now', () => {
    const store = memory();
    ask(store, 100_000);
    expect(ask(store, 5000)).toBe(settings.deferral); // the clock was put right
    expect(ask(store, 5061)).toBe('dunno');
  });

  test('of an authenticated user passes, and nothing is stored', () => {
    const store = memory();
    expect(ask(store, 1000, { sasl_username: 'ann' })).toBe('dunno');
    expect(ask(store, 2000)).toBe(settings.deferral);
  });
});

describe('the auto-whitelist', () => {
  test('lets a client pass at once after more come-backs than its threshold, not before', () => {
    const store = memory();
    ask(store, 1000);
    for (const now of [2000, 2001]) expect(ask(store, now)).toBe('dunno'); // two come-backs
    expect(ask(store, 2002, { sender: 'new' })).toBe(settings.deferral);
    ask(store, 2003); // the third
    expect(ask(store, 2004, { sender: 'newer' })).toBe('dunno');
  });

  test('of 0 lets nobody pass', () => {
    const store = memory();
    const never = { ...settings, autoWhitelist: 0 };
    ask(store, 1000, {}, never);
    for (let i = 0; i < 50; i++) ask(store, 2000, {}, never);
    expect(ask(store, 2000, { sender: 'new' }, never)).toBe(settings.deferral);
  });
});

test('a pass is noted once where nobody counts come-backs', () => {
  const off = { ...settings, autoWhitelist: 0 };
  const seen = { comeBacks: 0, firstSeen: 1000, passed: false };
  expect(judge(seen, 2000, off)).toBe('pass and note it');
  expect(judge({ ...seen, passed: true }, 2000, off)).toBe('pass');
});
