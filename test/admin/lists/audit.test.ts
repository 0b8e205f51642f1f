// What the audit says of entries: by the matchers of the filter, so that nothing is called dead weight that is not.
import { expect, test } from 'vitest';
import { auditClients, auditRecipients, type HitsOf } from '../../../src/admin/lists/audit.ts';

const unrecorded: HitsOf = () => undefined;
const files = (...texts: string[]) =>
  texts.map((text, i) => ({ path: `/file${i}`, bytes: Buffer.from(text, 'latin1') }));

/** Each entry that is shadowed, as `text < what matches in its place`. */
function shadows(audit: typeof auditClients, ...texts: string[]): string[] {
  return audit(files(...texts), unrecorded).flatMap(({ entries }) =>
    entries.flatMap(({ text, by }) =>
      by === undefined ? [] : [`${text} < ${by.file}:${by.line} ${by.text}`],
    ),
  );
}

test('names below a listed domain, and lines that are there twice', () => {
  expect(
    shadows(auditClients, 'mx.example.com\nexample.com # all\nEXAMPLE.com\nnotexample.com\n/^a/\n/^a/\n'),
  ).toEqual([
    'mx.example.com < /file0:2 example.com',
    'EXAMPLE.com < /file0:2 example.com',
    '/^a/ < /file0:5 /^a/',
  ]);
});

test('addresses and networks inside a listed network, never the wider one', () => {
  expect(
    shadows(
      auditClients,
      '10.0.0.1\n10.0.0.0/24\n10.0.0.0/8\n192.168\n192.168.7.9\n192.168.3.0/24\n198.51.100.1\n' +
        '2001:db8::/32\n2001:db8:1::/48\n[2001:db8::1]\n64:ff9b::/96\n',
    ),
  ).toEqual([
    '10.0.0.1 < /file0:3 10.0.0.0/8',
    '10.0.0.0/24 < /file0:3 10.0.0.0/8',
    '192.168.7.9 < /file0:4 192.168',
    '192.168.3.0/24 < /file0:4 192.168',
    '2001:db8:1::/48 < /file0:8 2001:db8::/32',
    '[2001:db8::1] < /file0:8 2001:db8::/32',
  ]);
});

test('a network that is there twice, in this file or another, however it is written', () => {
  expect(
    shadows(auditClients, '10.0.0.0/24\n192.0.2.1\n10.0.0\n', '10.0.0.9/24\n192.0.2.1\n2001:db8::/32\n'),
  ).toEqual([
    '10.0.0 < /file0:1 10.0.0.0/24',
    '10.0.0.9/24 < /file0:1 10.0.0.0/24',
    '192.0.2.1 < /file0:2 192.0.2.1',
  ]);
});

test('an earlier file takes what it covers whole, and only that', () => {
  expect(
    shadows(
      auditClients,
      '10.0.0.0/24\nmx.example.com\nexample.org\n/^example\\.net$/\n',
      '10.0.0.0/8\n10.0.0.7\nexample.com\nmx.example.org\nexample.net\n',
    ),
  ).toEqual(['10.0.0.7 < /file0:1 10.0.0.0/24', 'mx.example.org < /file0:3 example.org']);
});

test('recipients: users of a listed domain, and addresses of a listed user', () => {
  expect(
    shadows(
      auditRecipients,
      'ann@example.com\nexample.com\nsub.example.com\nbob@\nbob@example.org\nbob+x@\nzoe@example.org\nzoe+x@example.org\n',
      'bob@example.edu\n',
    ),
  ).toEqual([
    'ann@example.com < /file0:2 example.com',
    'sub.example.com < /file0:2 example.com',
    'bob+x@ < /file0:4 bob@',
    'zoe+x@example.org < /file0:7 zoe@example.org',
    'bob@example.edu < /file0:4 bob@',
  ]);
});

test('hits, what was never hit since recording began, and what cannot be read', () => {
  const records: Record<string, ReturnType<HitsOf>> = {
    '': { count: 3, last: 900, since: 500 },
    'example.com': { count: 3, last: 900, since: 600 },
  };
  const hitsOf: HitsOf = (file, text) => (file === '/file0' ? records[text] : undefined);
  const [first, second] = auditClients(
    files('example.com\nexample.org\n*.example.net\n/(/\n', 'example.edu\n'),
    hitsOf,
  );
  expect(first).toMatchObject({
    since: 500,
    entries: [
      { line: 1, state: 'hit', hits: 3, last: 900 },
      { line: 2, state: 'dead', hits: 0, last: 0 },
      { line: 3, state: 'malformed', trouble: expect.stringContaining('is no name') },
      { line: 4, state: 'malformed', trouble: expect.stringContaining('regular expression') },
    ],
  });
  // Nobody has counted for this file: silence proves nothing.
  expect(second).toMatchObject({ since: 0, entries: [{ state: 'unused' }] });
});
