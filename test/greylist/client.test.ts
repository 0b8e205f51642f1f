// Who the client is, by each of the three keys: pools are one, customers stay apart.
import { describe, expect, test } from 'vitest';
import { type ClientKeySettings, clientKeyOf } from '../../src/greylist/client.ts';
import { registrableDomain } from '../../src/greylist/pool.ts';
import { POOLS } from '../data/pools.ts';
import { namedClients } from '../support/names.ts';

type Key = ClientKeySettings['clientKey'];

const keyed = (clientKey: Key, address: string, name = 'unknown') =>
  clientKeyOf(address, name, { clientKey, ipv4Prefix: 24, ipv6Prefix: 64, registrableDomain });

test('an address is taken as it is', () => {
  for (const text of ['192.0.2.1', '2001:DB8::1', 'unknown', '']) {
    expect(keyed('address', text, 'mail.example.com')).toBe(text);
  }
});

test('a subnet is as wide as it is told to be, and an address that does not parse is itself', () => {
  expect(keyed('subnet', '192.0.2.1', 'mail.example.com')).toBe('192.0.2.0/24');
  expect(keyed('subnet', '2001:db8:1:2:3::1')).toBe('2001:db8:1:2::/64');
  expect(keyed('subnet', '::ffff:192.0.2.1')).toBe('192.0.2.0/24');
  expect(keyed('subnet', 'unknown')).toBe('unknown');
  const wide = { clientKey: 'subnet', ipv4Prefix: 16, ipv6Prefix: 48, registrableDomain } as const;
  expect(clientKeyOf('192.0.2.1', '', wide)).toBe('192.0.0.0/16');
  expect(clientKeyOf('2001:db8:1:2::', '', wide)).toBe('2001:db8:1::/48');
});

describe('a pool', () => {
  test.each(POOLS.map((pool) => [pool.provider, pool] as const))('%s is one client', (_, { servers }) => {
    const keys = (key: Key) => new Set(servers.map(([address, name]) => keyed(key, address, name)));
    expect(keys('pool').size).toBe(1);
    expect([...keys('pool')][0]).not.toContain('/');
    expect(keys('address').size).toBe(servers.length);
  });

  test.each([
    ['54.240.8.30', 'a8-30.smtp-out.amazonses.com', 'amazonses.com'],
    ['40.107.22.41', 'Mail-AM6EUR05ON2041.Outbound.Protection.Outlook.Com', 'outlook.com'],
    ['192.0.2.1', 'mx1.firm.co.uk', 'firm.co.uk'],
    ['192.0.2.1', 'mx1.firm.co.uk.', 'firm.co.uk'],
    ['192.0.2.1', 'mail.site.example.kawasaki.jp', 'site.example.kawasaki.jp'],
    ['192.0.2.1', 'mail.city.kawasaki.jp', 'city.kawasaki.jp'],
    ['192.0.2.1', 'mail.ann.dyndns.org', 'ann.dyndns.org'], // the private section: names that anybody gets
  ])('%s %s is %s', (address, name, key) => expect(keyed('pool', address, name)).toBe(key));

  test('is nothing without a verified name, with a public suffix, or with no word of mail', () => {
    for (const name of [
      '',
      'unknown',
      'mail',
      'mail.kawasaki.jp',
      'members.linode.com',
      'eagle.example.com',
    ]) {
      expect([name, keyed('pool', '192.0.2.1', name)]).toEqual([name, '192.0.2.0/24']);
    }
  });

  test('is asked of the list only where the name is a mail server’s', () => {
    const never = () => expect.unreachable();
    const settings = { ipv4Prefix: 24, ipv6Prefix: 64, registrableDomain: never };
    clientKeyOf('192.0.2.1', 'mail.example.com', { ...settings, clientKey: 'address' });
    clientKeyOf('192.0.2.1', 'mail.example.com', { ...settings, clientKey: 'subnet' });
    clientKeyOf('192.0.2.1', 'adsl-1.example.com', { ...settings, clientKey: 'pool' });
  });
});

describe('two customers of one network stay two clients under every key', () => {
  // In two subnets, that is: within one, --client-key subnet and its fallback make them one client, as postgrey does.
  test.each([
    ['93.193.162.179', 'p5dc1a2b3.dip0.t-ipconnect.de', '87.128.9.12', 'p5780090c.dip0.t-ipconnect.de'],
    ['24.16.101.7', 'c-24-16-101-7.hsd1.wa.comcast.net', '73.44.9.200', 'c-73-44-9-200.hsd1.il.comcast.net'],
    ['114.44.101.30', '114-44-101-30.dynamic-ip.hinet.net', '1.164.7.9', '1-164-7-9.dynamic-ip.hinet.net'],
    ['113.160.44.8', 'static.vnpt.vn', '14.162.20.5', 'static.vnpt.vn'],
    ['94.25.168.5', 'client.yota.ru', '188.162.9.30', 'client.yota.ru'],
    ['51.77.12.9', 'vps-4f3b21ac.vps.ovh.net', '54.36.7.44', 'vps-99ab01cd.vps.ovh.net'],
    ['5.39.80.12', 'ns3012345.ip-5-39-80.eu', '5.39.91.7', 'ns3054321.ip-5-39-91.eu'],
    [
      '49.12.33.7',
      'static.7.33.12.49.clients.your-server.de',
      '5.9.101.44',
      'static.44.101.9.5.clients.your-server.de',
    ],
    ['176.58.103.45', 'li502-45.members.linode.com', '109.74.9.12', 'li99-12.members.linode.com'],
    [
      '3.91.7.200',
      'ec2-3-91-7-200.compute-1.amazonaws.com',
      '3.8.5.6',
      'ec2-3-8-5-6.compute-1.amazonaws.com',
    ],
    [
      '35.205.44.9',
      '9.44.205.35.bc.googleusercontent.com',
      '34.76.8.1',
      '1.8.76.34.bc.googleusercontent.com',
    ],
    ['207.180.201.5', 'vmi412345.contaboserver.net', '5.189.9.6', 'vmi998877.contaboserver.net'],
    ['198.51.100.7', 'server.cust.hoster.example', '203.0.113.7', 'server2.cust.hoster.example'],
    ['198.51.100.7', 'mail.cust1.hoster.example', '203.0.113.7', 'mail.cust2.hoster.example'],
    ['20.50.1.2', 'mail.westeurope.cloudapp.azure.com', '20.60.3.4', 'smtp.westeurope.cloudapp.azure.com'],
    ['2003:e1:1::1', 'mail.dyn.isp.example', '2003:e1:2::1', 'mail.dyn.isp.example'],
  ])('%s %s and %s %s', (address, name, otherAddress, otherName) => {
    for (const key of ['address', 'subnet', 'pool'] as const) {
      expect(keyed(key, address, name)).not.toBe(keyed(key, otherAddress, otherName));
    }
  });

  test('no line of the table of names has a domain for a client', () => {
    const lines = namedClients().all.filter((client) => client.kind === 'access');
    for (const { address, name } of lines) {
      expect(keyed('pool', address, name)).toBe(keyed('subnet', address, name));
    }
  });
});
