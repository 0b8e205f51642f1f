// Addresses that nobody has to greylist, at the edges of their networks.
import { expect, test } from 'vitest';
import { isOwn } from '../../../src/admin/learn/own.ts';

// The last address before a network, its first and its last one, and the one behind it ('': there is none).
test.each([
  ['', '0.0.0.0', '0.255.255.255', '1.0.0.0'],
  ['9.255.255.255', '10.0.0.0', '10.255.255.255', '11.0.0.0'],
  ['100.63.255.255', '100.64.0.0', '100.127.255.255', '100.128.0.0'],
  ['126.255.255.255', '127.0.0.0', '127.255.255.255', '128.0.0.0'],
  ['169.253.255.255', '169.254.0.0', '169.254.255.255', '169.255.0.0'],
  ['172.15.255.255', '172.16.0.0', '172.31.255.255', '172.32.0.0'],
  ['192.167.255.255', '192.168.0.0', '192.168.255.255', '192.169.0.0'],
  ['', '::', '::1', '::2'],
  ['fbff:ffff::1', 'fc00::', 'fdff:ffff::1', 'fe00::'],
  ['fe7f:ffff::1', 'fe80::', 'febf:ffff::1', 'fec0::'],
])('before %s from %s to %s and behind %s', (before, first, last, behind) => {
  expect([first, last].map(isOwn)).toEqual([true, true]);
  for (const other of [before, behind])
    if (other !== '') expect([other, isOwn(other)]).toEqual([other, false]);
});

test('the Internet is not, and an IPv4 address is the same one in IPv6', () => {
  for (const address of ['8.8.8.8', '198.51.100.1', '2001:db8::1', '2a00:1450::1', '::ffff:8.8.8.8'])
    expect([address, isOwn(address)]).toEqual([address, false]);
  expect(isOwn('::ffff:10.0.0.1')).toBe(true);
});
