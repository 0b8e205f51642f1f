// What a command reads: files, packed or not, whole, with their first bytes.
import { mkdirSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { openInput } from '../../src/admin/input.ts';
import { makeRandom } from '../support/random.ts';
import { useScratch } from '../support/scratch.ts';

const scratch = useScratch('of all');

function file(name: string, bytes: Buffer | string): string {
  const made = path.join(scratch.path, name);
  writeFileSync(made, bytes);
  return made;
}

async function contents(chunks: AsyncIterable<Buffer>): Promise<Buffer> {
  const all: Buffer[] = [];
  for await (const chunk of chunks) all.push(chunk);
  return Buffer.concat(all);
}

const BYTES = (() => {
  const random = makeRandom(67);
  return Buffer.from(Array.from({ length: 300_000 }, () => random.below(256)));
})();

test.each([0, 1, 5, 6, 100, 300_000])(
  '%i bytes: all of them, plain and with gzip, the first ones too',
  async (length) => {
    const bytes = BYTES.subarray(0, length);
    const halves = [gzipSync(bytes.subarray(0, length >> 1)), gzipSync(bytes.subarray(length >> 1))];
    for (const made of [
      file('plain', bytes),
      file('x.gz', gzipSync(bytes)),
      file('two.gz', Buffer.concat(halves)),
    ]) {
      const input = await openInput(made, 100);
      expect(input.first).toEqual(bytes.subarray(0, 100));
      expect((await contents(input.chunks)).equals(bytes)).toBe(true);
      if (length > 0) expect(input.part()).toBe(1);
    }
  },
);

test('its time is when the file was last written to', async () => {
  const made = file('old', 'x');
  utimesSync(made, 1_700_000_000, 1_600_000_000);
  expect((await openInput(made, 1)).asOf).toBe(1_600_000_000);
});

test('what cannot be read is said in one line', async () => {
  mkdirSync(path.join(scratch.path, 'directory'));
  await expect(openInput(path.join(scratch.path, 'none'), 1)).rejects.toThrow(/none does not exist$/);
  await expect(openInput(path.join(scratch.path, 'directory'), 1)).rejects.toThrow(
    /is a directory; name the files/,
  );
  symlinkSync('loop', path.join(scratch.path, 'loop'));
  await expect(openInput(path.join(scratch.path, 'loop'), 1)).rejects.toThrow(/loop cannot be read: ELOOP/);
  await expect(openInput(file('log.xz', Buffer.from('\xfd7zXZ\0', 'latin1')), 1)).rejects.toThrow(
    /xzcat FILE/,
  );
  await expect(openInput(file('log.bz2', 'BZh91AY'), 1)).rejects.toThrow(/bzcat FILE/);
});

test('a damaged gzip file gives what it has, and then an error', async () => {
  const cut = await openInput(file('cut.gz', gzipSync(BYTES).subarray(0, 200_000)), 10);
  expect(cut.first).toEqual(BYTES.subarray(0, 10));
  await expect(contents(cut.chunks)).rejects.toThrow(/cut.gz is damaged: gzip says unexpected end of file/);
});
