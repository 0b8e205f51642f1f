// What lies at the database's path: a damaged database, or something that never was one.
import {
  closeSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openEditor } from '../../../src/store/admin/edit.ts';
import { foreign, wasDatabase } from '../../../src/store/rescue/ours.ts';
import { makeScratch } from '../../support/scratch.ts';
import { fill } from '../filled.ts';

let scratch: ReturnType<typeof makeScratch>;
const place = () => path.join(scratch.path, 'greylist.mdb');
beforeEach(() => {
  scratch = makeScratch();
});
afterEach(() => scratch.remove());

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

test.each<[string, () => void]>([
  ['a text', () => writeFileSync(place(), 'Dear administrator,\n'.repeat(1000))],
  ['one byte', () => writeFileSync(place(), '\n')],
  ['a directory', () => mkdirSync(place())],
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
