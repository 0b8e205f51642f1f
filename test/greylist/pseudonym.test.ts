// What --privacy stores in place of addresses: equal for equal ones, and nothing else to be learnt from it.
import { createHmac } from 'node:crypto';
import { expect, test } from 'vitest';
import { newPseudonym } from '../../src/greylist/pseudonym.ts';
import { makeRandom } from '../support/random.ts';

const secret = Buffer.from('0123456789abcdef0123456789abcdef');
const pseudonym = newPseudonym(secret);

test('the same address has the same one, in whatever case its ASCII letters are', () => {
  expect(pseudonym('Ann@Example.ORG')).toBe(pseudonym('ann@example.org'));
  expect(newPseudonym(Buffer.from(secret))('ann@example.org')).toBe(pseudonym('ann@example.org'));
  // Bytes that are no ASCII are no letters: no two of them are one.
  expect(pseudonym('\xc4@example.org')).not.toBe(pseudonym('\xe4@example.org'));
});

test('it is a name without anything of the address, of one length', () => {
  for (const text of ['a', 'ann@example.org', '192.0.2.1', '\xff', 'x'.repeat(1000)])
    expect(pseudonym(text)).toMatch(/^[a-z0-5]{15}$/);
});

test('what is empty stays so: it is the sender of bounces', () => {
  expect(pseudonym('')).toBe('');
});

test('without the key nobody can make it', () => {
  const other = newPseudonym(Buffer.from('another key, which somebody made'));
  for (const text of ['a', 'ann@example.org', '192.0.2.1']) expect(other(text)).not.toBe(pseudonym(text));
});

test('it says what HMAC-SHA-256 says of its bytes, five bits of each', () => {
  const digest = createHmac('sha256', secret).update(Buffer.from('zo\xeb@example.org', 'latin1')).digest();
  const letters = 'abcdefghijklmnopqrstuvwxyz012345';
  expect([...pseudonym('Zo\xeb@example.org')].map((letter) => letters.indexOf(letter))).toEqual(
    [...digest.subarray(0, 15)].map((byte) => byte % 32),
  );
});

test('no two of many addresses have the same one', () => {
  const random = makeRandom(3);
  const texts = new Set(Array.from({ length: 20_000 }, () => `s${random.below(2 ** 31)}@example.org`));
  expect(new Set([...texts].map(pseudonym)).size).toBe(texts.size);
});
