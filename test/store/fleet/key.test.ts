// The engine's keys: exact, readable, and those of one decision in one slot of a Cluster.
import { createRequire } from 'node:module';
import { expect, test } from 'vitest';
import {
  clientKey,
  houseKey,
  probeKey,
  readKey,
  readOriginsKey,
  tripleKey,
} from '../../../src/store/fleet/key.ts';
import { originsName } from '../../../src/store/records/origins.ts';
import { makeRandom } from '../../support/random.ts';

// The client library's own, which has no types.
const calculateSlot: (key: Buffer) => number = createRequire(import.meta.url)('cluster-key-slot');

const clients = [
  '192.0.2.125',
  '125.125.125.125',
  '2001:DB8::1',
  '2001:db8::1',
  'unknown',
  '',
  '}',
  '{a}b',
  '\xff\x7d',
];
const texts = ['', 'a@example.org', 'Ann@Example.ORG', '"a b"@x', '\xe4\xf6@x', '{', '}', 'x'.repeat(512)];

test('every triple and client can be read back, and all keys of a client lie in one slot', () => {
  for (const client of clients) {
    const own = clientKey(client);
    expect(readKey(own)).toEqual({ client });
    const slot = calculateSlot(own);
    expect(calculateSlot(probeKey(client))).toBe(slot);
    expect(readKey(probeKey(client))).toBeUndefined();
    const origins = houseKey(originsName(client));
    expect(calculateSlot(origins)).toBe(slot);
    expect(readKey(origins)).toBeUndefined();
    expect(readOriginsKey(origins)).toBe(client);
    expect(readOriginsKey(own)).toBeUndefined();
    for (const sender of texts)
      for (const recipient of texts) {
        const key = tripleKey({ client, sender, recipient });
        expect(calculateSlot(key)).toBe(slot);
        const lower = (text: string) => text.replace(/[A-Z]/g, (c) => c.toLowerCase());
        const tail = { sender: lower(sender), recipient: lower(recipient) };
        expect(readKey(key)).toEqual({ client: lower(client), tail });
        expect(readOriginsKey(key)).toBeUndefined();
      }
  }
});

test('no two clients and no two triples share a key; a triple folds its case, a client does not', () => {
  const keys = new Set<string>();
  for (const client of clients) keys.add(clientKey(client).toString('latin1'));
  expect(keys.size).toBe(clients.length);
  const triple = { client: '2001:DB8::1', sender: 'A@x', recipient: 'b@x' };
  expect(tripleKey(triple)).toEqual(tripleKey({ client: '2001:db8::1', sender: 'a@x', recipient: 'B@X' }));
  expect(tripleKey({ ...triple, sender: 'a', recipient: 'b@xb@x' })).not.toEqual(
    tripleKey({ ...triple, sender: 'ab@x', recipient: 'b@x' }),
  );
});

test('clients are spread over the slots', () => {
  const random = makeRandom(1);
  const thirds = [0, 0, 0];
  for (let i = 0; i < 3000; i++) {
    const client = [random.below(256), random.below(256), random.below(256), random.below(256)].join('.');
    thirds[Math.floor((calculateSlot(clientKey(client)) * 3) / 16_384)]!++;
  }
  for (const third of thirds) expect(third).toBeGreaterThan(800);
});
