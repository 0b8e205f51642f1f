// Mail servers and access lines by name: the error rates on a table of real schemes, and each rule by itself.
import { describe, expect, test } from 'vitest';
import { domainOfHost, kindOfName, withoutDot } from '../../src/greylist/name.ts';
import { type Named, namedClients } from '../support/names.ts';
import { makeRandom } from '../support/random.ts';

describe('the table of names', () => {
  const { all, found, held } = namedClients();

  test('is large, and each half has both kinds of many networks', () => {
    for (const kind of ['mail', 'access'] as const) {
      expect(all.filter((client) => client.kind === kind).length).toBeGreaterThanOrEqual(150);
    }
    expect(Math.abs(found.length - held.length)).toBeLessThan(3);
    const names = all.map((client) => client.name.split('.').slice(-3).join('.'));
    expect(new Set(names).size).toBeGreaterThan(0.9 * all.length);
  });

  // The rules were found on one half; the bounds of the other are what the README's figures rest on.
  test.each([
    ['the half that the rules were found on', found, 0.015, 0.005, 0.87],
    ['the half that was held out', held, 0.025, 0.02, 0.87],
    ['all', all, 0.02, 0.01, 0.87],
    ['names that came later', namedClients('names-later.txt').all, 0.01, 0.02, 0.85],
  ])(
    '%s: mail servers taken for lines, lines not known as such',
    (_, clients, mailBound, lineBound, pools) => {
      const kinds = (kind: Named['kind']) =>
        clients.filter((c) => c.kind === kind).map((c) => kindOfName(c.name, c.address));
      const share = (list: string[], kind: string) => list.filter((k) => k === kind).length / list.length;
      expect(share(kinds('mail'), 'access line')).toBeLessThan(mailBound);
      expect(share(kinds('mail'), 'mail server')).toBeGreaterThan(pools);
      expect(1 - share(kinds('access'), 'access line')).toBeLessThan(lineBound);
      expect(share(kinds('access'), 'mail server')).toBe(0); // the error that would make strangers one client
    },
  );
});

describe('a name that shows its address', () => {
  const random = makeRandom(5);
  const octet = () => 11 + random.below(245);
  const pad = (n: number) => `${n}`.padStart(3, '0');
  const hex = (n: number) => n.toString(16).padStart(2, '0');
  const forms: [string, (o: number[]) => string][] = [
    ['dashes', (o) => `h-${o.join('-')}.x`],
    ['dots', (o) => `${o.join('.')}.x`],
    ['underscores', (o) => `${o.join('_')}.x`],
    ['letters between', (o) => `${o.join('x')}.nn`],
    ['nothing between', (o) => `h${o.join('')}.x`],
    ['zeros before, nothing between', (o) => `h${o.map(pad).join('')}.x`],
    ['zeros before, dashes', (o) => `h-${o.map(pad).join('-')}.x`],
    ['hexadecimal', (o) => `h${o.map(hex).join('')}.x`],
    ['hexadecimal with dashes', (o) => `${o.map(hex).join('-')}.x`],
    ['two and two', (o) => `h${o[2]}-${o[3]}.n${o[0]}-${o[1]}.x`],
    ['one and three', (o) => `${o[3]}.red-${o.slice(0, 3).join('-')}.x`],
    ['three of four', (o) => `h-${o.slice(1).join('-')}.x`],
    ['two of four', (o) => `h-${o.slice(2).join('-')}.x`],
  ];
  test.each(forms)('is a line: %s, forward and in reverse', (_, form) => {
    for (let i = 0; i < 200; i++) {
      const octets = [octet(), octet(), octet(), octet()];
      const name = (list: number[]) => `${form(list)}.isp.example`;
      const address = octets.join('.');
      expect([name(octets), kindOfName(name(octets), address)]).toEqual([name(octets), 'access line']);
      const turned = name([...octets].reverse());
      if (form === forms.at(-1)![1] || form === forms.at(-2)![1]) continue;
      expect([turned, kindOfName(turned, address)]).toEqual([turned, 'access line']);
    }
  });

  test('is a line in IPv6 too: nibbles or groups, forward or in reverse', () => {
    const address = '2001:db8:5e1:7300:a9f4:22d1:6b3c:90ee';
    const nibbles = '20010db805e17300a9f422d16b3c90ee';
    for (const label of [
      nibbles,
      nibbles.match(/..../g)!.join('-'),
      nibbles.split('').reverse().join('.'),
      '2001-db8-5e1-7300-a9f4-22d1-6b3c-90ee',
      'a9f4-22d1-6b3c-90ee',
      '2001-db8-5e1-7300',
    ]) {
      expect([label, kindOfName(`${label}.isp.example`, address)]).toEqual([label, 'access line']);
    }
  });

  test('counts in the IPv4-mapped form and in any case', () => {
    expect(kindOfName('P5DC1A2B3.ISP.example', '::ffff:93.193.162.179')).toBe('access line');
  });

  test('is met by chance hardly ever', () => {
    let met = 0;
    for (let i = 0; i < 20_000; i++) {
      const name = `node${random.below(100)}-${random.below(256)}-${random.below(256)}.farm.example`;
      const address = [0, 0, 0, 0].map(() => random.below(256)).join('.');
      if (kindOfName(name, address) === 'access line') met++;
    }
    expect(met).toBeLessThan(20);
  });

  test('may still be a mail server, if it says so and says nothing of a line', () => {
    const kind = (name: string) => kindOfName(name, '203.205.221.149');
    expect(kind('out203-205-221-149.mail.qq.example')).toBe('mail server');
    expect(kind('mta-149-221-205-203.sender.example')).toBe('mail server');
    for (const word of ['dyn', 'dsl', 'static', 'cust', 'pool', 'host', 'cable', 'mobile', 'nat', 'vps']) {
      expect([word, kind(`mail-203-205-221-149.${word}.isp.example`)]).toEqual([word, 'access line']);
    }
  });
});

