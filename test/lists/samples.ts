// Lines of every kind that postgrey's lists know, and clients and recipients that they may be about.
import type { Random } from '../support/random.ts';

/** A line, and who is excepted by it; without, the line says nothing about anybody. */
export type Sample = readonly [line: string, excepted?: string | undefined];

export const names = [
  'unknown',
  'example.com',
  'mail.example.com',
  'a.b.mail.example.com',
  'MAIL.Example.COM',
  'notexample.com',
  'example.com.example.net',
  'com',
  'mail12.example.net',
  'mail-out-7.example.net',
  'mail.example.net',
  'smtp_1.example.org',
  'aa.example.org',
  'mx1.xn--bcher-kva.example',
  '1.0.168.192.in-addr.example',
];

export const addresses = [
  '0.0.0.0',
  '1.2.3.4',
  '8.1.2.3',
  '10.0.0.1',
  '10.255.255.255',
  '100.100.100.100',
  '192.0.168.1',
  '192.168.0.0',
  '192.168.0.255',
  '192.168.1.1',
  '192.168.1.127',
  '192.168.1.128',
  '192.168.255.255',
  '192.169.0.1',
  '203.0.113.99',
  '255.255.255.255',
  '::1',
  '::2:3:4',
  '2001:db8::1',
  '2001:db8::1:0:0:1',
  '2001:db8:1:2:3:4:5:6',
  '2001:db8:ffff:ffff:ffff:ffff:ffff:ffff',
  '2001:db9::',
  'fe80::1234:5678:9abc:def0',
];

export const recipients = [
  '',
  'postmaster',
  'postmaster@example.com',
  'POSTMASTER@Example.Com',
  'postmaster+x@example.com',
  'postmaster+x+y@mail.example.com',
  'postmaster+@example.com',
  '+x@example.com',
  'notpostmaster@example.com',
  'postmaster@notexample.com',
  'postmaster@example.com.example.net',
  'ann@example.org',
  'ann.smith@example.org',
  'ann.smith+list@sub.example.org',
  'ann+list@example.org',
  'ann+list+more@example.org',
  'ann+listing@example.org',
  'ann@sub.sub.example.org',
  'two@signs@example.org',
  'two@example.net',
  'two+x@signs@example.org',
  '/home/ann@example.org',
  'x@[192.0.2.1]',
  'm\xfcller@example.org',
];

/** Fits both kinds of lists. */
const layout: Sample[] = [
  [''],
  ['# example.com'],
  ['   # example.com'],
  ['example com'],
  ['/example com/'],
  ['//'],
  ['/example'],
  ['/exam#ple/'],
  ['*.example.com'],
  ['.example.com'],
];

