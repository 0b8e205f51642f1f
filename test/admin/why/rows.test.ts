// What people read of an explanation, step by step, on planted records.
import { expect, test } from 'vitest';
import { day, localTime, localTimeAgo } from '../../../src/admin/text.ts';
import { explain } from '../../../src/admin/why/explain.ts';
import { rowsOf } from '../../../src/admin/why/rows.ts';
import { filterArguments, type Words } from '../../../src/cli/arguments.ts';
import { policyFrom } from '../../../src/filter/policy.ts';
import { emptyRequest, type PolicyRequest, REQUEST_TYPE } from '../../../src/greylist/request.ts';
import type { Peek } from '../../../src/store/admin/peek.ts';
import { newTriple } from '../../../src/store/lmdb/triples.ts';

const NOW = 1_700_000_000;
const DAY = 86_400;
const REQUEST = {
  ...emptyRequest(),
  request: REQUEST_TYPE,
  protocol_state: 'RCPT',
  client_address: '192.0.2.1',
  client_name: 'unknown',
  sender: 'a@example.org',
  recipient: 'b@example.net',
};
const WAITING = newTriple(NOW - 30);

/** The rows by their names; the second one has none. */
async function why(peek: Partial<Peek> = {}, words: Words = {}, request: Partial<PolicyRequest> = {}) {
  const settings = filterArguments(words);
  const policy = policyFrom(settings, { warn: expect.unreachable, now: () => NOW, later() {} });
  const found = { missing: false, triple: undefined, client: undefined, releases: [], ...peek };
  const asked = { ...REQUEST, ...request };
  const rows = rowsOf(await explain(asked, settings, policy, NOW, () => found), settings, NOW);
  return Object.fromEntries(rows) as Record<string, string>;
}

test('of what was never seen, each step in its order', async () => {
  const rows = await why();
  expect(Object.entries(rows)).toEqual([
    ['request', 'client 192.0.2.1 (unknown)'],
    ['', 'sender a@example.org, recipient b@example.net'],
    ['exception', 'none: it is greylisted'],
    ['client key', '192.0.2.1 (--client-key address)'],
    ['sender key', 'a@example.org (as it is)'],
    ['auto-whitelist', '0 come-backs; whitelisted with more than 10'],
    ['record', 'none'],
    ['verdict', 'new: deferred for 1 min (--delay), 61 s left'],
    ['answer', 'defer_if_permit Service is unavailable'],
  ]);
});

test.each<[string, Partial<Peek>, string, string]>([
  [
    'waits',
    { triple: WAITING },
    `first seen ${localTimeAgo(NOW - 30, NOW)}, deferred 1 time, waiting`,
    'too early: first seen no more than 1 min ago (--delay), 31 s left',
  ],
  [
    'has passed',
    { triple: { ...WAITING, firstSeen: NOW - 999, passed: true, lastPassed: NOW - 500, deferrals: 2 } },
    `first seen ${localTimeAgo(NOW - 999, NOW)}, deferred 2 times, passed, last ${localTime(NOW - 500)} or within the hour after`,
    'passes: first seen more than 1 min ago (--delay)',
  ],
  [
    'has expired',
    { triple: { ...WAITING, firstSeen: NOW - 3 * DAY } },
    `first seen ${localTimeAgo(NOW - 3 * DAY, NOW)}, deferred 1 time, waiting; expired, so that it starts anew`,
    'new: deferred for 1 min (--delay), 61 s left',
  ],
  [
    'is of the future',
    { triple: { ...WAITING, firstSeen: NOW + 1 } },
    `first seen ${localTimeAgo(NOW + 1, NOW)}, deferred 1 time, waiting; the clock was set back, so that it starts anew`,
    'new: deferred for 1 min (--delay), 61 s left',
  ],
])('a triple that %s', async (_, peek, record, verdict) => {
  expect(await why(peek)).toMatchObject({ record, verdict });
});

test.each<[string, number, number, Words, string]>([
  ['counts', 11, NOW, {}, `11 come-backs, last seen ${day(NOW)}; whitelisted with more than 10`],
  [
    'counts no more',
    1,
    NOW - 40 * DAY,
    {},
    `1 come-back, last seen ${day(NOW - 40 * DAY)}, expired; whitelisted with more than 10`,
  ],
  [
    'is not asked for',
    11,
    NOW,
    { 'auto-whitelist': ['0'] },
    `11 come-backs, last seen ${day(NOW)}; off (--auto-whitelist 0)`,
  ],
])('a client whose auto-whitelisting %s', async (what, comeBacks, lastSeen, words, text) => {
  const rows = await why({ client: { comeBacks, lastSeen } }, words);
  expect(rows['auto-whitelist']).toBe(text);
  expect(rows.verdict === 'passes: the client is whitelisted').toBe(what === 'counts');
});

test('where there is no database that is said, where there is one it is not', async () => {
  expect(await why({ missing: true }, { db: ['/nowhere/g.mdb'] })).toMatchObject({
    database: '/nowhere/g.mdb does not exist yet',
  });
  expect(await why()).not.toHaveProperty('database');
});

test('what lets it pass for now, and what it would get', async () => {
  const release = { sender: 'a@example.org', recipient: 'b@\x1b', until: NOW + 60 };
  const rows = await why({ releases: [release] }, {}, { recipient: 'b@\x1b' });
  expect(rows).toMatchObject({
    release: `passes until ${localTime(NOW + 60)}: --sender a@example.org --recipient b@\\x1b`,
    answer: 'dunno',
  });
  expect(await why({}, { greylist: ['observe'] })).toMatchObject({
    answer: 'dunno (it would be: defer_if_permit Service is unavailable)',
  });
  expect(await why()).not.toHaveProperty('release');
});

test('the keys, as options make them, and what the client says of itself', async () => {
  const words = { 'client-key': ['subnet'], 'sender-key': ['normalised'] };
  expect(await why({}, words, { client_name: 'mx.example.org', helo_name: 'mx\x07' })).toMatchObject({
    request: 'client 192.0.2.1 (mx.example.org, HELO mx\\x07)',
    'client key': '192.0.2.0/24 (--client-key subnet)',
    'sender key': 'a@example.org (--sender-key normalised)',
  });
});

test('an exception ends it, and so does what is no question', async () => {
  const excepted = await why({}, {}, { sasl_username: 'ann' });
  expect(Object.keys(excepted)).toEqual(['request', '', 'exception', 'answer']);
  expect(excepted).toMatchObject({ exception: 'authenticated', answer: 'dunno' });
  const other = await why({}, {}, { request: 'other' });
  expect(Object.keys(other)).toEqual(['request', '', 'answer']);
  expect(other.answer).toMatch(/^none: it has no request=smtpd_access_policy; /);
});

test('an exception of a list is shown with its entry, wherever that stands', () => {
  const { client_address, client_name, helo_name, sender, recipient } = REQUEST;
  const entry = { file: '/etc/list', line: 7, text: 'b@\x1b' };
  const said = {
    request: { client_address, client_name, helo_name, sender, recipient },
    exception: { rule: 'recipient list', entry },
    left: 0,
    action: 'dunno',
  } as const;
  expect(rowsOf(said, filterArguments({}), NOW)).toContainEqual([
    'exception',
    'recipient list: /etc/list, line 7: b@\\x1b',
  ]);
});
