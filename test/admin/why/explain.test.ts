// The verdict to the second, at each bound, on planted records.
import { expect, test } from 'vitest';
import { explain } from '../../../src/admin/why/explain.ts';
import { filterArguments, type Words } from '../../../src/cli/arguments.ts';
import { policyFrom } from '../../../src/filter/policy.ts';
import { emptyRequest, type PolicyRequest, REQUEST_TYPE } from '../../../src/greylist/request.ts';
import type { Peek } from '../../../src/store/admin/peek.ts';
import { newTriple } from '../../../src/store/lmdb/triples.ts';
import type { TripleRecord } from '../../../src/store/records/record.ts';

const NOW = 1_700_000_000;
const DAY = 86_400;
const DEFERRAL = 'defer_if_permit Service is unavailable';
const REQUEST = {
  ...emptyRequest(),
  request: REQUEST_TYPE,
  protocol_state: 'RCPT',
  client_address: '192.0.2.1',
  client_name: 'unknown',
  sender: 'a@example.org',
  recipient: 'b@example.net',
  instance: '1.2.3',
};

const waiting = (age: number) => newTriple(NOW - age);
const passed = (age: number): TripleRecord => ({
  ...waiting(age + 100),
  passed: true,
  lastPassed: NOW - age,
  wait: 100,
});

function why(peek: Partial<Peek>, words: Words = {}, request: Partial<PolicyRequest> = {}) {
  const settings = filterArguments(words);
  const policy = policyFrom(settings, { warn: expect.unreachable, now: () => NOW, later() {} });
  const found = { missing: false, triple: undefined, client: undefined, releases: [], ...peek };
  return explain({ ...REQUEST, ...request }, settings, policy, NOW, () => found);
}

test.each<[string, Partial<Peek>, Words, string, number]>([
  ['never seen', {}, {}, 'new', 61],
  ['just seen', { triple: waiting(0) }, {}, 'too early', 61],
  ['a second too early', { triple: waiting(60) }, {}, 'too early', 1],
  ['not too early', { triple: waiting(61) }, {}, 'old enough', 0],
  ['just in time', { triple: waiting(2 * DAY) }, {}, 'old enough', 0],
  ['too late', { triple: waiting(2 * DAY + 1) }, {}, 'new', 61],
  ['never too late', { triple: waiting(200 * DAY) }, { 'retry-window': ['0'] }, 'old enough', 0],
  ['seen in the future', { triple: waiting(-1) }, {}, 'new', 61],
  ['passed long ago', { triple: passed(36 * DAY) }, {}, 'old enough', 0],
  ['passed too long ago', { triple: passed(36 * DAY + 1) }, {}, 'new', 61],
  ['come back as often as counts', { client: { comeBacks: 11, lastSeen: NOW } }, {}, 'auto-whitelisted', 0],
  [
    'come back twice, where once is enough',
    { client: { comeBacks: 2, lastSeen: NOW } },
    { 'auto-whitelist': ['1'] },
    'auto-whitelisted',
    0,
  ],
  ['once less', { client: { comeBacks: 10, lastSeen: NOW } }, {}, 'new', 61],
  [
    'once less, of a triple that has passed',
    { triple: passed(0), client: { comeBacks: 10, lastSeen: NOW } },
    {},
    'old enough',
    0,
  ],
  ['long ago', { client: { comeBacks: 11, lastSeen: NOW - 36 * DAY } }, {}, 'auto-whitelisted', 0],
  ['too long ago', { client: { comeBacks: 11, lastSeen: NOW - 36 * DAY - 1 } }, {}, 'new', 61],
  [
    'passed, where no client is let in',
    { triple: passed(0), client: { comeBacks: 11, lastSeen: NOW } },
    { 'auto-whitelist': ['0'] },
    'old enough',
    0,
  ],
])('%s', async (_, peek, words, verdict, left) => {
  const said = await why(peek, words);
  expect(said).toMatchObject({ verdict, left, action: left > 0 ? DEFERRAL : 'dunno' });
  expect(said).not.toHaveProperty('instead');
  expect(said.record?.expired ?? false).toBe(peek.triple !== undefined && verdict === 'new');
});

