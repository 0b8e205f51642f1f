// An import's records under the keys of the filters: what is an address becomes its key, all else stays.
import { expect, test } from 'vitest';
import { keyed, newSums } from '../../../src/admin/import/keyed.ts';
import type { Imported } from '../../../src/admin/import/record.ts';
import { type KeyArguments, keysFrom } from '../../../src/admin/keys.ts';

const AS_IT_IS: KeyArguments = {
  db: 'unused',
  'client-key': 'address',
  'ipv4-prefix': 24,
  'ipv6-prefix': 64,
  'sender-key': 'exact',
  privacy: false,
};

function triple(client: string, sender: string): Imported {
  const times = { firstSeen: 1_763_000_000, lastSeen: 1_764_000_000, passed: true };
  return { kind: 'triple', client, sender, recipient: 'bob@example.net', ...times, origin: 'mx1' };
}

function client(client: string): Imported {
  return { kind: 'client', client, comeBacks: 3, lastSeen: 1_764_000_000, origin: 'mx1' };
}

const rekey = (records: Imported[], args: Partial<KeyArguments>) => [
  ...keyed(records, keysFrom({ ...AS_IT_IS, ...args }), undefined),
];

test('with the default options everything stays', () => {
  const all = [triple('192.0.2.1', 'ann+1234567@example.org'), client('2001:db8::1'), client('unknown')];
  expect(rekey(all, {})).toEqual(all);
});

test('--client-key subnet: addresses become subnets', () => {
  const found = rekey([triple('192.0.2.1', ''), client('2001:db8::1')], { 'client-key': 'subnet' });
  expect(found).toEqual([triple('192.0.2.0/24', ''), client('2001:db8::/64')]);
  const wide = rekey([client('192.0.2.1')], { 'client-key': 'subnet', 'ipv4-prefix': 16 });
  expect(wide).toEqual([client('192.0.0.0/16')]);
});

test('subnets, domains and hashes stay', () => {
  const all = [triple('192.0.2.0/24', ''), client('example.org'), client('abcdefghijklm05')];
  expect(rekey(all, { 'client-key': 'subnet' })).toEqual(all);
});

test('networks of other programs lie within the subnets of the filters, or stay', () => {
  const nets = [client('192.0.2.0/24'), client('192.0.2.16/28'), client('2001:db8:0:1::/64')];
  const wide = { 'ipv4-prefix': 20, 'ipv6-prefix': 48 };
  const found = rekey(nets, { 'client-key': 'subnet', ...wide });
  expect(found.map(({ client }) => client)).toEqual(['192.0.0.0/20', '192.0.0.0/20', '2001:db8::/48']);
  expect(rekey(nets, wide)).toEqual(nets);
  const wider = [client('192.0.0.0/16'), client('2001:db8::/32'), client('192.0.2.0/twenty')];
  expect(rekey(wider, { 'client-key': 'subnet' })).toEqual(wider);
});

test('clients of one subnet have counted together: each has the sum so far, those of another origin apart', () => {
  const counted = (address: string, comeBacks: number, origin = 'mx1'): Imported => ({
    kind: 'client',
    client: address,
    comeBacks,
    lastSeen: 1_764_000_000,
    origin,
  });
  const found = [
    counted('192.0.2.1', 3),
    counted('192.0.2.2', 4),
    counted('192.0.3.2', 1),
    counted('192.0.2.2', 4, 'mx2'),
    counted('192.0.2.1', 2), // named twice, as where two dumps are read as one
    counted('192.0.2.1', 5),
    counted('192.0.2.9', 0xffffffff),
  ];
  const keys = keysFrom({ ...AS_IT_IS, 'client-key': 'subnet' });
  const counts = [...keyed(found, keys, newSums())].map((one) => 'comeBacks' in one && one.comeBacks);
  expect(counts).toEqual([3, 7, 1, 4, 7, 9, 0xffffffff]);
});

test('--privacy does not hash a hash', () => {
  const hashed = [triple('abcdefghijklm05', 'bcdefghijklmn05'), client('abcdefghijklm05')];
  expect(rekey(hashed, { privacy: true })).toEqual(hashed);
});

test('--sender-key normalised: senders lose what changes from mail to mail', () => {
  const found = rekey([triple('192.0.2.1', 'prvs=1234abcdef=ann@example.org')], {
    'sender-key': 'normalised',
  });
  expect(found).toEqual([triple('192.0.2.1', 'ann@example.org')]);
});
