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
  expect(decode(bytes, false)).toEqual({ entries: [one, other], rest: bytes.length });
  const cut = bytes.subarray(0, -1);
  expect(decode(cut, false)).toEqual({ entries: [one], rest: encode(one).length });
});

test('at the end none goes on, and what follows a spoilt one is read', () => {
  const bytes = encode(one);
  for (let at = 0; at < bytes.length; at++) {
    const spoilt = Buffer.from(bytes);
    spoilt[at]! ^= 0xff;
    expect([at, decode(Buffer.concat([spoilt, encode(other)]), true).entries]).toEqual([at, [other]]);
    expect([at, decode(Buffer.concat([bytes.subarray(0, at), bytes]), true).entries]).toEqual([at, [one]]);
  }
});
