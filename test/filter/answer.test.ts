// A request's whole way: exceptions, decision, reply; on the real store, with a clock that is a number.
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { filterArguments, type Words } from '../../src/cli/arguments.ts';
import { newAnswer } from '../../src/filter/answer.ts';
import { policyFrom } from '../../src/filter/policy.ts';
import { emptyRequest, type PolicyRequest } from '../../src/greylist/request.ts';
import type { Store } from '../../src/store/store.ts';
import { storeAt } from '../store/opened.ts';
import { useScratch } from '../support/scratch.ts';

const DEFERRED = 'defer_if_permit Service is unavailable';
const scratch = useScratch('of each');
let store: Store;
let now = 1_700_000_000;
const logged: string[] = [];

beforeEach(() => {
  logged.length = 0;
  const limits = { retryWindow: 172_800, maxAge: 3_024_000, maxWaiting: 1_000_000 };
  store = storeAt(path.join(scratch.path, 'greylist.mdb'), limits, (what) => void logged.push(what));
});
afterEach(() => store.close());

/** Asks a filter with these options. */
function filterWith(words: Words = {}): (changes?: Partial<PolicyRequest>) => string | undefined {
  const settings = filterArguments({ db: [path.join(scratch.path, 'greylist.mdb')], ...words });
  const log = {
    write: (_: string, text: string) => void logged.push(text),
    close: (done: () => void) => done(),
  };
  const answer = newAnswer(
    store,
    policyFrom(settings, { warn: (text) => void logged.push(text), now: () => now }),
    log,
    () => now,
  );
  return (changes) =>
    answer({
      ...emptyRequest(),
      request: 'smtpd_access_policy',
      protocol_state: 'RCPT',
      client_address: '192.0.2.1',
      client_name: 'mail.example.org',
      helo_name: 'mail.example.org',
      sender: 'ann@example.org',
      recipient: 'bob@example.net',
      ...changes,
    });
}

describe('not greylisted is', () => {
  test('an authenticated user, and nothing is stored', () => {
    const ask = filterWith();
    expect(ask({ sasl_username: 'ann' })).toBe('dunno');
    now += 1000;
    expect(ask()).toBe(DEFERRED);
  });

  test.each(['CONNECT', 'HELO', 'EHLO', 'XCLIENT', 'VRFY', 'ETRN'])(
    'a request at %s: there is no mail yet',
    (state) => {
      expect(filterWith()({ protocol_state: state, sender: '', recipient: '' })).toBe('dunno');
    },
  );

  test('mail to postmaster and abuse, where the administrator says so', () => {
    for (const recipient of ['postmaster@example.net', 'Abuse@example.net', 'Postmaster']) {
      expect(filterWith()({ recipient })).toBe(DEFERRED);
      expect(filterWith({ 'role-accounts': ['true'] })({ recipient })).toBe('dunno');
    }
    expect(filterWith({ 'role-accounts': ['true'] })({ recipient: 'not-abuse@example.net' })).toBe(DEFERRED);
  });

  test('an excepted recipient', () => {
    const ask = filterWith({ 'except-recipient': ['Bob@example.net', 'codes@', 'j\u00fcrgen@example.net'] });
    expect(ask()).toBe('dunno');
    expect(ask({ recipient: 'J\xc3\xbcrgen@example.net' })).toBe('dunno'); // as Postfix sends it
    expect(ask({ recipient: 'codes' })).toBe('dunno');
    expect(ask({ recipient: 'codes@any.example' })).toBe('dunno');
    expect(ask({ recipient: 'bob@other.example' })).toBe(DEFERRED);
  });

  test('who looks like a mail server, with --greylist suspicious', () => {
    const ask = filterWith({ greylist: ['suspicious'] });
    expect(ask()).toBe('dunno');
    expect(ask({ client_name: 'unknown' })).toBe(DEFERRED);
    expect(ask({ helo_name: 'mx.example.net' })).toBe(DEFERRED); // pretends to be of the recipient's domain
  });
});

