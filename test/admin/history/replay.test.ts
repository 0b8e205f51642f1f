// Replays: as the filter's own decision would have it.
import { expect, test } from 'vitest';
import { mailsOf } from '../../../src/admin/history/mails.ts';
import { classesOf, firstPass } from '../../../src/admin/history/replay.ts';
import { newCollector } from '../../../src/admin/history/triples.ts';
import { judge } from '../../../src/greylist/decide.ts';
import type { TripleEntry } from '../../../src/store/admin/entry.ts';
import { makeRandom } from '../../support/random.ts';
import { triple } from '../report/made.ts';

const T = 1_764_000_000;
const DAY = 86_400;

function chainOf(entries: Partial<TripleEntry>[]) {
  const { triples, add } = newCollector();
  for (const entry of entries) add(triple(entry));
  const mails = mailsOf(triples, 0, 2 * DAY);
  return { mails, classes: classesOf(triples, mails) };
}

function passes(entries: Partial<TripleEntry>[], key: 'address' | 'subnet' | 'pool', delay: number) {
  const { mails, classes } = chainOf(entries);
  const sights = new Map<number, number>();
  return mails.map((mail) => {
    const attempt = firstPass(mail, classes[key], sights, delay, 2 * DAY);
    return attempt === undefined ? undefined : attempt.at - T;
  });
}

test('the attempt that passes is the one that the decision lets pass', () => {
  const random = makeRandom(63);
  for (let round = 0; round < 500; round++) {
    const offsets = Array.from({ length: random.below(5) }, () => 1 + random.below(60)).sort((a, b) => a - b);
    const wait = 61 + random.below(1000);
    const delay = random.below(400);
    const settings = { delay, autoWhitelist: 0 };
    const seen = { comeBacks: 0, clientFresh: false, firstSeen: T, passed: false, fresh: false, full: false };
    const expected = [...offsets, wait].find((at) => judge(seen, T + at, settings).startsWith('pass'));
    expect(passes([{ firstSeen: T, offsets, wait }], 'address', delay)).toEqual([expected]);
  }
});

const MOVED = [
  { client: '192.0.2.1', firstSeen: T },
  { client: '192.0.2.2', firstSeen: T + 600 },
  { client: '198.51.100.1', firstSeen: T + 1200, wait: 900 },
];

test('a coarser key knows a mail that comes from another address', () => {
  expect(passes(MOVED, 'address', 60)).toEqual([2100]);
  expect(passes(MOVED, 'subnet', 60)).toEqual([600]);
  expect(passes(MOVED.slice(1), 'subnet', 60)).toEqual([2100]);
  expect(passes(MOVED.slice(1), 'pool', 60)).toEqual([1200]);
  expect(passes(MOVED, 'pool', 900)).toEqual([1200]);
});

test('whoever has passed before passes at once with the next mail, by the key only', () => {
  const later = [...MOVED, { client: '203.0.113.1', firstSeen: T + 5 * DAY, wait: 400 }];
  expect(passes(later, 'pool', 60)).toEqual([600, 5 * DAY]);
  expect(passes(later, 'address', 60)).toEqual([2100, 5 * DAY + 400]);
});

test('a retry window that is over starts anew', () => {
  const late = [
    { client: '192.0.2.1', firstSeen: T },
    { client: '192.0.2.2', firstSeen: T + 3 * DAY, wait: 400 },
  ];
  expect(passes(late, 'subnet', 60)).toEqual([undefined, 3 * DAY + 400]);
});

test('where nobody ever passed, nobody is a pool', () => {
  const bots = MOVED.map((entry) => ({ ...entry, wait: 0 }));
  expect(passes(bots, 'pool', 60)).toEqual([undefined, 600, undefined]);
});
