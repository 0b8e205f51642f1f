// Who is excepted is held against postgrey (../oracle/lists.test.ts); here: which line it was, and which lines are left
// out and why.
import { expect, test } from 'vitest';
import { EMPTY_HASH, hashOn } from '../../src/lists/bytes.ts';
import { readAtOnce } from '../../src/lists/list.ts';
import { RECIPIENTS } from '../../src/lists/recipients.ts';

function read(...lines: string[]) {
  const warnings: string[] = [];
  const list = readAtOnce(RECIPIENTS, Buffer.from(lines.join('\n'), 'latin1'), (line, text, what) => {
    warnings.push(`${line} ${text} ${what}`);
  });
  return { list, warnings };
}

test('tells the line and its text', () => {
  const { list, warnings } = read(
    '# postgrey whitelist',
    'Postmaster@ # RFC 5321',
    'ann+list@example.com',
    'example.org',
    '/^bob[.+]/',
  );
  expect(warnings).toEqual([]);
  expect(list.match('postmaster+x@example.com')).toEqual({ line: 2, text: 'Postmaster@' });
  expect(list.match('ANN+LIST+more@example.com')).toEqual({ line: 3, text: 'ann+list@example.com' });
  expect(list.match('ann@sub.example.org')).toEqual({ line: 4, text: 'example.org' });
  expect(list.match('bob.x@example.net')).toEqual({ line: 5, text: '/^bob[.+]/' });
  expect(list.match('ann@example.com')).toBeUndefined();
  expect(list.match('@example.org')).toEqual({ line: 4, text: 'example.org' });
  expect(list.match('')).toBeUndefined();
});

test.each([
  ['b@c.example', 'b@c.example', 'a@b@c.example'], // the user ends before the first @
  ['y@c.example', 'y@c.example', 'a@x.y@c.example'],
  ['c.example', 'a@b@c.example', 'a@c.example@d.example'], // the domain begins behind the last
  ['ann@', 'ann+x@example.org', 'ann+@example.org'], // an extension has something in it
  ['ann+@', 'ann+@example.org', 'ann@example.org'],
  ['/x@example.org', '/x@example.org', 'x@example.org'],
  ['.ann@example.org', '.ann@example.org', 'ann@example.org'],
  ['ann@example.org.', 'ann@example.org.', 'ann@example.org'],
])('%s stands for %s, and not for %s', (entry, recipient, other) => {
  const { list, warnings } = read(entry);
  expect(warnings).toEqual([]);
  expect(list.match(recipient)).toEqual({ line: 1, text: entry });
  expect(list.match(other)).toBeUndefined();
});

/** The hash by which an entry is found. */
const hashOf = (text: string) => Buffer.from(text, 'latin1').reduce(hashOn, EMPTY_HASH);

test.each([
  ['a-b@', 'a\rb@', 'example.org'],
  ['a-b@example.org', 'a\rb@example.org', ''],
  ['ann@my-name.example', 'ann@my\rname.example', ''],
  ['wmma00@', '88ummg@', 'example.org'],
  ['8226.test', '8226.testff8v2', ''],
])('%s is not %j, though their hashes are the same', (entry, text, rest) => {
  expect(hashOf(text)).toBe(hashOf(entry));
  const { list } = read(entry);
  const isDomain = !entry.includes('@');
  expect(list.match(`${isDomain ? 'ann@' : ''}${entry}${rest}`)).toMatchObject({ line: 1 });
  expect(list.match(`${isDomain ? 'ann@' : ''}${text}${rest}`)).toBeUndefined();
});

test.each([
  ['ann @example.com', 'has space'],
  ['//', 'slash at both ends'],
  ['/^ann', 'slash at both ends'],
  ['*@example.com', 'wildcard'],
  ['*.example.com', 'wildcard'],
  ['.example.com', 'begins or ends with a dot'],
  ['example.com.', 'begins or ends with a dot'],
  ['@example.com', 'a domain is written without it'],
  ['/[/', 'regular expression'],
])('%s is left out, and what is around it holds', (line, what) => {
  const { list, warnings } = read('before@', line, 'after@');
  expect(warnings).toEqual([expect.stringContaining(`2 ${line} `)]);
  expect(warnings[0]).toContain(what);
  expect(list.match('before@example.com')).toMatchObject({ line: 1 });
  expect(list.match('after@example.com')).toMatchObject({ line: 3 });
  expect(list.match('ann@example.com')).toBeUndefined();
});

test('finds each of many entries, and nothing else', () => {
  const lines: string[] = [];
  for (let i = 0; i < 3000; i++) lines.push(`u${i}@`, `v${i}@d${i}.example`, `e${i}.example`);
  const { list, warnings } = read(...lines);
  expect(warnings).toEqual([]);
  for (let i = 0; i < 3000; i++) {
    expect(list.match(`u${i}+x@anywhere.example`)).toMatchObject({ line: 3 * i + 1 });
    expect(list.match(`V${i}+x@D${i}.example`)).toMatchObject({ line: 3 * i + 2 });
    expect(list.match(`w@sub.e${i}.example`)).toMatchObject({ line: 3 * i + 3 });
    expect(list.match(`v${i}@d${i + 1}.example`)).toBeUndefined();
    expect(list.match(`w@sube${i}.example`)).toBeUndefined();
  }
});
