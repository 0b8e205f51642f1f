// The Public Suffix List: the table that the build makes, held against the library that it is made from.
import { getDomain } from 'tldts';
import { expect, test } from 'vitest';
import table from '../../dist/suffixes.json';
import { registrableDomain } from '../../src/greylist/pool.ts';

const rules = table
  .trim()
  .split(' ')
  .flatMap((group) => {
    const [parent, ...labels] = group.slice(0, -1).split(',');
    return labels.map((label) => `${label}.${parent}`);
  });

test('every rule of the list is read as tldts reads it, and names beside it too', () => {
  expect(rules.length).toBeGreaterThan(8000);
  for (const rule of rules) {
    const name = rule.replace(/^!/, '').replace('*', 'any');
    for (const host of [name, `a.${name}`, `b.a.${name}`, `x${name}`, name.slice(name.indexOf('.') + 1)]) {
      const theirs = getDomain(host, { allowPrivateDomains: true, validateHostname: false }) ?? undefined;
      if (registrableDomain(host) !== theirs) expect(`${host}: ${registrableDomain(host)}`).toBe(theirs);
    }
  }
});

test.each([
  ['com', undefined],
  ['example.com', 'example.com'],
  ['a.b.example.com', 'example.com'],
  ['mx.nowhere.invalid', 'nowhere.invalid'], // no rule holds: the last label is the suffix
  ['xn--85x722f.com.cn', 'xn--85x722f.com.cn'],
  ['mail.xn--55qx5d.cn', 'mail.xn--55qx5d.cn'],
  ['', undefined],
  ['.', undefined],
  ['..', undefined],
])('the registrable domain of "%s" is %s', (name, domain) => expect(registrableDomain(name)).toBe(domain));