test.each(['DATA', 'END-OF-MESSAGE', 'MAIL', ''])(
  'at %j the triple is judged, an empty recipient being a value',
  (protocol_state) => {
    const ask = filterWith();
    expect(ask({ protocol_state, recipient: '' })).toBe(DEFERRED);
    now += 61;
    expect(ask({ protocol_state, recipient: '' })).toBe('dunno');
  },
);

test('pools and normalised senders are one client and one sender', () => {
  const ask = filterWith({ 'client-key': ['subnet'], 'sender-key': ['normalised'] });
  expect(ask({ sender: 'prvs=1234abcdef=ann@example.org' })).toBe(DEFERRED);
  now += 61;
  expect(ask({ client_address: '192.0.2.77', sender: 'prvs=5678abcdef=ann@example.org' })).toBe('dunno');
  expect(ask({ client_address: '192.0.3.77', sender: 'prvs=5678abcdef=ann@example.org' })).toBe(DEFERRED);
});

test('--greylist observe stores and logs, and defers nobody', () => {
  const ask = filterWith({ greylist: ['observe'] });
  expect(ask()).toBe('dunno');
  expect(logged.at(-1)).toMatch(/^would have answered defer_if_permit .*client=192\.0\.2\.1/);
  now += 61;
  expect(filterWith()()).toBe('dunno'); // it is known by now
});

test('what would have been answered is told of one sender and one recipient, whatever they are called', () => {
  const ask = filterWith({ greylist: ['observe'] });
  ask({ sender: '"a, recipient=b\\\\@x"@example.org', recipient: 'c@example.org' });
  expect(logged.at(-1)).toMatch(
    /, sender="a\\x2c\\x20recipient=b\\x5c\\x5c@x"@example\.org, recipient=c@example\.org$/,
  );
});

test('--dry-run stores nothing', () => {
  const ask = filterWith({ 'dry-run': ['true'] });
  expect(ask()).toBe('dunno');
  now += 61;
  expect(ask()).toBe('dunno');
  expect(logged).toHaveLength(2);
  expect(filterWith()()).toBe(DEFERRED);
});

test('--header tells of the delay, at the first pass of a message that was deferred', () => {
  const ask = filterWith({ header: ['true'] });
  expect(ask({ instance: 'x.1' })).toBe(DEFERRED);
  expect(ask({ instance: 'x.1', recipient: 'eve@example.net' })).toBe(DEFERRED);
  now += 300;
  expect(ask({ instance: 'x.2' })).toMatch(/^prepend X-Greylist: delayed 300 seconds by greylatch at /);
  expect(ask({ instance: 'x.2', recipient: 'eve@example.net' })).toBe('dunno');
  expect(ask({ instance: 'x.3' })).toBe('dunno');
});

test('no header where nobody was deferred, nor where it would be too late for one', () => {
  const observe = filterWith({ header: ['true'], greylist: ['observe'] });
  expect(observe({ sender: 'eve@example.org', instance: 'y.1' })).toBe('dunno');
  const ask = filterWith({ header: ['true'] });
  const last = { protocol_state: 'END-OF-MESSAGE', instance: 'y.2' };
  expect(ask(last)).toBe(DEFERRED);
  now += 300;
  expect(observe({ sender: 'eve@example.org', instance: 'y.3' })).toBe('dunno');
  expect(ask(last)).toBe('dunno');
});

test('a mail that an administrator lets pass was delayed all the same', () => {
  const ask = filterWith({ header: ['true'] });
  expect(ask({ instance: 'z.1' })).toBe(DEFERRED);
  now += 20;
  store.releases = () => [{ recipient: 'bob@example.net', until: now }];
  expect(ask({ instance: 'z.2' })).toMatch(/^prepend X-Greylist: delayed 20 seconds /);
  expect(ask({ instance: 'z.3', sender: 'eve@example.org' })).toBe('dunno'); // never seen before
});

