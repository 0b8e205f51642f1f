// From records to facts: made records, answers worked out by hand.
import { expect, test } from 'vitest';
import { type GatherSettings, newGathering } from '../../../src/admin/report/gather.ts';
import { outcomes } from '../../../src/admin/report/lists.ts';
import type { Entry } from '../../../src/store/admin/entry.ts';
import { triple } from './made.ts';

const NOW = 1_764_001_800; // half past an hour, whatever the zone
const HOUR = 3600;
const DAY = 86_400;
const SETTINGS: GatherSettings = {
  now: NOW,
  since: NOW - 7 * DAY,
  delay: 60,
  retryWindow: 2 * DAY,
  maxAge: 35 * DAY,
  autoWhitelist: 10,
};

function factsOf(entries: Iterable<Entry>, settings: Partial<GatherSettings> = {}) {
  const { take, facts } = newGathering({ ...SETTINGS, ...settings });
  for (const entry of entries) take(entry);
  return facts();
}

const range = (count: number) => Array.from({ length: count }, (_, i) => i);
const mail = (n: number, firstSeen: number, wait: number) =>
  triple({ client: `192.0.${n >> 8}.${n & 255}`, sender: `a${n}@s${n % 3}.example`, firstSeen, wait });

test('each triple counts once, as what became of it', () => {
  const facts = factsOf([
    mail(1, NOW - HOUR, 300),
    mail(2, NOW - 3 * DAY, 600),
    mail(3, NOW - 100, 0), // may still come back
    mail(4, NOW - DAY, 0),
    mail(5, NOW - 3 * DAY, 0), // older than the retry window
    mail(6, NOW - 8 * DAY, 300), // before --since
    mail(7, NOW + 500, 0), // the clock was wrong once
    { ...mail(8, NOW - DAY, 0), passed: true, lastPassed: NOW }, // imported
    triple({ client: '198.51.100.1', sender: 'a2@s2.example', firstSeen: NOW - 3 * DAY - 100 }),
  ]);
  expect(facts.triples).toEqual({ seen: 7, passed: 3, imported: 1, elsewhere: 1, expired: 1, undecided: 2 });
  expect(facts.waits).toMatchObject({ mails: 2, median: 300, percentile95: 700, worst: 700, sum: 1000 });
});

test('what was kept out is told of the time of which nothing is forgotten, and all is decided', () => {
  const entries = [
    ...range(3).map((n) => mail(n, NOW - DAY, 300)),
    ...range(7).map((n) => mail(n + 10, NOW - DAY, 0)),
    mail(20, NOW - DAY, 7 * HOUR),
    { ...mail(23, NOW - DAY, 0), passed: true, lastPassed: NOW }, // imported: it came back, nobody knows when
    mail(21, NOW - HOUR, 0),
    mail(22, NOW - 3 * DAY, 0),
  ];
  expect(factsOf(entries).kept).toEqual({
    from: NOW - 2 * DAY,
    until: NOW - 6 * HOUR,
    triples: 12,
    notBack: 7,
    soonEnough: 0.75,
  });
  expect(factsOf(entries, { since: NOW - 2 * HOUR }).kept).toBeUndefined();
  expect(factsOf(entries, { retryWindow: 0 }).kept).toMatchObject({ triples: 13, notBack: 8 });
});

test('waits by length, without empty ends', () => {
  const { histogram } = factsOf([
    mail(1, NOW - DAY, 61),
    mail(2, NOW - DAY, 119),
    mail(3, NOW - DAY, 300),
  ]).waits;
  expect(histogram).toEqual([
    { from: 60, to: 120, mails: 2 },
    { from: 120, to: 300, mails: 0 },
    { from: 300, to: 600, mails: 1 },
  ]);
});

