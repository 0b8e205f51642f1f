// Patterns: what each matches, and what it must not.
import { expect, test } from 'vitest';
import { addressTest, clientTest, isNetwork } from '../../src/greylist/pattern.ts';

test.each([
  ['a@example.org', ['a@example.org', 'A@EXAMPLE.ORG'], ['ba@example.org', 'a@example.org.evil.example', '']],
  [
    '@example.org',
    ['a@example.org', '@Example.org'],
    ['a@sub.example.org', 'a@badexample.org', 'example.org'],
  ],
  ['*@example.org', ['a@example.org', '@example.org'], ['a@example.org.', 'a@xexample.org']],
  ['a.b?@*', ['a.bc@x', 'A.B\xf6@'], ['aXbc@x', 'a.b@x']],
  ['', [''], ['a']],
  ['(*', ['(a', '(\n'], ['a(']],
])('the pattern %j', (pattern, yes, no) => {
  const matches = addressTest(pattern);
  expect([yes.filter((text) => !matches(text)), no.filter(matches)]).toEqual([[], []]);
});

test.each([
  [
    '192.0.2.7',
    ['192.0.2.7', '192.0.2.0/24', '::ffff:192.0.2.7'],
    ['192.0.2.8', '192.0.3.0/24', 'unknown', '192.0.2.8/31'],
  ],
  [
    '192.0.2.0/24',
    ['192.0.2.7', '192.0.2.0/24', '192.0.2.128/25'],
    ['192.0.3.7', '64.0.2.7', '192.0.0.0/16', '::1'],
  ],
  ['10.0.0.0/7', ['10.1.2.3', '11.0.0.1'], ['12.0.0.1', '9.0.0.1']],
  ['0.0.0.0/0', ['10.1.2.3'], ['2001:db8::1']],
  ['2001:db8::/32', ['2001:db8:1::1', '2001:db8:1:2::/64'], ['2001:db9::1', '10.0.0.1']],
  ['2001:DB8:0:0::1', ['2001:db8::1'], ['2001:db8::2']],
  ['example.com', ['example.com', 'Example.COM'], ['mx.example.com', '10.0.0.1']],
  ['*.example.com', ['mx.example.com'], ['example.com']],
  ['192.0.2.0/33', [], ['192.0.2.0']],
])('the client %j', (pattern, yes, no) => {
  const matches = clientTest(pattern);
  expect([yes.filter((text) => !matches(text)), no.filter(matches)]).toEqual([[], []]);
});

test('what is a network', () => {
  const networks = ['10.0.0.1', '10.0.0.0/8', '10.0.0.1/32', '::/0', '::1/128'];
  const others = [
    '10.0.0',
    '10.0.0.0/8/8',
    '10.0.0.0/33',
    '::/129',
    '10.0.0.0/',
    '10.0.0.0/+8',
    'example.com',
  ];
  expect([networks.filter((text) => !isNetwork(text)), others.filter(isNetwork)]).toEqual([[], []]);
});
