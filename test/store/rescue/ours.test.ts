// What lies at the database's path: a damaged database, or something that never was one.
import {
  closeSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { openEditor } from '../../../src/store/admin/edit.ts';
import { BRANCH, LEAF, OVERFLOW } from '../../../src/store/pages/format.ts';
import { foreign, wasDatabase } from '../../../src/store/rescue/ours.ts';
import { openFiles } from '../../support/files.ts';
import { useScratch } from '../../support/scratch.ts';
import { fill } from '../filled.ts';

const scratch = useScratch('of each');
const place = () => path.join(scratch.path, 'greylist.mdb');

/** A database alone, without its lock file and queue. */
function make(): void {
  const editor = openEditor(place());
  fill(editor, 0, 500);
  editor.close();
  for (const beside of ['-lock', '-queue']) rmSync(`${place()}${beside}`, { force: true });
}

const overwrite = (at: number, bytes: Buffer) => {
  const fd = openSync(place(), 'r+');
  writeSync(fd, bytes, 0, bytes.length, at);
  closeSync(fd);
};

test.each<[string, () => void]>([
  ['without its meta pages', () => overwrite(0, Buffer.alloc(8192, 0xa5))],
  [
    'with a meta page and nothing else',
    () => overwrite(8192, Buffer.alloc(readFileSync(place()).length - 8192, 0xa5)),
  ],
  [
    'cut off within its second page',
    () => {
      overwrite(0, Buffer.alloc(4096));
      truncateSync(place(), 5632);
    },
  ],
  ['of zeros, as a power cut leaves it', () => writeFileSync(place(), Buffer.alloc(100_000))],
])('a database %s was one', (_, spoil) => {
  make();
  spoil();
  expect(wasDatabase(place())).toBe(true);
});

/** Text, but for the head of a page of LMDB with this number and these flags. */
const withPage = (at: number, number: number, flags: number) => {
  const bytes = Buffer.alloc(400_000, 'Dear administrator,\n');
  bytes.writeBigUInt64LE(BigInt(number), at);
  bytes.writeUInt16LE(flags, at + 18);
  return bytes;
};

test.each([4096, 8192, 16_384, 32_768, 65_536])('one page of %d bytes is enough', (size) => {
  for (const flags of [LEAF, BRANCH]) {
    writeFileSync(place(), withPage(5 * size, 5, flags));
    expect(wasDatabase(place())).toBe(true);
  }
});

test('a page in another place, or of another kind, shows nothing', () => {
  for (const bytes of [
    withPage(5 * 4096, 6, LEAF),
    withPage(4096, 2, BRANCH),
    withPage(0, 0, LEAF),
    withPage(5 * 4096 + 512, 5, LEAF),
    withPage(6 * 2048, 6, LEAF),
    withPage(2 * 131_072, 2, LEAF),
    withPage(5 * 4096, 5, OVERFLOW),
    withPage(5 * 4096, 5, LEAF | 0x4000),
  ]) {
    writeFileSync(place(), bytes);
    expect(wasDatabase(place())).toBe(false);
  }
  expect(openFiles().filter((name) => name.startsWith(place()))).toEqual([]);
});

test.each<[string, () => void]>([
  ['a text', () => writeFileSync(place(), 'Dear administrator,\n'.repeat(1000))],
  ['one byte', () => writeFileSync(place(), '\n')],
  ['a text with zeros', () => writeFileSync(place(), `${'\0'.repeat(10_000)}\n`)],
  ['a directory', () => mkdirSync(place())],
  [
    'a link to a database',
    () => {
      make();
      renameSync(place(), `${place()}.there`);
      symlinkSync(`${place()}.there`, place());
    },
  ],
])('%s was none, unless a lock file or a queue lies beside it', (_, put) => {
  put();
  expect(wasDatabase(place())).toBe(false);
  for (const beside of ['-lock', '-queue']) {
    writeFileSync(`${place()}${beside}`, '');
    expect(wasDatabase(place())).toBe(true);
    rmSync(`${place()}${beside}`);
  }
  expect(foreign(place(), 'is a directory')).toMatch(
    /^\S+ is a directory; .* so it stays as it is: name another file with --db/,
  );
});