export const clientLines: Sample[] = [
  ...layout,
  ['example.com', 'mail.example.com'],
  ['  \texample.com \f\v\t', 'example.com'],
  ['example.com\r', 'example.com'],
  ['example.com # their servers', 'example.com'],
  ['example.com#their servers', 'example.com'],
  ['EXAMPLE.com', 'mail.example.com'],
  ['com', 'example.com'],
  ['smtp_1.example.org', 'smtp_1.example.org'],
  ['example.com.'],
  ['mple.com'],
  ['example.com:25'],
  ['user@example.com'],
  ['1.2.3.4', '1.2.3.4'],
  ['192.168.1', '192.168.1.127'],
  ['192.168.1.'],
  ['192'],
  ['1.2.3.4.5'],
  ['1.2.3.400'],
  ['1.2.3.4/'],
  ['1.2.3.4/33'],
  ['1.2.3.4/255.255.255.0'],
  ['192.168/16'],
  ['192.168.1.0/24', '192.168.1.1'],
  ['192.168.1.77/25', '192.168.1.1'],
  ['192.168.0.0/16', '192.168.255.255'],
  ['192.168.0.0/15', '192.169.0.1'],
  ['128.0.0.0/1', '255.255.255.255'],
  ['192.168.1.128/32', '192.168.1.128'],
  ['192.168.1.1/0', '1.2.3.4'],
  ['0.0.0.0/0', '10.0.0.1'],
  ['10.0.0.0/08', '10.0.0.1'],
  ['2001:db8::1', '2001:db8::1'],
  ['2001:DB8:0:0:0:0:0:1', '2001:db8::1'],
  ['2001:0db8::0001', '2001:db8::1'],
  ['[2001:db8::1]', '2001:db8::1'],
  ['2001:db8::/32', '2001:db8:1:2:3:4:5:6'],
  ['2001:db8::/31', '2001:db9::'],
  ['2001:db8::1:2:3:4/96'],
  ['2001:db8::1:0:0:0/80', '2001:db8::1:0:0:1'],
  ['2001:db8:1:2::/64', '2001:db8:1:2:3:4:5:6'],
  ['2001:db8:1:2:3:4:5:7/127', '2001:db8:1:2:3:4:5:6'],
  ['2001:db8:1:2:3:4:5:6/128', '2001:db8:1:2:3:4:5:6'],
  ['2001:db8::/129'],
  ['2001:db8::/'],
  ['2001:db8::/x'],
  ['2001:db8::/32/32'],
  ['2001:db8:1'],
  ['2001:db8::1::2'],
  ['2001:db8:1:2:3:4:5:6:7'],
  ['2001:db8:1:2:3:4:5::6'],
  [':2001:db8:1:2:3:4:5:6'],
  ['2001:db8::12345'],
  ['2001:db8::g'],
  ['fe80::1234:5678:9abc:def0%eth0'],
  ['::1', '::1'],
  ['::', '::'],
  ['::/0', 'fe80::1234:5678:9abc:def0'],
  ['::0.2.0.3:4'],
  ['::2:0.3.0.4', '::2:3:4'],
  ['::1.2.3.4', '1.2.3.4'],
  ['a:b:c'],
  ['example.com: mail: server'],
  ['/^mail\\d+\\.example\\.net$/', 'mail12.example.net'],
  ['/MAIL/', 'mail.example.com'],
  ['/^[^.]+$/', 'unknown'],
  ['/^unknown$/', 'unknown'],
  ['/^1\\.2\\.3/'],
  ['/\\.example\\.(?:com|org)$/', 'aa.example.org'],
  ['///'],
  ['/ # a slash/'],
];

export const recipientLines: Sample[] = [
  ...layout,
  ['postmaster@', 'postmaster+x@example.com'],
  ['POSTmaster@', 'postmaster@example.com'],
  ['postmaster'],
  ['postmaster@example.com', 'postmaster+x@example.com'],
  ['postmaster+x@', 'postmaster+x+y@mail.example.com'],
  ['postmaster+@', 'postmaster+@example.com'],
  ['ann+list@', 'ann+list+more@example.org'],
  ['ann+list@example.org', 'ann+list@example.org'],
  ['ann+list+more@example.org', 'ann+list+more@example.org'],
  ['ann@example.org', 'ann+listing@example.org'],
  ['ann@Example.ORG  # ann', 'ann+list@example.org'],
  ['smith@example.org'],
  ['example.org', 'ann@sub.sub.example.org'],
  ['example.com', 'postmaster@example.com'],
  ['org', 'ann@example.org'],
  ['smith'],
  ['two@', 'two@example.net'],
  ['two@signs'],
  ['two@signs@example.org', 'two+x@signs@example.org'],
  ['signs@example.org'],
  ['two@example.org'],
  ['/home/ann@example.org', '/home/ann@example.org'],
  ['/home/ann@', '/home/ann@example.org'],
  ['[192.0.2.1]', 'x@[192.0.2.1]'],
  ['m\xfcller@', 'm\xfcller@example.org'],
  ['m\xdcller@'],
  ['/^ann[+.]/', 'ann.smith@example.org'],
  ['/@EXAMPLE\\.net$/', 'two@example.net'],
  ['/^m\xfcller@/', 'm\xfcller@example.org'],
  ['/^m\xdcller@/'],
  ['/^m\\xdcller@/'],
  ['/^$/', ''],
  ['/./', 'postmaster'],
];

