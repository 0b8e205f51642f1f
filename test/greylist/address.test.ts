// Addresses: every spelling of them, and the one of a subnet.
import { isIP } from 'node:net';
import { describe, expect, test } from 'vitest';
import { parseAddress, subnetText } from '../../src/greylist/address.ts';
import { makeRandom } from '../support/random.ts';

const subnet = (text: string, prefix: number) => {
  const bytes = parseAddress(text);
  return bytes && subnetText(bytes, prefix);
};

test('a text is an address exactly where Node says so', () => {
  const random = makeRandom(3);
  const parts = [
    '1',
    '0',
    '255',
    '256',
    '01',
    '.',
    '.',
    ':',
    ':',
    '::',
    'f',
    'FFFF',
    '12345',
    '1.2.3.4',
    'g',
    ' ',
  ];
  let addresses = 0;
  for (let i = 0; i < 20_000; i++) {
    const text = Array.from({ length: 1 + random.below(15) }, () => random.pick(parts)).join('');
    const known = isIP(text) !== 0;
    if (known) addresses++;
    if ((parseAddress(text) !== undefined) !== known) expect.unreachable(text);
  }
  expect(addresses).toBeGreaterThan(100);
  const longest = `${'1234:'.repeat(6)}255.255.255.255`;
  expect(parseAddress(longest)).toHaveLength(16);
  for (const more of ['1', '\u{1f4ec}', ' '.repeat(20), ' '.repeat(99)])
    expect(parseAddress(longest + more)).toBeUndefined();
  // A control character is no digit, though but one bit tells it from one.
  for (const text of ['', 'unknown', 'fe80::1%eth0', '::\x11', '2001:db8::1\x19'])
    expect(parseAddress(text)).toBeUndefined();
});

describe('subnets', () => {
  test.each([
    ['192.0.2.77', 24, '192.0.2.0/24'],
    ['192.0.2.77', 32, '192.0.2.77/32'],
    ['192.0.255.77', 19, '192.0.224.0/19'],
    ['192.0.2.77', 0, '0.0.0.0/0'],
    ['::ffff:192.0.2.77', 24, '192.0.2.0/24'],
    ['0:0:0:0:0:FFFF:c000:24d', 24, '192.0.2.0/24'],
    ['2001:db8:1:2:3:4:5:6', 64, '2001:db8:1:2::/64'],
    ['2001:DB8:0001:0002::1', 64, '2001:db8:1:2::/64'],
    ['2001:db8::1:0:0:1', 128, '2001:db8::1:0:0:1/128'],
    ['2001:db8:1:0:2:0:3:0', 128, '2001:db8:1:0:2:0:3:0/128'],
    ['2001:db8:ffff::', 44, '2001:db8:fff0::/44'],
    ['::1', 64, '::/64'],
    ['64:ff9b::192.0.2.1', 128, '64:ff9b::c000:201/128'],
  ])('%s in %i bits is %s', (address, prefix, text) => expect(subnet(address, prefix)).toBe(text));
});
