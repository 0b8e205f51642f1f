// Lines: none is lost, none is longer than it may be, and the bytes are those of the file.
import { expect, test } from 'vitest';
import { linesOf, MOST_LINE, withoutReturn } from '../../../src/admin/import/lines.ts';
import { makeRandom } from '../../support/random.ts';
import { chunksOf } from './reading.ts';

async function collect(bytes: Buffer, size: number): Promise<string[]> {
  const lines: string[] = [];
  for await (const line of linesOf(chunksOf(bytes, size))) lines.push(line);
  return lines;
}

test('any chunking gives the same lines, byte for byte', async () => {
  const random = makeRandom(61);
  for (let i = 0; i < 200; i++) {
    const bytes = Buffer.from(
      Array.from({ length: random.below(200) }, () => random.pick([10, 13, 0xef, 65])),
    );
    const whole = bytes.toString('latin1').split('\n');
    if (whole.at(-1) === '') whole.pop();
    expect(await collect(bytes, 1 + random.below(20))).toEqual(whole);
  }
});

test('the byte order mark of an editor is none of the first line, in one chunk or three', async () => {
  const bytes = Buffer.from('\ufeffa\n\ufeffb', 'utf8');
  for (const size of [1, 100]) expect(await collect(bytes, size)).toEqual(['a', '\xef\xbb\xbfb']);
});

test('a line without an end takes bounded memory, and the next one is read', async () => {
  async function* endless() {
    for (let i = 0; i < 20; i++) yield Buffer.alloc(1024 * 1024, 'x');
    yield Buffer.from('\nnext\n');
  }
  const lines: string[] = [];
  for await (const line of linesOf(endless())) lines.push(line);
  expect(lines.map((line) => line.length)).toEqual([MOST_LINE, 4]);
});

test('a CR before the LF is none of the text', () => {
  expect(['a\r', '\xe4\r\r', ''].map(withoutReturn)).toEqual(['a', '\xe4\r', '']);
});
