// Addresses are spelt as Postfix does; networks are known as such.
import { expect, test } from 'vitest';
import { addressOf, postgreyClient, sqlgreyClient } from '../../../src/admin/import/client.ts';

test('an address is spelt as Postfix spells it, and nothing else is one', () => {
  expect(addressOf('192.0.2.17')).toBe('192.0.2.17');
  expect(addressOf('2001:DB8:0:0:0:0:1:25')).toBe('2001:db8::1:25');
  expect(addressOf('2001:0db8:0000:0000:0000:0000:0001:0025')).toBe('2001:db8::1:25');
  expect(addressOf('unknown')).toBe('unknown');
  for (const text of ['', '192.0.2', '192.0.2.256', 'example.org', 'fe80::1%eth0', '192.0.2.1/24']) {
    expect([text, addressOf(text)]).toEqual([text, undefined]);
  }
});

test("postgrey's networks: /24, and /64 as NetAddr::IP writes it; another prefix length leaves other addresses", () => {
  expect(postgreyClient('192.0.2.0')).toBe('192.0.2.0/24');
  expect(postgreyClient('2001:db8:0:1:0:0:0:0')).toBe('2001:db8:0:1::/64');
  expect(postgreyClient('192.0.2.10')).toBe('192.0.2.10');
  expect(postgreyClient('2001:db8:0:0:0:0:0:10')).toBe('2001:db8::10');
  for (const text of ['unknown', 'x', '']) expect(postgreyClient(text)).toBeUndefined();
});

test("sqlgrey's networks: three bytes of four, four groups of eight", () => {
  expect(sqlgreyClient('192.0.2')).toBe('192.0.2.0/24');
  expect(sqlgreyClient('2001:0db8:0000:0001')).toBe('2001:db8:0:1::/64');
  expect(sqlgreyClient('192.0.2.17')).toBe('192.0.2.17');
  expect(sqlgreyClient('2001:0db8:0000:0000:0000:0000:0001:0025')).toBe('2001:db8::1:25');
  for (const text of ['192.0.999', '2001:db8', '', 'NULL']) expect(sqlgreyClient(text)).toBeUndefined();
});
