// The runs of letters and digits in a local part, and which of them were made for one message. What becomes of whole
// senders is in sender.test.ts.
import { expect, test } from 'vitest';
import { hideVarying, isBounce, isJoint, markVarying, tokensOf } from '../../src/greylist/tokens.ts';

/** The text with a # for what varies; `numbers`: running numbers as well. */
function hidden(text: string, numbers = false): string {
  const tokens = tokensOf(text);
  markVarying(text, tokens, numbers);
  return hideVarying(text, tokens);
}

test('a token is a run of ASCII letters and digits, and knows what it consists of', () => {
  const text = 'joe-3f2G.\xe47_x1y';
  const tokens = tokensOf(text);
  expect(tokens.map(({ start, end }) => text.slice(start, end))).toEqual(['joe', '3f2G', '7', 'x1y']);
  expect(tokens.map(({ digits, turns, hex }) => [digits, turns, hex])).toEqual([
    [0, 0, false],
    [2, 3, false],
    [1, 0, true],
    [1, 2, false],
  ]);
  expect(tokens.every(({ varies, end }) => varies === end)).toBe(true);
  expect(tokensOf('')).toEqual([]);
  expect(tokensOf('-._\xff')).toEqual([]);
});

test('a word for bounces is letters, or letters with a number behind them', () => {
  const texts = ['Bounce', 'bounce12', 'verp', '12', '12bounce', '1bounces', 'bounce1x', 'b1', 'joe'];
  const found = texts.filter((text) => isBounce(text, tokensOf(text)[0]!));
  expect(found).toEqual(['Bounce', 'bounce12', 'verp']);
});

test.each([
  ['joe.smith-2024', 'joe.smith-2024'],
  ['joe-12345678901234', 'joe-#'], // a time stamp
  ['joe-1234567890123', 'joe-1234567890123'],
  ['list-0123456789abcdef', 'list-#'],
  ['list-0123456789abcde', 'list-0123456789abcde'],
  ['list-abcdefabcdefabcd', 'list-abcdefabcdefabcd'], // no digit: a word
  ['m-a1b2c3d4e5f6g7h8i9j0', 'm-#'],
  ['m-a1b2c3d4e5f6g7h8i9j', 'm-a1b2c3d4e5f6g7h8i9j'],
  ['m-abcdefgh1ijklmnopq2rs', 'm-#'], // four turns
  ['m-abcdefgh1ijklmnopqrs2', 'm-abcdefgh1ijklmnopqrs2'],
  ['m-abcdefghijklmnopqrstuvwxyz', 'm-abcdefghijklmnopqrstuvwxyz'],
  ['x-1b4e28ba-2fa1-11d2-883f-0016d3cca427', 'x-#'], // a UUID
  ['x-1b4e28ba-2fa1-11d2-883f-0016d3cca42', 'x-1b4e28ba-2fa1-11d2-883f-0016d3cca42'],
  ['x-1g4e28ba-2fa1-11d2-883f-0016d3cca427', 'x-1g4e28ba-2fa1-11d2-883f-0016d3cca427'],
  ['x-abcdefab-abcd-abcd-abcd-abcdefabcdef', 'x-abcdefab-abcd-abcd-abcd-abcdefabcdef'],
  ['x-1b4e28ba.2fa1.11d2.883f.0016d3cca427', 'x-1b4e28ba.2fa1.11d2.883f.0016d3cca427'],
])('made for one message: %s is %s', (text, shown) => {
  expect(hidden(text)).toBe(shown);
});

test.each([
  ['joe-7', 'joe-#'],
  ['bounce7', 'bounce#'], // a word that has running numbers
  ['joe7', 'joe7'],
  ['joe123', 'joe#'],
  ['joe', 'joe'],
  ['12ab', '#'],
  ['a1b', '#'],
  ['abc123', '#'], // six hexadecimal digits
  ['ab1', 'ab1'],
  ['facade', 'facade'],
  ['unsubscriptionconfirmation', '#'], // too long for a word
  ['abcdefghijklmnopqrst', '#'],
  ['abcdefghijklmnopqrs', 'abcdefghijklmnopqrs'],
  ['abcdefghij12345', 'abcdefghij#'],
])('where running numbers go as well: %s is %s', (text, shown) => {
  expect(hidden(text, true)).toBe(shown);
});

test('a group of hexadecimal letters is a number beside one, on either side, behind one dash only', () => {
  const number = '0123456789abcdef';
  expect(hidden(`cafe-${number}`)).toBe('#');
  expect(hidden(`${number}-cafe-beef`)).toBe('#');
  expect(hidden(`${number}--cafe`)).toBe('#--cafe');
  expect(hidden(`${number}.cafe`)).toBe('#.cafe');
  expect(hidden(`cafe.${number}`)).toBe('cafe.#');
  expect(hidden('a1b2c3d4e5f6g7h8i9j0-cafe')).toBe('#-cafe');
  expect(hidden(`${number}-caf`)).toBe('#-caf');
  expect(hidden(`${number}-joes`)).toBe('#-joes');
});

test('what varies side by side is one "#", joined by a dash, a dot or an underscore', () => {
  expect(hidden('a-1.2_3-b', true)).toBe('a-#-b');
  expect(hidden('a-1=2', true)).toBe('a-#=#');
  expect(hidden('a-1--2', true)).toBe('a-#--#');
  expect(hidden('joe123-4', true)).toBe('joe#');
  expect(hidden('1-joe123', true)).toBe('#-joe#'); // the word between is kept
  expect([...'-._=+@a1'].map((_, at, all) => isJoint(all.join(''), at))).toEqual([
    ...Array(3).fill(true),
    ...Array(5).fill(false),
  ]);
});

test('nothing varies: the text itself', () => {
  expect(hidden('joe.smith')).toBe('joe.smith');
  expect(hidden('')).toBe('');
});
