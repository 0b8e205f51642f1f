// CSV: every text comes back, and a bad record costs itself only.
import { expect, test } from 'vitest';
import { csvLine, readCsv } from '../../../src/admin/import/csv.ts';
import { makeRandom } from '../../support/random.ts';

async function read(text: string): Promise<unknown[]> {
  async function* lines() {
    yield* text.split('\n');
  }
  const found: unknown[] = [];
  for await (const one of readCsv(lines()))
    found.push(one.kind === 'row' ? [one.line, ...one.values] : one.line);
  return found;
}

test('records of any bytes come back, and know their line', async () => {
  const random = makeRandom(63);
  for (let i = 0; i < 1000; i++) {
    const value = () =>
      Array.from({ length: random.below(6) }, () => random.pick([...'",\r\n\0a \xff\''])).join('');
    const records = Array.from({ length: 1 + random.below(4) }, () => [value(), value(), value()]);
    let line = 1;
    const numbered = records.map((values) => {
      const at = line;
      line += csvLine(values).split('\n').length;
      return [at, ...values];
    });
    expect(await read(records.map(csvLine).join('\n'))).toEqual(numbered);
  }
});

test('RFC 4180, and its line ends, with and without the last', async () => {
  expect(await read('a,"b ""c""",""\r\n\r\n"1\r\n2",,3')).toEqual([
    [1, 'a', 'b "c"', ''],
    [3, '1\r\n2', '', '3'],
  ]);
});

test('a record whose quotes do not match is a problem; what follows is read', async () => {
  expect(await read('a,b"c\n1,2')).toEqual([1, [2, '1', '2']]);
  expect(await read('a,"b" c\n1,2')).toEqual([1, [2, '1', '2']]);
  expect(await read('"a,b\n1,2\n3,"4,"')).toEqual([1, [2, '1', '2'], [3, '3', '4,']]);
  const many = Array.from({ length: 5000 }, (_, i) => `${i},x`);
  const found = await read(`"open\n${many.join('\n')}`);
  expect(found).toEqual([1, ...many.map((line, i) => [i + 2, ...line.split(',')])]);
  expect(await read(`${'x'.repeat(9000)}\n1`)).toEqual([1, [2, '1']]);
});
