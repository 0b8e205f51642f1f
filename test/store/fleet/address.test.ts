// The URL of --store, in all its forms, and what is refused.
import { expect, test } from 'vitest';
import { nameOf, readAddress } from '../../../src/store/fleet/address.ts';

test.each([
  ['redis://mx-store', 'single', 'mx-store:6379', 0],
  ['redis://10.0.0.1:7000/5', 'single', '10.0.0.1:7000', 5],
  ['redis://mx-store/3/', 'single', 'mx-store:6379', 3],
  ['valkey://[2001:db8::1]:7000', 'single', '2001:db8::1:7000', 0],
  ['redis+unix:///run/redis/a%20b.sock?db=2', 'unix', '/run/redis/a b.sock', 2],
  ['redis+sentinel://a,b:7,c/mx/3', 'sentinel', 'mx of the Sentinels a:26379, b:7, c:26379', 3],
  ['redis+cluster://a,b:7001', 'cluster', 'a:6379, b:7001', 0],
])('%s', (url, kind, name, db) => {
  const address = readAddress(url);
  expect(address).toMatchObject({ kind, db, user: '', tls: undefined });
  expect(nameOf(address)).toBe(name);
});

test('a user, and TLS with files', () => {
  const address = readAddress('rediss+cluster://greylatch@a?ca=/etc/ca.pem&cert=/c&key=/k');
  expect(address).toMatchObject({ user: 'greylatch', tls: { ca: '/etc/ca.pem', cert: '/c', key: '/k' } });
  expect(readAddress('valkeys://a').tls).toEqual({});
});

test.each([
  ['redis://greylatch:secret@host', /--store-password-file/],
  ['redis://:secret@host', /--store-password-file/],
  ['redis://host?password=secret', /no such setting/],
  ['redis://host?ca=/x', /no such setting/],
  ['http://host', /write redis:/],
  ['redis://', /no host/],
  ['redis://host:99999', /not a host/],
  ['redis://a,b', /one engine/],
  ['rediss://a:1,b:2/3', /one engine/],
  ['redis://host/mail', /not the number/],
  ['redis+sentinel://host', /no name/],
  ['redis+cluster://host/1', /no databases/],
  ['redis+unix://', /no path/],
  ['redis://50%@host', /percent sign.*write redis:/],
])('%s is refused, and the message does not tell a password', (url, message) => {
  expect(() => readAddress(url)).toThrow(message);
  expect(() => readAddress(url)).not.toThrow(/secret/);
});
