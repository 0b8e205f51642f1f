// Who does not look like a mail server.
import { describe, expect, test } from 'vitest';
import { looksSuspicious } from '../../src/greylist/suspicious.ts';
import { namedClients } from '../support/names.ts';

const own = ['mx.home.example', 'home.example', 'club.example', ''];
const server = {
  client_address: '192.0.2.1',
  client_name: 'mail.firm.example',
  helo_name: 'mail.firm.example',
};
const suspicious = (changes = {}) => looksSuspicious({ ...server, ...changes }, own);

test('a mail server with a verified name and a HELO of its own is not', () => {
  for (const helo_name of [
    'mail.firm.example',
    'MAIL.firm.example.',
    'exchange.firm.local',
    'other.elsewhere.example',
    'nothome.example',
    'home.example.com',
  ]) {
    expect([helo_name, suspicious({ helo_name })]).toEqual([helo_name, false]);
  }
  expect(suspicious({ client_name: 'eagle.firm.example' })).toBe(false);
});

test.each(['', 'unknown', 'Unknown', '.'])('a client with the name "%s" is', (client_name) => {
  expect(suspicious({ client_name })).toBe(true);
});

test('a line is, whatever its HELO', () => {
  expect(suspicious({ client_name: 'adsl-192-0-2-1.isp.example' })).toBe(true);
  const lines = namedClients().all.filter(({ kind }) => kind === 'access');
  const missed = lines.filter(
    ({ address, name }) => !suspicious({ client_address: address, client_name: name, helo_name: name }),
  );
  expect(missed.length / lines.length).toBeLessThan(0.01);
});

describe('a HELO', () => {
  test.each([
    ['bare address', '192.0.2.1'],
    ['piece of an address', '2.1'],
    ['bare IPv6 address', '2001:db8::1'],
    ['address literal, its own even', '[192.0.2.1]'],
    ['IPv6 literal', '[IPv6:2001:db8::1]'],
    ['name with a port', 'mail.firm.example:25'],
    ['unqualified name', 'ylmf-pc'],
    ['nothing', ''],
    ['dot', '.'],
    ['localhost', 'localhost'],
    ['localhost with a domain', 'localhost.localdomain'],
    ['name of this server', 'mx.home.example'],
    ['name of this server in capitals, with a dot', 'MX.Home.Example.'],
    ['domain of this server', 'home.example'],
    ['name below a domain of this server', 'anything.club.example'],
  ])('that is a %s: %s', (_, helo_name) => expect(suspicious({ helo_name })).toBe(true));

  test('of this server’s domain is true of a host that has its verified name there', () => {
    const helo_name = 'backup.home.example';
    expect(suspicious({ client_name: 'backup.home.example', helo_name })).toBe(false);
    expect(suspicious({ client_name: 'backup.club.example', helo_name })).toBe(true);
  });
});
