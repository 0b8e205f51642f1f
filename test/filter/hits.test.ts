// Hits on their way to the store: rarely, never lost for trouble with it, and nothing where there is nothing to count.
import { expect, test } from 'vitest';
import { newHitCounter } from '../../src/filter/hits.ts';
import type { NewHits } from '../../src/store/store.ts';

const lists = { whitelistClients: ['/a'], whitelistRecipients: [], onlyRecipients: ['/b'], dryRun: false };

function setUp() {
  const time = { now: 1000 };
  const store = {
    written: [] as NewHits[][],
    broken: false,
    noteHits(files: readonly string[], hits: readonly NewHits[]) {
      expect(files).toEqual(['/a', '/b']);
      if (store.broken) throw new Error('no space left');
      store.written.push(hits.map((hit) => ({ ...hit })));
    },
  };
  const counter = newHitCounter(lists, store, () => time.now)!;
  return { time, store, counter, hit: (text: string) => counter.hit({ file: '/a', line: 1, text }) };
}

test('counts are written once a minute and at the end', () => {
  const { time, store, counter, hit } = setUp();
  for (; time.now < 1060; time.now++) {
    hit('example.com');
    counter.write(time.now);
  }
  expect(store.written).toEqual([]);
  counter.write(time.now);
  expect(store.written).toEqual([[{ file: '/a', text: 'example.com', count: 60, last: 1059 }]]);
  hit('example.org');
  counter.write(time.now + 1); // another minute is to pass
  expect(store.written).toHaveLength(1);
  counter.write(time.now + 1, true);
  expect(store.written.slice(1)).toEqual([[{ file: '/a', text: 'example.org', count: 1, last: 1060 }]]);
});

test('what could not be written is written the next time', () => {
  const { time, store, counter, hit } = setUp();
  for (let i = 0; i < 150; i++) hit(`mx${i}.example.com`);
  store.broken = true;
  time.now += 60;
  counter.write(time.now);
  store.broken = false;
  hit('mx7.example.com');
  time.now += 60;
  counter.write(time.now);
  expect(store.written.map(({ length }) => length)).toEqual([100, 50]);
  expect(store.written.flat().find(({ text }) => text === 'mx7.example.com')).toMatchObject({ count: 2 });
});

test('a session without a hit notes that it counts; one without a request does nothing', () => {
  const idle = setUp();
  idle.counter.write(2000, true);
  expect(idle.store.written).toEqual([]);
  const used = setUp();
  used.counter.write(1001);
  used.counter.write(1002, true);
  expect(used.store.written).toEqual([[]]);
});

test('what was hit by a request after which the session ends at once is written', () => {
  const { store, counter, hit } = setUp();
  hit('example.com');
  counter.write(1001, true);
  expect(store.written).toMatchObject([[{ text: 'example.com', count: 1 }]]);
});

test('without lists, or in a dry run, there is no counter', () => {
  const { store } = setUp();
  const none = { whitelistClients: [], whitelistRecipients: [], onlyRecipients: [] };
  expect(newHitCounter({ ...none, dryRun: false }, store, () => 0)).toBeUndefined();
  expect(newHitCounter({ ...lists, dryRun: true }, store, () => 0)).toBeUndefined();
});
