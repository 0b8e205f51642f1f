// Who is excepted is held against postgrey (../oracle/lists.test.ts); here: which line it was, which lines are left out
// and why, and what a hostile name costs.
import { expect, test } from 'vitest';
import { EMPTY_HASH, hashOn } from '../../src/lists/bytes.ts';
import { CLIENTS } from '../../src/lists/clients.ts';
import { readAtOnce } from '../../src/lists/list.ts';
import { hashNetwork, parseNetwork } from '../../src/lists/network.ts';

function read(...lines: string[]) {
  const warnings: string[] = [];
  const list = readAtOnce(CLIENTS, Buffer.from(lines.join('\n'), 'latin1'), (line, text, what) => {
    warnings.push(`${line} ${text} ${what}`);
  });
  return { list, warnings };
}

test('tells the line and its text, the widest one first', () => {
  const { list, warnings } = read(
    '# a comment',
    '',
    'com',
    '  Example.NET  # ours',
    '192.0.2.0/24',
    '198.51.100.7',
    '/^mail\\d/',
    'example.com',
    '192.0.2.7',
    'EXAMPLE.net',
  );
  expect(warnings).toEqual([]);
  const at = (name: string, address: string) => list.match(name, address);
  expect(at('mail1.example.com', '192.0.2.7')).toEqual({ line: 3, text: 'com' });
  expect(at('mail1.example.net', '192.0.2.7')).toEqual({ line: 4, text: 'Example.NET' });
  expect(at('unknown', '192.0.2.7')).toEqual({ line: 5, text: '192.0.2.0/24' });
  expect(at('unknown', '198.51.100.7')).toEqual({ line: 6, text: '198.51.100.7' });
  expect(at('mail1.example.org', '198.51.100.1')).toEqual({ line: 7, text: '/^mail\\d/' });
  expect(at('unknown', '198.51.100.1')).toBeUndefined();
});

test('the widest network first, also where it stands behind others', () => {
  const { list } = read('192.0.2.7', '192.0.2.0/25', '192.0', '192.0.2');
  expect(list.match('unknown', '192.0.2.7')).toEqual({ line: 3, text: '192.0' });
});

test('a byte order mark before the first line is no part of it, and elsewhere of the line', () => {
  const mark = '\xef\xbb\xbf';
  const { list, warnings } = read(`${mark}192.0.2.7`, `${mark}192.0.2.8`);
  expect(list.match('unknown', '192.0.2.7')).toEqual({ line: 1, text: '192.0.2.7' });
  expect(list.match('unknown', '192.0.2.8')).toBeUndefined();
  expect(warnings).toHaveLength(1);
  expect(warnings[0]).toMatch(/^2 /);
});

test.each([
  ['1.2.3.256', 'is no address'],
  ['10', 'is no address'],
  ['192.168.1.', 'is no address'],
  ['10.0.0.0/33', 'is no address'],
  ['010.0.0.1', 'is no address'],
  ['10.0.0.0/255.0.0.0', 'is no address'],
  ['2001:db8::/129', 'is no address'],
  ['mail.example.com:25', 'is no address'],
  ['mail example', 'is no name'],
  ['*.example.com', 'is no name'],
  ['user@example.com', 'is no name'],
  ['/example', 'is no name'],
  ['example/', 'is no name'],
  ['//', 'is no address'], // an expression that is empty would match everybody
  ['/two words/', 'is no name'],
  ['.example.com', 'begins or ends with a dot'],
  ['example.com.', 'begins or ends with a dot'],
  ['Unknown', '/^unknown$/'],
  ['/(/', 'regular expression'],
  ['/\\p{L}/', '\\p is not understood'],
])('%s is left out, and what is around it holds', (line, what) => {
  const { list, warnings } = read('before.example', line, 'after.example');
  expect(warnings).toEqual([expect.stringContaining(`2 ${line} `)]);
  expect(warnings[0]).toContain(what);
  expect(list.match('before.example', '192.0.2.1')).toMatchObject({ line: 1 });
  expect(list.match('after.example', '192.0.2.1')).toMatchObject({ line: 3 });
  expect(list.match('unknown', '192.0.2.1')).toBeUndefined();
});

test('the shortest expression is one letter between slashes', () => {
  const { list, warnings } = read('/x/');
  expect(warnings).toEqual([]);
  expect(list.match('mx.example', '')).toEqual({ line: 1, text: '/x/' });
  expect(list.match('mail.test', '')).toBeUndefined();
});

