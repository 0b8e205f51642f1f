// Expressions that would take for ever on a text made for it get an answer, and mean what they mean without that care.
import { Script } from 'node:vm';
import { expect, test } from 'vitest';
import { perlRegExp } from '../../src/lists/regexp.ts';

/** Ends what would run for years by an error. */
function inTime<T>(work: () => T): T {
  (globalThis as { work?: () => T }).work = work;
  return new Script('work()').runInThisContext({ timeout: 20_000 });
}

test.each([
  ['(a+.?)+@', `${'a'.repeat(2000)}!`],
  ['^(\\w+[-.]?)*$', `${'mail-'.repeat(100)}!`],
  ['^(?:[a-z0-9]+\\.?)*\\.Example\\.ORG$', `${'0123456789'.repeat(25)}.example.com`],
  ['^(?:(?:a|b|ab)*c?){2,}d', 'ab'.repeat(500)],
  ['.*.*.*.*.*.*=', 'a'.repeat(1000)],
  ['^b|.*a.*a.*a$', `${'a'.repeat(4000)}!`],
  ['.*a.*a.*a$', `${'a'.repeat(4000)}!`],
  ['^\\(a|.*a.*a.*a$\\)', `${'a'.repeat(4000)}!`],
  ['(?<label>\\w+\\x2e?)+\xfc$', `${'a.'.repeat(300)}\xdc`],
])('%s gets its answer for any text', (source, text) => {
  expect(inTime(() => perlRegExp(source).test(text))).toBe(false);
});

test('and the right one, where it matches only after many ways that do not', () => {
  expect(inTime(() => perlRegExp('(a+.?)+@').test(`${'a'.repeat(60)}!!A@`))).toBe(true);
});

// Each in its place in an expression that is written anew, where every letter stands in both cases.
test.each([
  ['Mail', 'mAIL', 'nail'],
  ['[m-p]', 'O', 'Q'],
  ['[^m-p]', 'Q', 'O'],
  ['[A-z]', '^', '@'],
  ['[X-c]', 'A', 'd'],
  ['[Z-_]', 'z', 'y'],
  ['[x-]', '-', 'y'],
  ['[-x]', 'X', 'w'],
  ['[\\d-f]', 'F', 'e'],
  ['[\\w-]', '-', '.'],
  ['[\\d]', '1', 'D'],
  ['[\\--c]', 'z', '~'],
  ['[\\060-c]', 'z', '~'],
  // What the other engine does not know.
  ['(?<two>ab|cd)-\\k<two>', 'ab-AB', 'ab-cd'],
  ['(ab|cd)-\\1', 'ab-AB', 'ab-cd'],
  ['(?=a)\\w', 'A', 'b'],
  ['(?!a)\\w', 'B', 'A'],
  ['\\w(?<=a)', 'A', 'b'],
  ['\\w(?<!a)', 'B', 'A'],
  ['[\\x41-\\x43]', 'b', 'd'],
  ['\\x41', 'a', 'b'],
  ['[]a]', 'A', 'b'],
  ['[\\]a\\-c]', 'C', 'b'],
  ['[[:upper:]]', 'a', '1'],
  ['\\cA', '\x01', 'a'],
  ['\\D', 'd', '1'],
  ['(?<Name>b)', 'B', 'n'],
  ['\\bx', 'X', 'b'],
  ['[^\xc0-\xdf]', '\xe3', '\xc3'],
])('%s matches %j, and not %j', (part, one, other) => {
  const again = perlRegExp(`^(?:${part})+$`);
  expect(again.test(one)).toBe(true);
  expect(again.test(other)).toBe(false);
});