test('a deferral tells how many seconds are left until a mail that comes back passes', () => {
  const ask = filterWith({ text: ['%s of %d'], delay: ['60'] });
  expect(ask()).toBe('defer_if_permit 61 of 60');
  now += 60;
  expect(ask()).toBe('defer_if_permit 1 of 60');
  now += 1;
  expect(ask()).toBe('dunno');
});

test('what an administrator lets pass is noted as passed: it passes when that is over, too; not in a dry run', () => {
  const over = store.releases;
  const releases = () => [{ recipient: 'bob@example.net', until: now }];
  const ask = filterWith();
  const idle = filterWith({ 'dry-run': ['true'] });
  expect(ask()).toBe(DEFERRED);
  expect(ask({ sender: 'eve@example.org' })).toBe(DEFERRED);
  store.releases = releases;
  expect(ask()).toBe('dunno');
  expect(idle({ sender: 'eve@example.org' })).toBe('dunno');
  store.releases = over;
  const triple = { client: '192.0.2.1', sender: 'ann@example.org', recipient: 'bob@example.net' };
  expect(store.look(triple, now)).toMatchObject({ passed: true, comeBacks: 0 });
  expect(store.look({ ...triple, sender: 'eve@example.org' }, now)).toMatchObject({ passed: false });
});

test('trouble with releases defers, as was decided, and is told', () => {
  store.releases = () => {
    throw new Error('no database');
  };
  expect(filterWith()()).toBe(DEFERRED);
  expect(logged).toEqual(['no database; a release may not be seen meanwhile']);
});

test('trouble with the store defers nobody where nobody is to be deferred', () => {
  store.look = () => {
    throw new Error('no database');
  };
  expect(filterWith({ 'on-error': ['defer'] })()).toBe(DEFERRED);
  expect(filterWith({ 'on-error': ['defer'], greylist: ['observe'] })()).toBe('dunno');
  expect(filterWith({ 'on-error': ['defer'], 'dry-run': ['true'] })()).toBe('dunno');
  expect(filterWith({ 'on-error': ['exit'] })()).toBeUndefined();
});

test('trouble with a note leaves the answer as it is, and is told', () => {
  const ask = filterWith();
  expect(ask()).toBe(DEFERRED);
  now += 61;
  store.pass = () => {
    throw new Error('no space left');
  };
  expect(filterWith({ 'on-error': ['defer'] })()).toBe('dunno');
  expect(logged).toEqual(['no space left; the answer stands, but is not noted']);
});

test.each([0x1_0000_0000, 0, -1])(
  'a clock that says %d is trouble: what it says cannot be on record',
  (time) => {
    const before = now;
    now = time;
    expect(filterWith()()).toBe('dunno');
    expect(filterWith({ 'on-error': ['defer'] })()).toBe(DEFERRED);
    expect(logged).toEqual(Array(2).fill(expect.stringMatching(/^the clock says .*2106 or later/)));
    now = before;
  },
);

test('--privacy decides the same, and puts no address on the disk', async () => {
  const ask = filterWith({ privacy: ['true'] });
  expect(ask()).toBe(DEFERRED);
  expect(ask({ sender: 'ANN@example.org' })).toBe(DEFERRED);
  now += 61;
  expect(ask({ sender: 'Ann@Example.org' })).toBe('dunno');
  expect(ask({ sender: 'eve@example.org' })).toBe(DEFERRED);
  store.close();
  const { scan } = await import('../../src/store/admin/scan.ts');
  const found = [...scan(path.join(scratch.path, 'greylist.mdb'))!.entries];
  expect(found.length).toBeGreaterThanOrEqual(2);
  for (const entry of found) expect(JSON.stringify(entry)).not.toMatch(/ann|bob|192|example/);
});

test('a key of --privacy that is none is trouble with the store', async () => {
  const { writeFileSync } = await import('node:fs');
  writeFileSync(path.join(scratch.path, 'greylist.mdb.secret'), 'short');
  expect(filterWith({ privacy: ['true'] })()).toBe('dunno');
  expect(logged.at(-1)).toMatch(/greylist\.mdb\.secret is not the key of --privacy/);
});
