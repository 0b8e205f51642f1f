// Who puts new triples into the database: filters that have LMDB loaded, as long as there is one; and when there is none
// any more, somebody else.
import { readFileSync } from 'node:fs';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { verify } from '../../src/store/pages/verify.ts';
import { file, filterIn, isEmptied, requestFor } from '../faults/database.ts';
import type { Session } from '../support/filter.ts';
import { deferred } from '../support/requests.ts';
import { useScratch } from '../support/scratch.ts';
import { until } from '../support/until.ts';

const scratch = useScratch('of each');
let storer: Session;
let others: Session[];

const hasLoaded = ({ pid }: Session) => readFileSync(`/proc/${pid}/maps`, 'latin1').includes('lmdb-');

beforeEach(async () => {
  storer = await filterIn(scratch.path, '--delay', '60');
  expect(await storer.ask(requestFor(0))).toBe(deferred);
  await until(() => isEmptied(scratch.path));
  expect(hasLoaded(storer)).toBe(true);
  others = await Promise.all(Array.from({ length: 6 }, () => filterIn(scratch.path, '--delay', '60')));
});

afterEach(async () => {
  for (const filter of [storer, ...others]) await filter.hangUp();
});

test('where one filter stores, the others need no LMDB', async () => {
  for (let i = 1; i <= 100; i++) {
    expect(await others[i % others.length]!.ask(requestFor(i))).toBe(deferred);
    if (i % 5 === 0) expect(await storer.ask(requestFor(1000 + i))).toBe(deferred);
  }
  await until(() => isEmptied(scratch.path));
  expect(others.filter(hasLoaded)).toEqual([]);
});

test('where it is gone, or has nothing to store, another one does', async () => {
  expect(await others[0]!.ask(requestFor(1))).toBe(deferred);
  await until(() => isEmptied(scratch.path));
  expect(hasLoaded(others[0]!)).toBe(true);
  for (const filter of [storer, others[0]!]) process.kill(filter.pid, 'SIGKILL');
  expect(await others[1]!.ask(requestFor(2))).toBe(deferred);
  await until(() => isEmptied(scratch.path));
  expect(hasLoaded(others[1]!)).toBe(true);
});

test('one that ends leaves to it what it has queued, and whoever stores next stores that as well', async () => {
  expect(await others[0]!.ask(requestFor(1))).toBe(deferred);
  expect(await storer.ask(requestFor(2))).toBe(deferred);
  await until(() => isEmptied(scratch.path));
  expect(await others[0]!.ask(requestFor(3))).toBe(deferred);
  await others[0]!.finish();
  expect(isEmptied(scratch.path)).toBe(false);
  await storer.kill('SIGKILL');
  expect(await others[1]!.ask(requestFor(4))).toBe(deferred);
  await until(() => isEmptied(scratch.path));
  expect(verify(file(scratch.path), () => {})).toMatchObject({ problems: [], waiting: 5 });
});