test('the client’s come-backs are shown, and whether they count', async () => {
  const counted = async (lastSeen: number) =>
    (await why({ client: { comeBacks: 7, lastSeen } })).autoWhitelist;
  const [some, old] = [NOW - 36 * DAY, NOW - 36 * DAY - 1];
  expect(await counted(some)).toEqual({ comeBacks: 7, moreThan: 10, lastSeen: some, expired: false });
  expect(await counted(old)).toEqual({ comeBacks: 7, moreThan: 10, lastSeen: old, expired: true });
  expect((await why({})).autoWhitelist).toEqual({ comeBacks: 0, moreThan: 10, lastSeen: 0, expired: false });
});

test.each<[string, Words]>([
  ['--greylist observe', { greylist: ['observe'] }],
  ['--dry-run', { 'dry-run': ['true'] }],
])('with %s all pass, and what they would get is shown', async (_, words) => {
  expect(await why({}, words)).toMatchObject({ left: 61, action: 'dunno', instead: DEFERRAL });
  const nearly = await why({ triple: waiting(60) }, words);
  expect(nearly).toMatchObject({ left: 1, action: 'dunno', instead: DEFERRAL });
  const late = await why({ triple: waiting(61) }, { ...words, header: ['true'] });
  expect(late.action).toBe('dunno');
  expect(late).not.toHaveProperty('instead');
});

test('what is released passes', async () => {
  const release = { recipient: 'b@example.net', until: NOW };
  for (const triple of [undefined, waiting(0), waiting(60)]) {
    const said = await why({ triple, releases: [release] });
    expect(said).toMatchObject({ left: 0, release, action: 'dunno' });
    expect(said.verdict).toMatch(/^(new|too early)$/);
  }
  const old = await why({ releases: [{ ...release, until: NOW - 1 }] });
  expect(old).toMatchObject({ left: 61, action: DEFERRAL });
  expect(old).not.toHaveProperty('release');
  // Where it passes by itself, no release is why.
  expect(await why({ triple: waiting(61), releases: [release] })).not.toHaveProperty('release');
});

test('the header says how long a mail was delayed, once it passes', async () => {
  const action = async (peek: Partial<Peek>, request: Partial<PolicyRequest> = {}) =>
    (await why(peek, { header: ['true'] }, request)).action;
  const releases = [{ until: NOW }];
  expect(await action({ triple: waiting(61) })).toMatch(/^prepend X-Greylist: delayed 61 seconds /);
  expect(await action({ triple: waiting(1), releases })).toMatch(/^prepend X-Greylist: delayed 1 seconds /);
  expect(await action({ triple: waiting(0), releases })).toBe('dunno');
  expect(await action({ releases })).toBe('dunno');
  expect(await action({ triple: waiting(60) })).toBe(DEFERRAL);
  expect(await action({ triple: passed(100) })).toBe('dunno');
  expect(await action({ triple: waiting(61) }, { protocol_state: 'END-OF-MESSAGE' })).toBe('dunno');
  expect((await why({ triple: waiting(61) })).action).toBe('dunno');
  const client = { comeBacks: 11, lastSeen: NOW };
  expect(await action({ client })).toBe('dunno');
  expect(await action({ client, triple: waiting(30) })).toMatch(/^prepend X-Greylist: delayed 30 seconds /);
});

test('nothing is looked up for what is no question, or is excepted', async () => {
  const settings = filterArguments({});
  const policy = policyFrom(settings, { warn: expect.unreachable, now: () => NOW, later() {} });
  const asked = (request: Partial<PolicyRequest>) =>
    explain({ ...REQUEST, ...request }, settings, policy, NOW, () => expect.unreachable());
  const { client_address, client_name, helo_name, sender, recipient } = REQUEST;
  const request = { client_address, client_name, helo_name, sender, recipient };
  expect(await asked({ request: 'other' })).toEqual({ request, left: 0, action: undefined });
  expect(await asked({ sasl_username: 'ann' })).toEqual({
    request,
    exception: { rule: 'authenticated' },
    left: 0,
    action: 'dunno',
  });
});
