// Keys: exact, short, and a client's beside those of its triples.
import { describe, expect, test } from 'vitest';
import {
  clientEnd,
  clientLength,
  isHouse,
  isTriple,
  MAX_KEY,
  networkLength,
  readKey,
  writeClient,
  writeHouse,
  writeTriple,
} from '../../../src/store/records/key.ts';
import { makeRandom } from '../../support/random.ts';

function tripleKey(client: string, sender: string, recipient: string): Buffer {
  const out = Buffer.alloc(MAX_KEY + 8, 0xee);
  return out.subarray(0, writeTriple(out, 0, { client, sender, recipient }));
}

function clientKey(client: string): Buffer {
  const out = Buffer.alloc(MAX_KEY);
  return out.subarray(0, writeClient(out, 0, client, false));
}

const lower = (text: string) => text.replace(/[A-Z]/g, (c) => c.toLowerCase());

describe('keys', () => {
  const clients = [
    '1.2.3.4',
    '01.2.3.4',
    '1.2.3.256',
    '1.2.3',
    '1.2.3.4.5',
    '1..2.3',
    '2001:db8::1',
    '',
    'unknown',
    '4.4.4.4',
    // What would be 9.2.3.4, 1.2.3.10, 1.2.3.18 and 49.2.3.4 if it were digits.
    ...['1/.2.3.4', '9.2.3.4', '1.2.3.:', '1.2.3.10', '1.2.3.1:', 'a.2.3.4', '49.2.3.4'],
    ...['0.0.0.0', '00.0.0.0', '255.255.255.255'],
  ];
  const letters = ['a', 'b', 'Z', '0', '@', '.', '/', '\0', '\xff', '\xc3', ' ', '~', '"', ','];

  test('no two triples share one, and each can be read back', () => {
    const random = makeRandom(11);
    const text = () => Array.from({ length: random.below(4) }, () => random.pick(letters)).join('');
    const seen = new Map<string, string>();
    const wrong: object[] = [];
    for (let i = 0; i < 60_000; i++) {
      const [client, sender, recipient] = [random.pick(clients), text(), text()];
      const key = tripleKey(client, sender, recipient);
      const meaning = JSON.stringify([client, lower(sender), lower(recipient)]);
      const name = key.toString('latin1');
      const read = readKey(key);
      const again = JSON.stringify([read?.client, read?.tail?.sender, read?.tail?.recipient]);
      if ((seen.get(name) ?? meaning) !== meaning || again !== meaning) wrong.push({ meaning, again });
      seen.set(name, meaning);
    }
    expect(wrong).toEqual([]);
  });

  test('no triple has the key of a client, and a client comes right before its triples', () => {
    for (const client of clients) {
      const own = clientKey(client);
      expect(readKey(own)).toEqual({ client });
      for (const sender of ['', 'a', '\xff']) {
        const key = tripleKey(client, sender, 'r');
        expect(key.length).toBeGreaterThan(own.length);
        expect(key.subarray(0, own.length)).toEqual(own);
      }
    }
  });

  test('ASCII letters of triples are folded, those of counted clients and other bytes are not', () => {
    expect(tripleKey('2001:DB8::A', 'Ann@X', 'BOB')).toEqual(tripleKey('2001:db8::a', 'ann@x', 'bob'));
    expect(clientKey('2001:DB8::A')).not.toEqual(clientKey('2001:db8::a'));
    expect(tripleKey('c', '\xc4', 'r')).not.toEqual(tripleKey('c', '\xe4', 'r'));
  });

  test('the longest attributes fit, ordinary ones take three quarters of their length', () => {
    const long = '\xff'.repeat(512);
    expect(readKey(tripleKey(long, long, long))).toEqual({
      client: long,
      tail: { sender: long, recipient: long },
    });
    const sender = 'newsletter@mail.example.org';
    const recipient = 'bob.recipient@example.net';
    expect(tripleKey('192.0.2.17', sender, recipient).length).toBe(
      5 + Math.ceil((sender.length + 1 + recipient.length) * 0.75),
    );
  });

  test('the bytes are those that databases hold already', () => {
    expect(tripleKey('192.0.2.17', 'Ann@example.org', 'b').toString('hex')).toBe(
      '04c000021104e3a615804d40c1653d21c008',
    );
    expect(tripleKey('192.0.2.255', 'ab', 'c').toString('hex')).toBe('04c00002ff042003');
    expect(tripleKey('2001:DB8::1', '\xe9', 'b').toString('hex')).toBe(
      '01000b323030313a6462383a3a31ff0001e962',
    );
    expect(clientKey('2001:DB8::1').toString('hex')).toBe('01000b323030313a4442383a3a31');
    const house = Buffer.alloc(16, 0xee);
    expect(house.toString('hex', 0, writeHouse(house, 0, 'Sweep'))).toBe('005377656570');
  });

  test('it is seen whose a key is, and where its client and its network end', () => {
    const beside = (key: Buffer) => Buffer.concat([Buffer.from('....'), key, Buffer.from('....')]);
    for (const [client, length, network] of [
      ['192.0.2.17', 5, 4],
      ['2001:db8:1:2:3::4', 20, 3 + '2001:db8:1:2'.length],
      ['2001:db8::1', 14, 3 + '2001:db8::'.length],
      ['2001:db8::6:b1f:f:e2f', 24, 3 + '2001:db8::'.length],
      ['2001:db8:1:0:6:b1f:f:e2f', 27, 3 + '2001:db8:1:0'.length],
      ['example.com', 14, 14],
      ['', 3, 3],
    ] as const) {
      const own = clientKey(client);
      const triple = tripleKey(client, 's@x', 'r@y');
      expect([client, own.length, networkLength(own), networkLength(triple)]).toEqual([
        client,
        length,
        network,
        network,
      ]);
      expect([isTriple(own, 0, own.length), isTriple(triple, 0, triple.length)]).toEqual([false, true]);
      expect([isTriple(beside(own), 4, own.length), isTriple(beside(triple), 4, triple.length)]).toEqual([
        false,
        true,
      ]);
      expect([isHouse(own), isHouse(triple)]).toEqual([false, false]);
      expect([clientEnd(triple, 0), clientEnd(beside(triple), 4)]).toEqual([length, 4 + length]);
      expect(clientLength(triple)).toBe(client === '192.0.2.17' ? 5 : 0);
    }
    const house = Buffer.alloc(16);
    const length = writeHouse(house, 0, 'sweep');
    expect([isHouse(house), isTriple(house, 0, length), clientEnd(house, 0)]).toEqual([true, false, 0]);
    expect(clientEnd(Buffer.from([1, 0, 9]), 0)).toBe(0);
  });

  test('rubbish is no key', () => {
    const client = [4, 1, 2, 3, 4];
    for (const bytes of [
      [],
      [1],
      [1, 0],
      [1, 0, 9],
      [1, 0, 9, 65],
      [1, 0, 0, 4], // no separator in the tail
      [4, 1, 2],
      [9, 9, 9, 9, 9],
      [...client, 255],
      [...client, 255, 0],
      [...client, 255, 0, 1],
      [...client, 255, 0, 2, 65],
      [...client, 0x04, 0x20, 0x82],
      [...client, 0xfc, 0, 0], // a code that stands for nothing
    ]) {
      expect([bytes, readKey(Uint8Array.from(bytes))]).toEqual([bytes, undefined]);
    }
    expect(readKey(Uint8Array.of(...client, 255, 0, 0))).toEqual({
      client: '1.2.3.4',
      tail: { sender: '', recipient: '' },
    });
    expect(isTriple(Uint8Array.of(9, 0, 0, 1, 2), 0, 5)).toBe(false);
  });
});