test('an IPv4 address in the words of IPv6 is that address, in a list and in a request', () => {
  const { list, warnings } = read('::ffff:192.0.2.0/120', '::FFFF:198.51.100.1', '203.0.113.7');
  expect(warnings).toEqual([]);
  expect(list.match('unknown', '192.0.2.9')).toMatchObject({ line: 1 });
  expect(list.match('unknown', '198.51.100.1')).toMatchObject({ line: 2 });
  expect(list.match('unknown', '::ffff:203.0.113.7')).toMatchObject({ line: 3 });
  expect(list.match('unknown', '192.0.3.9')).toBeUndefined();
});

test('all addresses are a network, too; and names that are as long as "unknown", or its beginning', () => {
  const { list, warnings } = read('::/0', 'foo.com', 'un', 'unknown.example');
  expect(warnings).toEqual([]);
  expect(list.match('unknown', '2001:db8::1')).toMatchObject({ line: 1 });
  expect(list.match('foo.com', '')).toMatchObject({ line: 2 });
  expect(list.match('www.un', '')).toMatchObject({ line: 3 });
  expect(list.match('unknown.example', '')).toMatchObject({ line: 4 });
});

/** The hash by which an entry is found, where it is that of its text. */
const hashOf = (text: string) => Buffer.from(text, 'latin1').reduce(hashOn, EMPTY_HASH);

test.each([
  ['mx-1.example', 'mx\r1.example'],
  ['8226.test', '8226.testff8v2'],
  ['jortov.test', '32ctge.test'],
])('%s is not %j, though their hashes are the same', (entry, name) => {
  expect(hashOf(name)).toBe(hashOf(entry));
  const { list } = read(entry);
  expect(list.match(`a.${entry}`, '')).toMatchObject({ line: 1 });
  expect(list.match(name, '')).toBeUndefined();
  expect(list.match(`a.${name}`, '')).toBeUndefined();
});

test('a slash on the line before is no part of a short address', () => {
  const { list, warnings } = read('/x/', '::', '/x/', '::1', '192.0.2.1');
  expect(warnings).toEqual([]);
  for (const [address, line] of [
    ['::', 2],
    ['::1', 4],
    ['192.0.2.1', 5],
  ] as const)
    expect(list.match('unknown', address)).toMatchObject({ line });
});

test('nor is an address another one for that', () => {
  const [one, other] = ['2001:db8::1:0:1', '2001:db8::2:300:274'];
  const hash = (text: string) => {
    const words = new Int32Array(4);
    return hashNetwork(words, parseNetwork(Buffer.from(text), 0, text.length, words));
  };
  expect(hash(other)).toBe(hash(one));
  const { list } = read(one);
  expect(list.match('unknown', one)).toMatchObject({ line: 1 });
  expect(list.match('unknown', other)).toBeUndefined();
});

test('an address that is none matches no network, and a name is still a name', () => {
  const { list } = read('0.0.0.0/0', '::/0', 'example.com');
  for (const address of ['', 'unknown', '1.2.3', '1.2.3.4/8', '1.2.3.4.5', '::1::', ':'.repeat(5000)]) {
    expect(list.match('unknown', address)).toBeUndefined();
    expect(list.match('example.com', address)).toMatchObject({ line: 3 });
  }
});

test('finds each of many entries, and nothing else', () => {
  const lines: string[] = [];
  for (let i = 0; i < 3000; i++)
    lines.push(`h${i}.example`, `10.${i >> 8}.${i & 255}.1`, `2001:db8:${i}::/48`);
  const { list, warnings } = read(...lines);
  expect(warnings).toEqual([]);
  for (let i = 0; i < 3000; i++) {
    expect(list.match(`a.h${i}.example`, '')).toMatchObject({ line: 3 * i + 1 });
    expect(list.match('unknown', `10.${i >> 8}.${i & 255}.1`)).toMatchObject({ line: 3 * i + 2 });
    expect(list.match('unknown', `2001:db8:${i}:ffff::1`)).toMatchObject({ line: 3 * i + 3 });
    expect(list.match(`ah${i}.example`, `10.${i >> 8}.${i & 255}.2`)).toBeUndefined();
  }
});

test('an empty list and an empty name', () => {
  expect(read('').list.match('', '')).toBeUndefined();
  expect(read('').list.match('example.com', '192.0.2.1')).toBeUndefined();
  expect(read('example.com').list.match('', '')).toBeUndefined();
  expect(read('example.com').list.match('.', '')).toBeUndefined();
});
