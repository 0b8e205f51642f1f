// greylist.pl's keys are taken apart where there is one way to do it, and only there.
import { expect, test } from 'vitest';
import { splitKey } from '../../../src/admin/import/split.ts';
import { makeRandom } from '../../support/random.ts';

test('every key of addresses with at most one @ each comes apart as it was put together', () => {
  const random = makeRandom(62);
  const local = () =>
    Array.from({ length: 1 + random.below(4) }, () => random.pick(['a', '/', '.', '+'])).join('');
  const domain = () => random.pick(['example.org', 'x', '[192.0.2.1]']);
  for (let i = 0; i < 5000; i++) {
    const sender = random.chance(0.2) ? '' : `${local()}@${domain()}`;
    const recipient = random.chance(0.1) ? '' : `${local()}@${domain()}`;
    const parts = { client: random.pick(['192.0.2.1', '2001:db8::1']), sender, recipient };
    expect(splitKey(`${parts.client}/${sender}/${recipient}`)).toEqual(parts);
  }
});

test('an address without a domain is known where a single / leaves no choice, or it is the recipient', () => {
  const at = (rest: string) => {
    const parts = splitKey(`192.0.2.1/${rest}`);
    return parts && [parts.sender, parts.recipient];
  };
  expect(at('root/bob@example.net')).toEqual(['root', 'bob@example.net']);
  expect(at('/postmaster')).toEqual(['', 'postmaster']);
  expect(at('a/b@example.org/postmaster')).toEqual(['a/b@example.org', 'postmaster']);
  expect(at('"a@b"@example.org/bob@example.net')).toEqual(['"a@b"@example.org', 'bob@example.net']);
});

test('where there is more than one way, or none, nothing is guessed', () => {
  for (const rest of [
    'root/a/b@example.net',
    '/a/b',
    'a@b/c@d/e@f',
    'a@b@c/d/e',
    'a@b/c@d/e',
    '/a@b/c@d/e',
    'no-slash',
  ]) {
    expect([rest, splitKey(`192.0.2.1/${rest}`)]).toEqual([rest, undefined]);
  }
  for (const key of ['', '/', '//', 'abc', '/a@b/c@d'])
    expect([key, splitKey(key)]).toEqual([key, undefined]);
});
