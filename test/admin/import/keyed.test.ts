// An import's records under the keys of the filters: what is an address becomes its key, all else stays.
import { expect, test } from 'vitest';
import { keyed } from '../../../src/admin/import/keyed.ts';
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
  ...keyed(records, keysFrom({ ...AS_IT_IS, ...args })),
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
