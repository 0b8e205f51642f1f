// Addresses and networks as postgrey's lists write them, in one space of 128 bits. Against postgrey itself they are held
// in ../oracle/lists.test.ts.
import { BlockList, isIPv6 } from 'node:net';
import { expect, test } from 'vitest';
import { hashNetwork, parseNetwork, sameNetwork } from '../../src/lists/network.ts';
import { makeRandom } from '../support/random.ts';

/** The prefix and the four words, as hexadecimal digits; undefined: none of these. Whatever stands around it, or stood there. */
function read(text: string): [length: number, words: string] | undefined {
  const around = [
    ['1:', '/9'],
    ['f', 'f'],
    ['9.', '.9'],
    ['//', '//'],
  ] as const;
  const [one, ...others] = around.map(([before, after]) => {
    const words = new Int32Array(4).fill(-1);
    const bytes = Buffer.from(before + text + after);
    const length = parseNetwork(bytes, before.length, bytes.length - after.length, words);
    const found = [...words].map((word) => (word >>> 0).toString(16)).join(' ');
    return length < 0 ? undefined : ([length, found] as [number, string]);
  });
  for (const other of others) expect([text, other]).toEqual([text, one]);
  return one;
}

test.each<[string, number, string]>([
  ['192.0.2.1', 128, '0 0 0 c0000201'],
  ['0.0.0.0', 128, '0 0 0 0'],
  ['255.255.255.255', 128, '0 0 0 ffffffff'],
  ['192.168.1', 120, '0 0 0 c0a80100'],
  ['192.168', 112, '0 0 0 c0a80000'],
  ['10.0.0.0/8', 104, '0 0 0 a000000'],
  ['10.1.2.3/8', 104, '0 0 0 a010203'],
  ['10.0.0.0/9', 105, '0 0 0 a000000'],
  ['0.0.0.0/0', 96, '0 0 0 0'],
  ['192.0.2.1/32', 128, '0 0 0 c0000201'],
  ['2001:db8::1', 128, '20010db8 0 0 1'],
  ['2001:DB8::/32', 32, '20010db8 0 0 0'],
  ['::', 128, '0 0 0 0'],
  ['::/0', 0, '0 0 0 0'],
  ['1:2:3:4:5:6:7:8', 128, '10002 30004 50006 70008'],
  ['1::8', 128, '10000 0 0 8'],
  ['1:2:3:4:5:6:7::', 128, '10002 30004 50006 70000'],
  ['::2:3:4:5:6:7:8', 128, '2 30004 50006 70008'],
  ['::ffff:192.0.2.1', 128, '0 0 0 c0000201'], // the same address
  ['2001:db8::ffff:192.0.2.1', 128, '20010db8 0 ffff c0000201'],
  ['0:0:1::ffff:192.0.2.1', 128, '0 10000 ffff c0000201'],
  ['::2:192.0.2.1', 128, '0 0 2 c0000201'],
  ['1:2:3:4:5:6:192.0.2.1', 128, '10002 30004 50006 c0000201'],
  ['[2001:db8::1]', 128, '20010db8 0 0 1'],
  ['[192.0.2.1]', 128, '0 0 0 c0000201'],
  ['2001:db8::/128', 128, '20010db8 0 0 0'],
])('%s is %i bits of %s', (text, length, words) => {
  expect(read(text)?.[0]).toBe(length);
  expect(read(text)?.[1].split(' ')).toEqual(words.split(' ').map((word) => word.replace(/^0+(?=.)/, '')));
});

test.each([
  '',
  '192',
  '192.',
  '.192.0',
  '192.0.2.',
  '192.0.2.1.5',
  '192.0..1',
  '192.0.2.256',
  '192.0.2.01', // could be meant as octal
  '192.168/16', // postgrey takes it for none either
  '192.0.2.1/33',
  '192.0.2.1/',
  '192.0.2.1/x',
  '192.0.2.1/-1',
  '10.0.0.0/008',
  '192.0.2.1/1-',
  '192.0.2.1/1:',
  '2001:db8::/129',
  '2001:db8::/1x',
  ':1::2',
  '1:2:3',
  '1:2:3:4:5:6:7:8:9',
  '1::2::3',
  '::1::2',
  '1::2:3:4:5:6:7:8:9',
  '1:::2',
  '1:2:3:4:5:6:7:8::',
  '12345::',
  '1::g',
  '1:2:3:4:5:6:7:',
  '1:2:3:4:5:6:7:192.0.2.1',
  '::192.0.2',
  '::192.0.2.1:5',
  '[]',
  '[2001:db8::1',
  '2001:db8::1]',
  '1192.0.2.1]',
  'fe80::1%eth0',
  'mail.example.org',
])('"%s" is none', (text) => {
  expect(read(text)).toBeUndefined();
});

test('whatever Node takes for an IPv6 address is one, and nothing else', () => {
  const random = makeRandom(9);
  const pieces = ['', '0', '1', 'db8', 'FFFF', '12345', '192.0.2.1', 'g'];
  let addresses = 0;
  for (let i = 0; i < 20_000; i++) {
    const text = Array.from({ length: 1 + random.below(9) }, () => random.pick(pieces)).join(':');
    if (!text.includes(':')) continue;
    expect([text, read(text)?.[0] === 128]).toEqual([text, isIPv6(text)]);
    if (isIPv6(text)) addresses++;
  }
  expect(addresses).toBeGreaterThan(100);
});

test('an address is in a network where the first bits agree, as a BlockList says; then the hashes agree too', () => {
  const random = makeRandom(10);
  const words = (text: string) => {
    const into = new Int32Array(4);
    parseNetwork(Buffer.from(text), 0, text.length, into);
    return into;
  };
  const address = () =>
    `2001:${random.below(2)}::${random.below(4).toString(16)}:${random.below(65_536).toString(16)}`;
  const seen = { in: 0, out: 0 };
  for (let i = 0; i < 3000; i++) {
    const [one, other, length] = [address(), address(), random.below(129)];
    const list = new BlockList();
    list.addSubnet(other, length, 'ipv6');
    const inside = list.check(one, 'ipv6');
    seen[inside ? 'in' : 'out']++;
    expect([one, other, length, sameNetwork(words(one), words(other), length)]).toEqual([
      one,
      other,
      length,
      inside,
    ]);
    if (inside) expect(hashNetwork(words(one), length)).toBe(hashNetwork(words(other), length));
  }
  expect(Math.min(seen.in, seen.out)).toBeGreaterThan(300);
});

test('hashes tell networks apart, and the lengths of one', () => {
  const hashes = new Set<number>();
  for (let i = 0; i < 256; i++)
    for (let length = 104; length <= 128; length += 8)
      hashes.add(hashNetwork(Int32Array.of(0, 0, 0, 0x0a000000 | (i * 0x010101)), length));
  expect(hashes.size).toBeGreaterThan(3 * 256); // of 10.0.0.0/8 there is one only
});
