// Triples in columns: chained by sender and recipient as a Map would group them, however many there are.
import { expect, test } from 'vitest';
import { keyInForce, newCollector, type Triples } from '../../../src/admin/history/triples.ts';
import type { TripleEntry } from '../../../src/store/admin/entry.ts';
import { makeRandom } from '../../support/random.ts';
import { triple } from '../report/made.ts';

function collect(entries: TripleEntry[]): Triples {
  const { triples, add } = newCollector();
  for (const entry of entries) add(entry);
  return triples;
}

function chainsOf(triples: Triples): number[][] {
  const chains: number[][] = [];
  for (let root = 0; root < triples.length; root++) {
    if (triples.first[root] === 0) continue;
    const chain: number[] = [];
    for (let i = root; i >= 0; i = triples.next[i]!) chain.push(i);
    chains.push(chain.sort((a, b) => a - b));
  }
  return chains;
}

test('chains hold what has the same sender and recipient, and times are what was handed in', () => {
  const random = makeRandom(62);
  const entries = Array.from({ length: 6000 }, (_, n) =>
    triple({
      client: `10.0.${n >> 8}.${n & 255}`,
      sender: random.chance(0.1) ? '' : `s${random.below(2500)}@example.org`,
      recipient: `r${random.below(3)}@example.net`,
      firstSeen: 1_764_000_000 + random.below(100_000),
      wait: random.chance(0.5) ? 61 + random.below(5000) : 0,
      offsets: Array.from({ length: random.below(5) }, () => 1 + random.below(60)),
    }),
  );
  const triples = collect(entries);
  const groups = new Map<string, number[]>();
  for (const [i, { sender, recipient }] of entries.entries()) {
    const id = sender === '' ? `bounce ${i}` : `${sender} ${recipient}`;
    groups.set(id, [...(groups.get(id) ?? []), i]);
  }
  const sorted = (chains: number[][]) => chains.sort((a, b) => a[0]! - b[0]!);
  expect(sorted(chainsOf(triples))).toEqual(sorted([...groups.values()]));
  for (const [root, pair] of triples.pairs) expect(entries[root]).toMatchObject(pair);
  expect(triples.pairs.size).toBe([...groups.values()].filter((group) => group.length > 1).length);
  for (const [i, { firstSeen, wait, offsets }] of entries.entries()) {
    expect(triples.firstSeen[i]).toBe(firstSeen);
    expect(triples.pass[i]).toBe(wait === 0 ? 0 : firstSeen + wait);
    expect([...triples.offsets.subarray(4 * i, 4 * i + 4)].filter((offset) => offset > 0)).toEqual(offsets);
  }
});

test('clients of a subnet are told from others, IPv6 ones that are no neighbours too', () => {
  const clients = ['192.0.2.1', '192.0.2.77', '192.0.3.1', '2001:db8::1', '2001:db9::1', '2001:db8::1:1'];
  const { subnet, client } = collect(clients.map((client) => triple({ client })));
  expect(new Set(client.subarray(0, 6)).size).toBe(6);
  expect(subnet[0]).toBe(subnet[1]);
  expect(subnet[3]).toBe(subnet[5]);
  expect(new Set(subnet.subarray(0, 6)).size).toBe(4);
  // An engine tells them in no order.
  const shuffled = [...clients, ...clients].sort((a, b) => (a.at(-1)! < b.at(-1)! ? -1 : 1));
  const again = collect(shuffled.map((client) => triple({ client })));
  expect(new Set(again.client.subarray(0, 12)).size).toBe(6);
  expect(new Set(again.subnet.subarray(0, 12)).size).toBe(4);
});

test('what stands for the client shows in the records', () => {
  const key = (...clients: string[]) =>
    keyInForce(collect(clients.map((client) => triple({ client }))).kinds);
  expect(key('192.0.2.1', '2001:db8::1', '192.0.2.0/24')).toBe('address');
  expect(key('192.0.2.0/24', '2001:db8::/64', '192.0.2.1')).toBe('subnet');
  expect(key('192.0.2.0/24', 'example.com', '198.51.100.0/24')).toBe('pool');
  expect(key('192.0.2.0/24', 'unknown', '198.51.100.0/24')).toBe('subnet');
  expect(key('abcdefghijklmno', 'zzzzzzzzzz01234')).toBe('hidden');
});