test('days of the local time, and hours; what is forgotten is not zero', () => {
  const midnight = new Date(NOW * 1000).setHours(0, 0, 0, 0) / 1000;
  const entries = [
    mail(1, midnight - 1, 300),
    mail(2, midnight, 600),
    mail(3, NOW - 10, 0),
    mail(4, NOW - 5 * DAY, 100),
  ];
  const { unit, list } = factsOf(entries).periods;
  expect(unit).toBe('day');
  expect(list).toHaveLength(8);
  expect(list.at(-1)).toEqual({ start: midnight, back: 1, notBack: 1, median: 600, percentile95: 600 });
  expect(list.at(-2)).toMatchObject({ back: 1, notBack: 0, median: 300 });
  expect(list[0]).toMatchObject({ back: 0, notBack: null, median: undefined });
  const hourly = factsOf(entries, { since: NOW - DAY }).periods;
  expect(hourly.unit).toBe('hour');
  expect(hourly.list).toHaveLength(25);
  expect(hourly.list.at(-1)).toMatchObject({ notBack: 1 });
});

test('who waited longest: domains, clients, recipients, and the wait before a mail moved', () => {
  const { domains, clients, recipients } = factsOf([
    triple({
      client: '192.0.2.1',
      sender: 'A@Slow.example',
      recipient: 'Bob@example.net',
      firstSeen: NOW - DAY,
      wait: 4000,
    }),
    triple({
      client: '192.0.2.2',
      sender: 'b@slow.example',
      recipient: 'eve@example.net',
      firstSeen: NOW - DAY,
      wait: 1000,
    }),
    triple({
      client: '192.0.2.3',
      sender: '',
      recipient: 'bob@example.net',
      firstSeen: NOW - DAY,
      wait: 3000,
    }),
    triple({
      client: '192.0.2.4',
      sender: 'p@pool.example',
      recipient: 'eve@example.net',
      firstSeen: NOW - DAY,
    }),
    triple({
      client: '192.0.3.5',
      sender: 'p@pool.example',
      recipient: 'eve@example.net',
      firstSeen: NOW - DAY + 9000,
      wait: 500,
    }),
    triple({
      client: '192.0.3.6',
      sender: 'spam@never.example',
      recipient: 'eve@example.net',
      firstSeen: NOW - DAY,
    }),
  ]);
  expect(domains).toEqual([
    { name: 'pool.example', mails: 1, waited: 9500, worst: 9500 },
    { name: 'slow.example', mails: 2, waited: 5000, worst: 4000 },
    { name: '<>', mails: 1, waited: 3000, worst: 3000 },
  ]);
  expect(clients.map(({ name }) => name)).toEqual(['192.0.2.1', '192.0.2.3', '192.0.2.2', '192.0.3.5']);
  expect(recipients).toEqual([
    { name: 'eve@example.net', mails: 2, waited: 10_500, worst: 9500 },
    { name: 'bob@example.net', mails: 2, waited: 7000, worst: 4000 },
  ]);
});

/** Mails from three clients each, half an hour apart; two of a subnet, or all of different ones. */
function* pool(count: number, near: boolean): Generator<Entry> {
  for (const n of range(count)) {
    const start = NOW - DAY + n;
    const common = { sender: `n${n}@pool.example`, recipient: 'bob@example.net' };
    yield triple({ ...common, client: `10.0.0.${n}`, firstSeen: start });
    yield triple({ ...common, client: near ? `10.0.0.${n + 100}` : `10.1.0.${n}`, firstSeen: start + 1800 });
    yield triple({ ...common, client: `10.2.0.${n}`, firstSeen: start + 3600, wait: 900 });
  }
}

