// How much of a client's own address stands in its name, piece by piece; the rates on real names are in name.test.ts.
import { expect, test } from 'vitest';
import { addressIn } from '../../src/greylist/digits.ts';
import { makeRandom } from '../support/random.ts';

const V4 = [198, 51, 100, 27];
const V6 = [0x20, 0x01, 0x0d, 0xb8, 0x12, 0x34, 0x5a, 0xbc, 0xfe, 0xdc, 0xba, 0x98, 0x76, 0x54, 0x32, 0x10];

test.each<[string, number]>([
  // all of it
  ['198-51-100-27.isp.example', 4],
  ['27.100.51.198.isp.example', 4],
  ['h198x51x100x27.isp.example', 4],
  ['100-27.dsl198-51.isp.example', 4], // in any order
  ['198051100027.isp.example', 4],
  ['host1985110027.isp.example', 4],
  ['c633641b.isp.example', 4], // hexadecimal
  ['1b-64-33-c6.isp.example', 4],
  // three octets
  ['51-100-27.isp.example', 3],
  ['h27-100-51.isp.example', 3],
  ['051100027.isp.example', 3],
  // two
  ['100-27.isp.example', 2],
  ['27-100.isp.example', 2],
  ['100027.isp.example', 2],
  // nothing to speak of
  ['mail.example.org', 0],
  ['mx27.example.org', 0],
  ['198-100.isp.example', 0], // no neighbours
  ['198-5-100.isp.example', 0],
  ['10027.isp.example', 0], // too few digits to tell
  ['1198-511-1001-271.isp.example', 0], // other numbers
  ['c633641.isp.example', 0],
  ['', 0],
])('IPv4 in %s: %i', (name, shown) => {
  expect(addressIn(name, V4)).toBe(shown);
});

test('small octets are met by chance: two of them in any order tell nothing', () => {
  expect(addressIn('mx1-a2-b3.example.org', [2, 7, 1, 3])).toBe(0);
  expect(addressIn('mx51-a2-b30.example.org', [2, 51, 7, 30])).toBe(3);
  expect(addressIn('mx9-500-a9-500-b200.example.org', [9, 7, 9, 200])).toBe(0);
  expect(addressIn('mx60-a50-b7.example.org', [50, 1, 60, 1])).toBe(0);
});

test('three octets without anything between take five digits to tell', () => {
  expect(addressIn('h12345.isp.example', [12, 34, 5, 99])).toBe(3);
  expect(addressIn('h1234.isp.example', [1, 2, 34, 99])).toBe(0);
});

test.each([
  ['010000000005', [10, 0, 0, 5]],
  ['005000000010', [10, 0, 0, 5]],
  ['10005', [10, 0, 0, 5]],
  ['192000002001', [192, 0, 2, 1]],
  ['100000000200', [100, 0, 0, 200]],
])('an octet that is 0 is one digit, or three: %s', (run, octets) => {
  expect(addressIn(`h${run}.isp.example`, octets)).toBe(4);
});

test('a run of digits has the octets that a regular expression finds in it', () => {
  const random = makeRandom(7);
  const octet = () => random.pick([1, 2, 5, 12, 21, 25, 44, 122, 212, 255]);
  const counts = [0, 0, 0, 0, 0];
  for (let i = 0; i < 1500; i++) {
    const octets = [octet(), octet(), octet(), octet()];
    const rows = [octets, octets.toReversed()].flatMap((row) =>
      [0, 1, 2].flatMap((from) => [2, 3, 4].map((count) => row.slice(from, from + count))),
    );
    // Some of the address, now and then with a digit too many or too few.
    const pieces = random.pick(rows).map((one) => `${one}`.padStart(1 + random.below(3), '0'));
    const run = `${random.chance(0.5) ? random.below(30) : ''}${pieces.join('')}${random.chance(0.5) ? random.below(30) : ''}`;
    const found = rows.filter((row) => {
      const source = row.map((one) => `0{0,${3 - `${one}`.length}}${one}`).join('');
      const longest = Math.max(
        ...[...run.matchAll(new RegExp(`(?=(${source}))`, 'g'))].map(([, text]) => text!.length),
      );
      return longest >= (row.length === 2 ? 6 : 5);
    });
    const wanted = run.length > 3 ? Math.max(0, ...found.map((row) => row.length)) : 0;
    expect([run, octets, addressIn(`h${run}.isp.example`, octets)]).toEqual([run, octets, wanted]);
    counts[wanted]!++;
  }
  expect(Math.min(counts[0]!, counts[2]!, counts[3]!, counts[4]!)).toBeGreaterThan(50);
});

test('a number that stands once in the name is no two octets', () => {
  expect(addressIn('mx100-a1-b2.example.org', [100, 100, 100, 100])).toBe(0);
  expect(addressIn('h100-100.isp.example', [100, 100, 100, 100])).toBe(2);
});

test.each<[string, number]>([
  ['2001-db8-1234-5abc-fedc-ba98-7654-3210.isp.example', 4],
  ['20010db812345abcfedcba9876543210.isp.example', 4],
  ['h-fedc-ba98-7654.isp.example', 4],
  ['cable-fedcba987654.isp.example', 4], // twelve digits
  ['0.1.2.3.4.5.6.7.8.9.a.b.c.d.e.f.isp.example', 4], // in reverse, as in ip6.arpa
  ['cable-ba9876543210.isp.example', 4], // its end
  ['fedc-7654-1234.isp.example', 4], // three groups in any order
  ['fedc-7654.isp.example', 2],
  ['db8-fedc.isp.example', 2],
  ['fedc.isp.example', 0],
  ['xfedcx-7654.isp.example', 2], // a letter that is no digit ends a word
  ['afedc-7654.isp.example', 0],
  ['afedca-07654.isp.example', 0], // other words
  ...['fedcf', 'fedc0', 'fedc9', '0fedc', '9fedc', 'ffedc'].map((word): [string, number] => [
    `${word}-7654.isp.example`,
    0,
  ]),
  ['mail.example.org', 0],
])('IPv6 in %s: %i', (name, shown) => {
  expect(addressIn(name, V6)).toBe(shown);
});

test('the zeros of an IPv6 address are in every name', () => {
  const zeros = [0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x19];
  expect(addressIn('mx-000000000000.example.org', zeros)).toBe(0);
  expect(addressIn('mx19.db8.example.org', zeros)).toBe(0);
  const few = [0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 1, 0x23, 0x45, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff];
  expect(addressIn('mx-000000012345.example.org', few)).toBe(4); // seven of twelve
  few[7] = 0;
  expect(addressIn('mx-000000002345.example.org', few)).toBe(0);
});

test('no name is so long or so strange that it takes more than a moment', () => {
  const numbers = Array.from({ length: 40 }, (_, i) => 100 + i);
  expect(addressIn(`${numbers.join('-')}-198-51-100-27.example`, V4)).toBe(0); // no real name has so many numbers
  expect(addressIn(`${'1'.repeat(8)}198051100027.example`, V4)).toBe(4);
  expect(addressIn(`${'1'.repeat(9)}198051100027.example`, V4)).toBe(0);
});
