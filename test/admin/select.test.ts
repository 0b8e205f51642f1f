// Which records and releases --client, --sender and --recipient are about.
import { expect, test } from 'vitest';
import {
  checkClient,
  describeSelection,
  loosely,
  mayConcern,
  needed,
  recordTest,
  type Selection,
  selectionOf,
} from '../../src/admin/select.ts';
import type { Entry } from '../../src/store/admin/entry.ts';
import { triple } from './report/made.ts';

const client: Entry = { kind: 'client', client: '192.0.2.1', comeBacks: 3, lastSeen: 1_764_000_000 };
const matches = (selection: Selection, changes = {}) => recordTest(selection)(triple(changes));

test('a record has to match all that is given, whatever the case', () => {
  const all = { client: '192.0.2.0/24', sender: '@EXAMPLE.org', recipient: 'B?b@*' };
  expect(matches(all)).toBe(true);
  expect(matches(all, { sender: 'Ann@Example.ORG', recipient: 'BOB@x' })).toBe(true);
  expect(matches(all, { client: '192.0.3.1' })).toBe(false);
  expect(matches(all, { sender: 'ann@sub.example.org' })).toBe(false);
  expect(matches(all, { recipient: 'bb@example.net' })).toBe(false);
  expect(matches({})).toBe(true);
});

test("a client's own record matches only where neither a sender nor a recipient is given", () => {
  expect(recordTest({ client: '192.0.2.1' })(client)).toBe(true);
  expect(recordTest({ client: '192.0.2.2' })(client)).toBe(false);
  expect(recordTest({})(client)).toBe(true);
  expect(recordTest({ client: '192.0.2.1', sender: '*' })(client)).toBe(false);
  expect(recordTest({ client: '192.0.2.1', recipient: '' })(client)).toBe(false);
});

test('a command that only looks finds a text anywhere; patterns, domains, networks and the empty one stay', () => {
  expect(loosely({ client: 'mx', sender: 'ann', recipient: 'bob@' })).toEqual({
    client: '*mx*',
    sender: '*ann*',
    recipient: '*bob@*',
  });
  for (const exact of [
    { client: '192.0.2.1' },
    { client: '2001:db8::/32' },
    { sender: '' },
    { sender: '@example.org' },
    { recipient: 'b?b' },
    { recipient: 'b*' },
  ])
    expect(loosely(exact)).toEqual(exact);
});

test('a release may concern the mail that is asked for where either contains the other', () => {
  const release = { client: '192.0.2.0/24', sender: '@shop.example.com' };
  expect(mayConcern(release, {})).toBe(true);
  expect(mayConcern(release, { recipient: 'bob@example.net' })).toBe(true);
  expect(mayConcern(release, { client: '192.0.2.7', sender: 'orders@shop.example.com' })).toBe(true);
  expect(mayConcern(release, { client: '192.0.0.0/16', sender: 'SHOP' })).toBe(true);
  expect(mayConcern(release, { client: '198.51.100.7' })).toBe(false);
  expect(mayConcern(release, { sender: '' })).toBe(false);
  expect(mayConcern({ recipient: 'ann@example.net' }, { recipient: 'bob' })).toBe(false);
  expect(mayConcern(release, { sender: 'orders@example.com' })).toBe(false);
  expect(mayConcern({ client: '*.example.com' }, { client: 'mx.example.com' })).toBe(true);
});

test('what would change nothing, or more than was meant, is refused', () => {
  const refused = [
    {},
    { client: '' },
    { client: '192.0.2' },
    { client: '192.0.2.0/33' },
    { client: '2001:db8' },
    { client: 'a/b' },
    { sender: 'example.org' },
    { recipient: 'bob' },
  ];
  for (const selection of refused)
    expect(() => needed(selection, 'forget'), JSON.stringify(selection)).toThrow(
      expect.objectContaining({ name: 'UsageError' }),
    );
  const taken = [
    { client: '192.0.2.*' },
    { client: 'mx.example.org' },
    { client: '2001:db8::/32' },
    { sender: '' },
    { sender: '@example.org' },
    { recipient: '*bob' },
  ];
  for (const selection of taken) expect(needed(selection, 'forget')).toBe(selection);
  expect(() => needed({}, 'forget')).toThrow(/^forget: say which, /);
  expect(() => checkClient({})).not.toThrow();
});

test('for messages, as it can be typed', () => {
  const given = { client: '192.0.2.1', sender: '', recipient: undefined };
  expect(describeSelection(selectionOf(given))).toBe("--client 192.0.2.1 --sender ''");
  expect(describeSelection({ recipient: 'j\xc3\xb6rg@*' })).toBe('--recipient jörg@*');
  expect(selectionOf(given)).toEqual({ client: '192.0.2.1', sender: '' });
});
