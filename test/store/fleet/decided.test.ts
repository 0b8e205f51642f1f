// Entries of the journal as bytes. (Whole journals, spoilt by a full disk or a power cut: journal.test.ts.)
import { expect, test } from 'vitest';
import { type Decided, decode, encode } from '../../../src/store/fleet/decided.ts';

const one: Decided = {
  client: '192.0.2.1',
  sender: '\xe4@example.org',
  recipient: 'r@example.net',
  firstSeen: 1_700_000_000,
  passed: 0xffffffff,
  comeBack: true,
};
const other: Decided = { ...one, client: '', sender: '', recipient: '', passed: 0, comeBack: false };

test('an entry is read as it was written, up to where one may go on beyond the bytes', () => {
  const bytes = Buffer.concat([encode(one), encode(other)]);
  const { length } = encode(one);
  const first = { decided: one, at: 0, length };
  const second = { decided: other, at: length, length: bytes.length - length };
  expect(decode(bytes, false)).toEqual({ entries: [first, second], rest: bytes.length });
  const cut = bytes.subarray(0, -1);
  expect(decode(cut, false)).toEqual({ entries: [first], rest: length });
});

const found = (...bytes: Buffer[]) =>
  decode(Buffer.concat(bytes), true).entries.map(({ decided }) => decided);

test('at the end none goes on, and what follows a spoilt one is read', () => {
  const bytes = encode(one);
  for (let at = 0; at < bytes.length; at++) {
    const spoilt = Buffer.from(bytes);
    spoilt[at]! ^= 0xff;
    expect([at, found(spoilt, encode(other))]).toEqual([at, [other]]);
    expect([at, found(bytes.subarray(0, at), bytes)]).toEqual([at, [one]]);
  }
});
