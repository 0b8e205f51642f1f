// Pages as they are read: what they should be, or an error.
import { truncateSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { DamageError } from '../../../src/store/damage.ts';
import { closeFile, openFile } from '../../../src/store/pages/file.ts';
import { BRANCH, LEAF, nodeAt, nodeChild } from '../../../src/store/pages/format.ts';
import { readHead } from '../../../src/store/pages/head.ts';
import { loadPage, loadWhole, wrongWithPage } from '../../../src/store/pages/page.ts';
import { testScratch } from '../../support/scratch.ts';

import { makeSound } from './sound.ts';

test('a page is read where it can be, is there, and is what it should be', () => {
  const scratch = testScratch();
  const { database, bytes } = makeSound(scratch);
  const file = openFile(database)!;
  const meta = readHead(file);
  expect(meta.main.depth).toBe(2);
  const page = Buffer.alloc(2 * 4096);
  const { root } = meta.main;
  loadPage(file, root, page, 4096, BRANCH, meta);
  expect(page.subarray(4096).equals(bytes.subarray(root * 4096, (root + 1) * 4096))).toBe(true);
  loadWhole(file, root, page, BRANCH, meta);
  expect(wrongWithPage(file, root, page, BRANCH, meta)).toBe('');
  const both = (number: number, kind: number, what: string, other = what) => {
    expect(() => loadWhole(file, number, page, kind, meta)).toThrow(new DamageError(what));
    expect(wrongWithPage(file, number, page, kind, meta)).toBe(other);
  };
  both(root, LEAF, `page ${root} is of another kind`, 'is of another kind');
  for (const number of [0, 1, meta.lastPage + 1])
    both(
      number,
      LEAF,
      `points to a page that cannot be, ${number}`,
      'cannot be, and yet something points to it',
    );
  const leaf = nodeChild(bytes, nodeAt(bytes, root * 4096, 0));
  const copy = Buffer.from(bytes);
  copy.writeUInt16LE(1, leaf * 4096 + 24);
  writeFileSync(database, copy);
  both(leaf, LEAF, `page ${leaf} has a node outside it`, 'has a node outside it');
  loadPage(file, leaf, page, 0, LEAF, meta); // by its header only
  // The first page that may be, and the last.
  for (const number of [2, meta.lastPage]) {
    const is = copy.readUInt16LE(number * 4096 + 18);
    copy.writeUInt32LE(number, number * 4096);
    writeFileSync(database, copy);
    loadPage(file, number, page, 0, is, meta);
  }
  truncateSync(database, root * 4096 + 4095);
  both(root, BRANCH, `is truncated: page ${root} is missing`);
  closeFile(file);
});
