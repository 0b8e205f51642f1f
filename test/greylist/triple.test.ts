// Retry schedules of webmail providers, replayed: what their mail waits under each client key. The decision and the
// store are the real ones; the clock is a number.
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { decide } from '../../src/greylist/decide.ts';
import { registrableDomain } from '../../src/greylist/pool.ts';
import { emptyRequest } from '../../src/greylist/request.ts';
import { tripleOf } from '../../src/greylist/triple.ts';
import type { Store } from '../../src/store/store.ts';
import { POOLS, type Pool } from '../data/pools.ts';
import { storeAt } from '../store/opened.ts';
import { useScratch } from '../support/scratch.ts';

const DELAY = 60;
const START = 1_700_000_000;
const scratch = useScratch('of all');
let store: Store;
const fail = (error: unknown) => {
  throw error;
};

beforeAll(() => {
  const limits = { retryWindow: 172_800, maxAge: 3_024_000, maxWaiting: 1_000_000 };
  store = storeAt(path.join(scratch.path, 'greylist.mdb'), limits);
});
afterAll(() => store.close());

/** Seconds that the first mail of the pool to `recipient` waits; undefined: the provider gave up. */
function waits(pool: Pool, clientKey: 'address' | 'subnet' | 'pool', recipient: string): number | undefined {
  const settings = {
    clientKey,
    ipv4Prefix: 24,
    ipv6Prefix: 64,
    registrableDomain,
    senderKey: 'exact',
    pseudonym: undefined,
  } as const;
  for (const [i, after] of pool.attempts.entries()) {
    const [client_address, client_name] = pool.servers[i % pool.servers.length]!;
    const request = { ...emptyRequest(), client_address, client_name, sender: pool.sender, recipient };
    const rules = { delay: DELAY, autoWhitelist: 0 };
    if (decide(tripleOf(request, settings), store, START + after, rules, fail).passes) return after;
  }
  return undefined;
}

const least = (pool: Pool) => pool.attempts.find((after) => after > DELAY)!;

describe.each(POOLS.map((pool) => [pool.provider, pool] as const))('%s', (provider, pool) => {
  test('with --client-key pool, its mail passes at the first retry after the delay', () => {
    expect(waits(pool, 'pool', `pool-${provider}@example.net`)).toBe(least(pool));
  });
});

test('with --client-key address, providers of many addresses pay for each', () => {
  const sum = (key: 'address' | 'subnet' | 'pool') =>
    POOLS.map((pool) => waits(pool, key, `${key}@example.org`) ?? pool.attempts.at(-1)!).reduce(
      (a, b) => a + b,
    );
  const unavoidable = POOLS.map(least).reduce((a, b) => a + b);
  expect(sum('pool')).toBe(unavoidable);
  expect(sum('address')).toBeGreaterThan(10 * unavoidable);
  expect(sum('subnet')).toBeGreaterThan(unavoidable);
});
