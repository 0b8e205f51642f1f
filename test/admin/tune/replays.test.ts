// Settings replayed with made records, answers worked out by hand.
import { expect, test } from 'vitest';
import { newReplay, type TuneSettings } from '../../../src/admin/tune/replays.ts';
import type { Entry, TripleEntry } from '../../../src/store/admin/entry.ts';
import { triple } from '../report/made.ts';

const NOW = 1_764_000_000;
const DAY = 86_400;
const SETTINGS: TuneSettings = { now: NOW, delay: 60, retryWindow: 2 * DAY, autoWhitelist: 10 };

function tuning(entries: Iterable<Entry>, settings: Partial<TuneSettings> = {}) {
  const replay = newReplay({ ...SETTINGS, ...settings });
  for (const entry of entries) replay.take(entry);
  const facts = replay.tuning();
  const one = (delay: number, clientKey = 'address', autoWhitelist = 10) =>
    facts.outcomes.find(
      (outcome) =>
        outcome.delay === delay && outcome.clientKey === clientKey && outcome.autoWhitelist === autoWhitelist,
    );
  return { ...facts, one };
}

const range = (count: number) => Array.from({ length: count }, (_, i) => i);
/** Each of a sender, client and subnet of its own. */
const mail = (n: number, changes: Partial<TripleEntry>) =>
  triple({
    client: `10.${n >> 8}.${n & 255}.1`,
    sender: `a${n}@example.org`,
    firstSeen: NOW - DAY + n,
    ...changes,
  });

const exactly = (seconds: number) => ({ seconds, atLeast: false });
const atLeast = (seconds: number) => ({ seconds, atLeast: true });

test('shorter delays by the attempts on record, longer ones by what can be known', () => {
  const { one, mails, notBack, outcomes } = tuning([
    ...range(4).map((n) => mail(n, { offsets: [40], wait: 300 })),
    ...range(4).map((n) => mail(n + 10, { wait: 700 })),
    mail(20, { wait: 5000 }),
  ]);
  expect([mails, notBack, outcomes.length]).toEqual([9, 0, 6 * 3 * 4]);
  expect(one(30)).toMatchObject({ median: exactly(700), percentile95: exactly(5000) });
  expect(one(60)).toMatchObject({ median: exactly(700), percentile95: exactly(5000) });
  expect(one(300)).toMatchObject({ median: atLeast(700), percentile95: atLeast(5000) });
  expect(one(900)).toMatchObject({ median: atLeast(901), percentile95: atLeast(5000) });
  const five = tuning(range(5).map((n) => mail(n, n < 3 ? { offsets: [40], wait: 300 } : { wait: 700 })));
  expect([five.one(30)?.median, five.one(60)?.median]).toEqual([exactly(40), exactly(300)]);
  expect(five.one(600)?.median).toEqual(atLeast(601));
});

test('what never came back is let in where it tried once more in time', () => {
  const { one, notBack, mails } = tuning([
    mail(1, { offsets: [5, 40] }),
    mail(2, { offsets: [20] }),
    mail(3, {}),
    mail(4, { firstSeen: NOW - 3600, offsets: [50] }), // not decided
  ]);
  expect([mails, notBack]).toEqual([0, 3]);
  expect(one(30)).toMatchObject({ letIn: 1, median: undefined });
  expect(one(60)?.letIn).toBe(0);
});

test('the auto-whitelist: from the come-back that exceeds the threshold on, good and bad', () => {
  const client = '192.0.2.1';
  const times = range(8).map((n) => mail(n, { client, firstSeen: NOW - 5 * DAY + n * 1000, wait: 300 }));
  const { one } = tuning([
    ...times,
    mail(50, { client, firstSeen: NOW - DAY }), // never came back
    mail(51, { client: '192.0.2.77', firstSeen: NOW - DAY }), // of the same subnet
    mail(52, { client: '198.51.100.1', firstSeen: NOW - DAY }),
  ]);
  // Eight mails: after two, or three, or six come-backs the others do not wait.
  expect(one(60, 'address', 1)).toMatchObject({ median: exactly(0), percentile95: exactly(300), letIn: 1 });
  expect(one(60, 'address', 5)).toMatchObject({ median: exactly(300), letIn: 1 });
  expect(one(60, 'address', 10)).toMatchObject({ median: exactly(300), letIn: 0 });
  expect(one(60, 'subnet', 5)).toMatchObject({ letIn: 2 });
  expect(one(900, 'address', 1)).toMatchObject({ median: exactly(0), percentile95: atLeast(901) });
});

test('the come-back that exceeds the threshold spares the mails after it, and not its own', () => {
  const client = '192.0.2.1';
  const mails = range(3).map((n) => mail(n, { client, firstSeen: NOW - 5 * DAY + n * 1000, wait: 300 }));
  expect(tuning(mails).one(60, 'address', 1)).toMatchObject({ median: exactly(300) });
  expect(tuning(mails.slice(0, 2)).one(900, 'address', 1)).toMatchObject({ median: atLeast(901) });
});

test('a coarser key lets a mail pass that comes from another address', () => {
  const common = { sender: 'p@pool.example' };
  const start = NOW - DAY;
  const { one, mails } = tuning([
    triple({ ...common, client: '10.0.0.1', firstSeen: start }),
    triple({ ...common, client: '10.0.0.2', firstSeen: start + 600 }),
    triple({ ...common, client: '10.9.9.9', firstSeen: start + 1200, wait: 900 }),
  ]);
  expect(mails).toBe(1);
  expect(one(60, 'address')?.median).toEqual(exactly(2100));
  expect(one(60, 'subnet')?.median).toEqual(exactly(600));
  expect(one(900, 'subnet')?.median).toEqual(atLeast(2100));
  expect(one(900, 'pool')?.median).toEqual(exactly(1200));
});

test('a key finer than that on record cannot be replayed', () => {
  const keys = (client: string) =>
    [...new Set(tuning([triple({ client, wait: 300 })]).outcomes.map(({ clientKey }) => clientKey))].join();
  expect(keys('192.0.2.1')).toBe('address,subnet,pool');
  expect(keys('192.0.2.0/24')).toBe('subnet,pool');
  expect(keys('example.com')).toBe('pool');
  expect(keys('abcdefghijklmno')).toBe('address,pool');
});

test('a delay of its own is a row more; what does not fit it is counted', () => {
  const entries = [mail(1, { wait: 300 }), mail(2, { wait: 900, offsets: [1, 2, 3, 4] })];
  expect(tuning(entries, { delay: 420 })).toMatchObject({ early: 1, cut: 1 });
  expect(tuning(entries, { delay: 420 }).one(420)).toMatchObject({ percentile95: atLeast(900) });
  expect(tuning(entries)).toMatchObject({ early: 0, cut: 1 });
  expect(tuning(entries, { delay: 300 }).early).toBe(1); // a mail passes after more than the delay
});
