// The longest waits by name, with a bound on how many names are remembered.
import { expect, test } from 'vitest';
import { newLeaders, senderDomainOf } from '../../../src/admin/report/leaders.ts';
import { makeRandom } from '../../support/random.ts';

test('as a Map would have it, while there is room', () => {
  const random = makeRandom(64);
  const leaders = newLeaders(1000);
  const model = new Map<string, number>();
  for (let i = 0; i < 5000; i++) {
    const name = `n${random.below(900)}`;
    const wait = random.below(10_000);
    leaders.add(name, wait);
    model.set(name, (model.get(name) ?? 0) + wait);
  }
  const expected = [...model].sort((a, b) => b[1] - a[1]).slice(0, 10);
  expect(leaders.top(10).map(({ name, waited }) => [name, waited])).toEqual(expected);
});

test('who waits most is not lost among any number of names', () => {
  const leaders = newLeaders(100);
  for (let i = 0; i < 20_000; i++) {
    leaders.add(`once${i}`, 60);
    if (i % 7 === 0) leaders.add('often', 300);
  }
  expect(leaders.top(1)).toEqual([{ name: 'often', mails: 2858, waited: 2858 * 300, worst: 300 }]);
});

test('the domain of a sender', () => {
  expect(['', 'a@B.Example', '"a@b"@c.example', 'nobody'].map(senderDomainOf)).toEqual([
    '<>',
    'b.example',
    'c.example',
    'nobody',
  ]);
});

test('a domain in UTF-8 (SMTPUTF8) keeps its bytes, so that what list shows can be found by it', () => {
  const bytes = Buffer.from('a@Exämple.com').toString('latin1');
  expect(Buffer.from(senderDomainOf(bytes), 'latin1').toString()).toBe('exämple.com');
});
