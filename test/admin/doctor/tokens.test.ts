// Words and braces, as Postfix takes them apart.
import { expect, test } from 'vitest';
import { tokens, unbraced } from '../../../src/admin/doctor/tokens.ts';

test.each([
  ['a  b\tc', ['a', 'b', 'c']],
  ['{a b} c', ['{a b}', 'c']],
  ['x={ a {b c} } d', ['x={ a {b c} }', 'd']],
  ['} a', ['}', 'a']],
  ['{a b', ['{a b']],
  [' ', []],
])('%j', (text, words) => {
  expect(tokens(text, ' \t')).toEqual(words);
});

test('braces come off, and the blanks inside them', () => {
  expect(['{ a b }', '{}', 'a{b}', '{a}b'].map(unbraced)).toEqual(['a b', '', 'a{b}', '{a}b']);
});
