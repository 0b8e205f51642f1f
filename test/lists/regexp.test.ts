// What a regular expression in Perl's syntax means is held against Perl by way of postgrey (../oracle/lists.test.ts); here:
// what is refused rather than misread.
import { expect, test } from 'vitest';
import { perlRegExp } from '../../src/lists/regexp.ts';

test.each([
  ['(?>a+)b', 'atomic groups'],
  ['a++b', 'possessive quantifiers'],
  ['(?|(a)|(b))', 'branch reset'],
  ['(?R)', 'recursion'],
  ['(a)?(?(1)b|c)', 'conditions'],
  ['(*FAIL)', 'verbs'],
  ['(?-i)Mail', 'regard to case'],
  ['(?^:Mail)', 'regard to case'],
  ['\\p{Lu}', 'properties'],
  ['\\X', 'grapheme clusters'],
  ['\\Qa.b\\E', 'quoting, which Perl does not do here either'],
  ['\\x{263a}', 'characters that are no byte'],
  ['\\N{U+41}', 'named characters'],
  ['[[:^alpha:]]', 'a class of all others'],
  ['[[:letter:]]', 'a class that does not exist'],
  ['(a)\\g0', 'a group that does not exist'],
  ['(a)\\g{-2}', 'a group that does not exist'],
  ['[a', 'what Perl refuses as well'],
  ['a)', 'what Perl refuses as well'],
])('%s is refused: %s', (source) => {
  expect(() => perlRegExp(source)).toThrow(Error);
});

test('what JavaScript would silently take for something else', () => {
  expect(perlRegExp('^\\Aabc\\z').test('abc')).toBe(true);
  expect(perlRegExp('^[]x]$').test(']')).toBe(true);
  expect(perlRegExp('^[^]x]$').test(']')).toBe(false);
  expect(perlRegExp('^[[:alpha:]]$').test('a')).toBe(true);
  expect(perlRegExp('^a{,2}$').test('aa')).toBe(true);
  expect(perlRegExp('^\\s$').test('\xa0')).toBe(false);
  expect(perlRegExp("^(?'x'a)\\k{x}(?P=x)$").test('aaa')).toBe(true);
});

test.each([
  ['^(?i)a$', 'a', ''],
  ['^(?i:a|b)c$', 'bc', 'a'],
  ['^(a|b)(a|b)\\g1$', 'aba', 'abb'],
  ['^(a|b)(a|b)\\g{-1}$', 'abb', 'aba'],
  ['^(?<first>a|b)(a|b)\\g{-2}$', 'aba', 'abb'],
  ['^\\x4d\\x{58}\\x5$', 'MX\x05', 'mx5'],
  ['^[\\x41]\\d\\.[\\d-]$', 'A1.-', 'Ad.-'],
  ["^(?'first'a|b)\\g{first}$", 'aa', 'ab'],
  // Bytes above 127 are no letters: half of them are not the other half in upper case.
  ['^m\xfcller', 'M\xfcLLER', 'm\xdcller'],
  ['^[\xc0-\xdf]$', '\xc3', '\xe3'],
  ['^[^\xc0-\xdf]$', '\xe3', '\xc3'],
  ['^\\xfc\\x{fd}$', '\xfc\xfd', '\xdc\xdd'],
  ['^[\\xe0-\\xff]$', '\xff', '\xc0'],
  ['^\\374$', '\xfc', '\xdc'],
  ['^\\\\xfc\xfc$', '\\xFC\xfc', '\\\xfc\xfc'],
  ['^\xfc\\W\\S[\\h]$', '\xfc\xdc\xe0\xa0', '\xfc\xdca\xe0'],
])('%s matches %j, and not %j', (source, one, other) => {
  expect(perlRegExp(source).test(one)).toBe(true);
  expect(perlRegExp(source).test(other)).toBe(false);
});
