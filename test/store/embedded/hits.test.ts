// What is on record of the lists' entries: sums over all processes, bounded, and forgotten in the end.
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { scan } from '../../../src/store/admin/scan.ts';
import { putHouse } from '../../../src/store/lmdb/house.ts';
import { openWriter } from '../../../src/store/lmdb/open.ts';
import { transact } from '../../../src/store/lmdb/transaction.ts';
import { closeWriter } from '../../../src/store/lmdb/writer.ts';
import { verify } from '../../../src/store/pages/verify.ts';
import { type Hits, hitsName, isHitsName, readHits } from '../../../src/store/records/hits.ts';
import type { Store } from '../../../src/store/store.ts';
import { useScratch } from '../../support/scratch.ts';
import { storeAt } from '../opened.ts';

const DAY = 86_400;
const FILE = '/etc/list';
const scratch = useScratch('of each');
let stores: Store[];
const place = () => path.join(scratch.path, 'greylist.mdb');

function open(): Store {
  const store = storeAt(place(), { retryWindow: 2 * DAY, maxAge: 35 * DAY, maxWaiting: 1000 });
  stores.push(store);
  return store;
}

beforeEach(() => {
  stores = [];
});
afterEach(() => {
  for (const store of stores) store.close();
  expect(verify(place(), () => {})?.problems).toEqual([]);
});

function recorded(): Map<string, Hits | undefined> {
  const found = new Map<string, Hits | undefined>();
  const house = (name: string, text: string) => {
    if (isHitsName(name)) found.set(name, readHits(text));
  };
  expect([...scan(place(), undefined, house)!.entries].filter(({ kind }) => kind === 'client')).toEqual([]);
  return found;
}

const hit = (text: string, count: number, last: number) => ({ file: FILE, text, count, last });

test('the hits of several processes add up, with the last of them and the time of the first', () => {
  const [one, other] = [open(), open()];
  one.noteHits([FILE, '/other'], [hit('example.com', 3, 1000), hit('example.org', 1, 990)], 1000);
  other.noteHits([FILE], [hit('example.com', 4, 995)], 1010);
  other.noteHits([FILE], [], 1020);
  expect(Object.fromEntries(recorded())).toEqual({
    [hitsName('/other', '')]: { count: 0, last: 0, since: 1000, entries: 0 },
    [hitsName(FILE, '')]: { count: 8, last: 1000, since: 1000, entries: 2 },
    [hitsName(FILE, 'example.com')]: { count: 7, last: 1000, since: 1000 },
    [hitsName(FILE, 'example.org')]: { count: 1, last: 990, since: 990 },
  });
});

test('recording begins for each file, also for one that came later and has no hit', () => {
  const store = open();
  store.noteHits([FILE], [], 1000);
  store.noteHits([FILE, '/other'], [], 1010);
  store.noteHits(['/third', FILE], [], 1020);
  const begun = { count: 0, last: 0, entries: 0 };
  expect(Object.fromEntries(recorded())).toEqual({
    [hitsName(FILE, '')]: { ...begun, since: 1000 },
    [hitsName('/other', '')]: { ...begun, since: 1010 },
    [hitsName('/third', '')]: { ...begun, since: 1020 },
  });
});

test('an entry whose file has no record, as where it was lost to damage, goes as well', () => {
  const now = 1000 * DAY;
  const writer = openWriter(place());
  transact(
    writer,
    () => putHouse(writer, hitsName(FILE, 'x'), '{"count":1,"last":1000,"since":1000}') ?? true,
  );
  closeWriter(writer);
  const store = open();
  store.remember({ client: '192.0.2.1', sender: 'a@example.org', recipient: 'b@example.net' }, now);
  expect(recorded().size).toBe(1);
  for (const later of [5, 10, 15]) store.tidy(now + later);
  expect(recorded().size).toBe(0);
});

test('a file has so many records and no more, and a long line has a short name', () => {
  const store = open();
  store.noteHits([FILE], [hit(`/${'x'.repeat(3000)}/`, 1, 1000)], 1000);
  for (let n = 0; n < 4100; n += 100)
    store.noteHits(
      [FILE],
      Array.from({ length: 100 }, (_, i) => hit(`mx${n + i}.example.com`, 1, 1000)),
      1000,
    );
  store.noteHits([FILE], [hit('mx7.example.com', 1, 1001)], 1001);
  const found = recorded();
  expect(found.size).toBe(4001);
  expect(found.get(hitsName(FILE, ''))).toMatchObject({ count: 4102, entries: 4000 });
  expect(found.get(hitsName(FILE, 'mx7.example.com'))).toMatchObject({ count: 2, last: 1001 });
});

test('an entry that was not hit for long goes with the sweep, and makes room; its file stays', () => {
  const store = open();
  const now = 1000 * DAY;
  const old = ['example.com', 'example.net'].map((text) => hit(text, 1, now - 401 * DAY));
  store.noteHits([FILE], [...old, hit('example.org', 1, now)], now);
  const triple = { client: '192.0.2.1', sender: 'a@example.org', recipient: 'b@example.net' };
  store.remember(triple, now);
  for (const later of [5, 10, 15]) store.tidy(now + later);
  expect(Object.fromEntries(recorded())).toEqual({
    [hitsName(FILE, '')]: { count: 3, last: 1000 * DAY, since: 1000 * DAY, entries: 1 },
    [hitsName(FILE, 'example.org')]: { count: 1, last: 1000 * DAY, since: 1000 * DAY },
  });
  expect(store.look(triple, now).firstSeen).toBe(1000 * DAY);
});