test('what a coarser key would have saved of mails that changed address', () => {
  expect(factsOf(pool(2, true)).pools).toMatchObject({
    mails: 2,
    waited: 9000,
    savedBySubnet: 2 * 2700,
    savedByPool: 2 * 2700,
    neverPassed: 0,
    domains: [{ name: 'pool.example', mails: 2, clients: 3, waited: 9000, saved: 5400 }],
  });
  const bots = range(3).map((n) =>
    triple({ client: `203.0.${n}.1`, sender: 'x@bots.example', firstSeen: NOW - DAY }),
  );
  expect(factsOf([...pool(1, false), ...bots]).pools).toMatchObject({
    savedBySubnet: 0,
    savedByPool: 2700,
    neverPassed: 1,
  });
});

test('advice where the numbers call for it', () => {
  const spam = range(200).map((n) => mail(n, NOW - DAY, 0));
  const quick = range(200).map((n) => mail(n + 200, NOW - DAY, 300));
  const slow = range(20).map((n) => mail(n + 400, NOW - DAY, 3 * HOUR));
  expect(factsOf([...pool(60, false), ...spam]).advice).toMatch(
    /^--client-key pool would have saved up to 45 hours of/,
  );
  expect(factsOf([...pool(60, true), ...spam]).advice).toMatch(/^--client-key subnet/);
  expect(factsOf(quick).advice).toMatch(/keeps out little/);
  expect(factsOf([...spam, ...slow]).advice).toMatch(/waited longer than 3 h/);
  expect(factsOf([...spam, ...quick]).advice).toBeUndefined();
  expect(factsOf(quick.slice(0, 50)).advice).toBeUndefined();
});

test('clients close to the auto-whitelist, the closest first', () => {
  const client = (n: number, comeBacks: number): Entry => ({
    kind: 'client',
    client: `192.0.2.${n}`,
    comeBacks,
    lastSeen: NOW - n,
  });
  const entries = [...range(30).map((n) => client(n, n % 13)), client(99, 10)];
  const { whitelist } = factsOf(entries);
  expect(whitelist).toMatchObject({ whitelisted: 4, counted: 24 });
  expect(whitelist.near).toHaveLength(10);
  expect(whitelist.near.slice(0, 4)).toEqual(
    [10, 23, 99, 9].map((n) => ({
      client: `192.0.2.${n}`,
      comeBacks: n === 9 ? 9 : 10,
      lastSeen: NOW - n,
    })),
  );
  expect(factsOf(entries, { autoWhitelist: 0 }).whitelist.near).toEqual([]);
});

test('a client that has expired is neither on the auto-whitelist nor close to it', () => {
  const client = (comeBacks: number, age: number): Entry => ({
    kind: 'client',
    client: `192.0.2.${age}`,
    comeBacks,
    lastSeen: NOW - age * DAY,
  });
  const entries = [client(11, 30), client(11, 37), client(10, 31), client(10, 38)];
  const near = (...ages: number[]) => ages.map((age) => client(10, age)).map(({ client }) => ({ client }));
  expect(factsOf(entries).whitelist).toMatchObject({ whitelisted: 1, counted: 1, near: near(31) });
  const forEver = factsOf(entries, { maxAge: 0 }).whitelist;
  expect(forEver).toMatchObject({ whitelisted: 2, counted: 2, near: near(31, 38) });
});

test('a database without anything in it has facts too', () => {
  const { kept, waits, advice } = factsOf([]);
  expect({ kept, advice, median: waits.median, histogram: waits.histogram }).toEqual({
    kept: undefined,
    advice: undefined,
    median: undefined,
    histogram: [],
  });
});

test('what filters have forgotten is told beside what is on record', () => {
  const gathering = newGathering(SETTINGS);
  const day = Math.floor(NOW / DAY);
  expect(outcomes(gathering.facts()).rows.flat()).not.toContain('forgotten');
  gathering.forgotten({ [day - 20]: 1000, [day - 6]: 1200, [day - 3]: 34 });
  const facts = gathering.facts();
  expect(facts.forgotten).toEqual({ from: (day - 6) * DAY, triples: 1234 });
  expect(outcomes(facts).rows.at(-1)!.slice(0, 2)).toEqual(['forgotten', '1,234']);
});