/** What Perl writes in its own way; each piece is complete in itself. */
const pieces = [
  ...['mail', 'example', 'a', '.', '@', '-', '\\.', '\\d', '\\D', '\\w+', '\\W', '\\s', '\\S', '\\b', '\\B'],
  ...[
    '\\h',
    '\\H',
    '\\v',
    '\\V',
    '\\N',
    '\\R',
    '\\K',
    '\\a',
    '\\e',
    '\\t',
    '\\x2e',
    '\\x{61}',
    '\\056',
    '\\-',
    '\\_',
  ],
  ...[
    '\\@',
    '\\/',
    '/',
    '.*',
    '.*?',
    '.+',
    '.?',
    'm{1,2}',
    'l{,2}',
    '\\d{2}',
    'a|b',
    '(?:net|com)',
    '(a)\\1',
  ],
  ...['(l)\\g1', '(l)\\g{-1}', '(?i)', '(?i:MAIL)', '(?s)', '(?x:mail)', '(?-s:.)', '(?=e)', '(?!e)'],
  ...[
    '(?<=l)',
    '(?<!l)',
    '[a-m]',
    '[^.]',
    '[^.]+',
    '[]a]',
    '[^]a]',
    '[\\]a]',
    '[\\w.-]',
    '[\\d\\S]',
    '[\\h_]',
  ],
  ...[
    '[[:alpha:]]',
    '[[:digit:]_]',
    '[^[:alnum:]]',
    '[[:^digit:]]',
    '[[:punct:]]',
    '[[:upper:]]',
    '[[:word:]]',
  ],
  ...['m\xfc', '\\xdc', '\\334', '[\xc0-\xdf]', '[^\\xfc]'],
  ...['[[]', '[$@%]', '[\\x61-\\x{6d}]', '[\\-a]', '[/]'],
];

export function randomExpression(random: Random): string {
  const parts = Array.from({ length: 1 + random.below(4) }, () => random.pick(pieces));
  if (random.chance(0.3)) parts.unshift(random.pick(['^', '\\A', '\\G']));
  if (random.chance(0.3)) parts.push(random.pick(['$', '\\z', '\\Z']));
  return `/${parts.join('')}/`;
}

/** An address or network that is one, or nearly. */
export function randomNetwork(random: Random): string {
  const ipv4 = random.chance(0.5);
  const numbers = () => random.pick(['0', '1', '2', '10', '100', '128', '168', '192', '255', '256', '300']);
  const groups = () =>
    random.pick(['0', '1', '2', '3', 'db8', 'DB8', '0db8', '2001', 'ffff', 'fe80', '12345']);
  const count = ipv4 ? random.pick([3, 4, 4, 4, 5]) : random.pick([2, 3, 4, 6, 8, 8, 9]);
  const parts = Array.from({ length: count }, ipv4 ? numbers : groups);
  if (random.chance(0.6)) parts.splice(0, 2, ...(ipv4 ? ['192', '168'] : ['2001', 'db8']));
  // Not one colon at an end, which NetAddr::IP takes for a zero.
  if (!ipv4 && random.chance(0.7)) parts[1 + random.below(parts.length - 1)] = '';
  if (parts.at(-1) === '') parts.push('');
  const length = random.chance(0.5) ? `/${random.below(ipv4 ? 34 : 130)}` : '';
  return parts.join(ipv4 ? '.' : ':') + length;
}

/** A name or an address of the pool, or what is left of it after a cut. */
export function randomText(random: Random, pool: readonly string[]): string {
  const whole = random.pick(pool);
  const cut = random.chance(0.7) ? whole.slice(random.below(whole.length + 1)) : whole;
  const end = random.chance(0.3) ? cut.slice(0, random.below(cut.length + 1)) : cut;
  return random.chance(0.2) ? end.toUpperCase() : end;
}