describe('words', () => {
  const kind = (name: string) => kindOfName(name, '192.0.2.1');

  test.each(
    `dyn dynamic dsl adsl vdsl xdsl sdsl pool dhcp ppp pppoe cable dial dialup broadband cust customer client user ftth
     fiber-12 cpe wifi hsia catv gprs cgnat subscriber static-3 home mobile-7 nat-9 res-123`.split(/\s+/),
  )('%s is a line, wherever it stands', (word) => {
    expect(kind(`${word}.isp.example`)).toBe('access line');
    if (word.includes('-') || word === 'home') return;
    for (const name of [`${word}12`, `12${word}`, `a-${word}-7`, `abc.${word}.d`, `${word}-x`]) {
      expect([name, kind(`${name}.isp.example`)]).toEqual([name, 'access line']);
    }
  });

  test.each(['p4012-ipad305kobe', 'p1234-ipbf12marunouchi', 'p3521004-ipngn200805tokai'])(
    '%s is a line: NTT’s words for ADSL, B FLET’S and NGN',
    (label) => expect(kind(`${label}.tokyo.isp.ne.jp`)).toBe('access line'),
  );

  test.each(
    'mail smtp mx mx3 mta relay mout out outbound mailout smtp-out bemta mxout lists post'.split(' '),
  )('%s is a mail server', (word) => expect(kind(`${word}.firm.example`)).toBe('mail server'));

  test('in the domain that somebody registered say nothing of a line', () => {
    expect(kind('www.homedepot.example')).toBe('neither');
    for (const domain of ['dynamic-systems.co.uk', 'poolparty.example', 'cable.example']) {
      expect([domain, kind(`mail.${domain}`)]).toEqual([domain, 'mail server']);
    }
  });

  test.each([
    ['cable.tv', 'neither'],
    ['cable.tv.', 'neither'],
    ['mx.example', 'mail server'],
    ['mail.pool.example', 'mail server'],
    ['mail.pool.example.', 'mail server'],
    ['mail.pool.co.uk', 'mail server'],
    ['mail.pool.co.uk.', 'mail server'],
    ['mail.pool.co.com', 'neither'], // no registry: a pool of co.com
    ['mail.pool.firm.uk', 'neither'],
    ['co.uk', 'neither'],
    ['pool.co.uk', 'neither'],
    ['vps.mailhoster.example', 'neither'],
    ['web.mailhoster.example', 'mail server'],
    ['mail-2-1.dyn.isp.example', 'neither'],
    ['mail-0-2-1.dyn.isp.example', 'access line'],
  ])('are those in front of the domain: %s, %s', (name, expected) => expect(kind(name)).toBe(expected));

  test('of both kinds say nothing', () => {
    expect(kind('mail.cust7.hoster.example')).toBe('neither');
    expect(kind('mail.vps.hoster.example')).toBe('neither');
  });

  test('of a rented machine with its number make a line of it, not of a machine somebody called so', () => {
    expect(kind('vps-4f3b21ac.vps.hoster.example')).toBe('access line');
    expect(kind('vps.smallblog.example')).toBe('neither');
  });
});

test.each(['', 'unknown', 'localhost', 'mail', '.mail'])('"%s" is no mail server and no line', (name) => {
  expect(kindOfName(name, '192.0.2.1')).toBe('neither');
});

test.each([
  ['mx.home.example', 'home.example'],
  ['a.mx.home.co.uk', 'home.co.uk'],
  ['home.co.uk', 'home.co.uk'],
  ['home.example', 'home.example'],
  ['mx', 'mx'],
  ['', ''],
])('the host %s is in the domain %s', (host, domain) => expect(domainOfHost(host)).toBe(domain));

test('the dot at a name’s end is no part of it', () => {
  expect(['a.example.', 'a.example', '.', ''].map(withoutDot)).toEqual(['a.example', 'a.example', '', '']);
});

test('an address that does not parse leaves the words', () => {
  expect(kindOfName('mail.firm.example', 'unknown')).toBe('mail server');
  expect(kindOfName('adsl-7.isp.example', '')).toBe('access line');
});
