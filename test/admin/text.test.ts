// What people are shown: aligned, short, and never a byte that a terminal would act upon.
import { expect, test } from 'vitest';
import { bar, sparkline } from '../../src/admin/report/chart.ts';
import {
  ago,
  bytes,
  forLocale,
  grouped,
  localTime,
  newPaint,
  span,
  table,
  visible,
  wantsColour,
} from '../../src/admin/text.ts';
import { printable } from '../../src/log/log.ts';

test('columns are aligned, and no line ends with spaces', () => {
  const rows = [
    ['n', 'client', 'name'],
    ['7', '192.0.2.1', 'a'],
    ['1,234', '10.0.0.1', 'mx'],
    ['8', '10.0.0.2', ''],
  ];
  expect(table(rows, [0])).toBe(
    '    n  client     name\n    7  192.0.2.1  a\n1,234  10.0.0.1   mx\n    8  10.0.0.2\n',
  );
  const paint = newPaint(true);
  const painted = table(
    [
      ['a', 'b'],
      ['long', 'b'],
    ],
    [],
    (row, _, cell) => (row === 0 ? paint('bold', cell) : cell),
  );
  expect(painted).toBe('\x1b[1ma   \x1b[0m  \x1b[1mb\x1b[0m\nlong  b\n');
  expect(newPaint(false)('red', 'x')).toBe('x');
});

test('time spans have two units at most, and round down', () => {
  expect([0, 59, 60, 3599, 3600, 86_399, 86_400, 90_000, 400 * 86_400 + 59].map(span)).toEqual([
    '0 s',
    '59 s',
    '1 min',
    '59 min 59 s',
    '1 h',
    '23 h 59 min',
    '1 d',
    '1 d 1 h',
    '400 d',
  ]);
  expect([ago(100, 160), ago(160, 100), ago(5, 5)]).toEqual(['1 min ago', 'in 1 min', 'now']);
});

test('sizes and numbers', () => {
  expect([0, 1023, 1024, 15 * 2 ** 20].map(bytes)).toEqual(['0 bytes', '1023 bytes', '1.0 KiB', '15.0 MiB']);
  expect([0, 999, 1000, 1234567].map(grouped)).toEqual(['0', '999', '1,000', '1,234,567']);
});

test('times are local', () => {
  const time = new Date(2026, 10, 24, 3, 4, 5).getTime() / 1000;
  expect(localTime(time)).toBe('2026-11-24 03:04:05');
});

test('bytes that are no printable ASCII are shown as what they are', () => {
  expect(visible('a\x1b[31m\xc3\xb6 b\n@example.org')).toBe('a\\x1b[31m\\xc3\\xb6\\x20b\\x0a@example.org');
  expect(visible('')).toBe("''");
  expect(printable('a\x1b[31m\xc3\xb6 b\n')).toBe('a\\x1b[31m\\xc3\\xb6 b\\x0a');
});

test('colours are for a terminal, and not where NO_COLOR says so', () => {
  expect([
    wantsColour({ isTTY: true }, {}),
    wantsColour({ isTTY: true }, { NO_COLOR: '1' }),
    wantsColour({ isTTY: true }, { NO_COLOR: '' }),
    wantsColour({ isTTY: true }, { TERM: 'dumb' }),
    wantsColour({}, {}),
  ]).toEqual([true, false, true, false, false]);
});

test('a table has as many rows as there are', () => {
  const rows = Array.from({ length: 200_000 }, (_, i) => [`${i}`, 'x']);
  expect(table(rows, [0]).split('\n').at(-2)).toBe('199999  x');
});

test('where the locale has no UTF-8, bars and signs are ASCII and as wide', () => {
  const bars = `${sparkline([0, 1, 2, 3, 4, 5, 6, 7, undefined])} ${bar(0.3, 9)} ≥ a…`;
  for (const env of [{ LANG: 'C.UTF-8' }, { LANG: 'C', LC_CTYPE: 'de_DE.utf8' }])
    expect(forLocale(bars, env)).toBe(bars);
  for (const env of [{}, { LANG: 'C' }, { LANG: 'de_DE.UTF-8', LC_ALL: 'POSIX' }]) {
    const plain = forLocale(bars, env);
    expect(plain).toMatch(/^[\x20-\x7e]+$/);
    expect(plain).not.toContain('?');
    expect(plain).toHaveLength([...bars].length);
  }
});
