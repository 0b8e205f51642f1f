// After a power cut: a database without a mark to go back to is read as a whole before it is used, and no other.
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { beforeEach, expect, test } from 'vitest';
import { DamageError } from '../../../src/store/damage.ts';
import { openWriter } from '../../../src/store/lmdb/open.ts';
import { closeWriter } from '../../../src/store/lmdb/writer.ts';
import { checkBeforeWriting, checkDoubtful } from '../../../src/store/pages/doubt.ts';
import { closeFile, openFile } from '../../../src/store/pages/file.ts';
import { MARK_AT, MARK_BYTES } from '../../../src/store/pages/format.ts';
import { readHead } from '../../../src/store/pages/head.ts';
import { isDoubtful, isKept, writeMark, writeUnkept } from '../../../src/store/pages/mark.ts';
import { openFiles } from '../../support/files.ts';
import { useScratch } from '../../support/scratch.ts';
import { putAtOnce } from '../filled.ts';
import { cutPower } from '../unfinished.ts';

const PAGE = 4096;

const scratch = useScratch('of each');
let root: number;
const place = () => path.join(scratch.path, 'greylist.mdb');

beforeEach(() => {
  const writer = openWriter(place());
  putAtOnce(writer, 0, 1000);
  root = readHead(writer.file).main.root;
  closeWriter(writer);
  change((bytes) => bytes.fill(0, MARK_AT, MARK_AT + MARK_BYTES));
});

function change(work: (bytes: Buffer) => void): void {
  const bytes = readFileSync(place());
  work(bytes);
  writeFileSync(place(), bytes);
}
const damage = () => change((bytes) => bytes.fill(0, root * PAGE, (root + 1) * PAGE));
const mark = (kept: boolean) => {
  const file = openFile(place())!;
  writeMark(file, file.head, readHead(file), true);
  if (!kept) writeUnkept(file);
  expect(isKept(file)).toBe(kept);
  closeFile(file);
};
/** Both ways to ask. */
const check = () => {
  checkBeforeWriting(place());
  const file = openFile(place())!;
  try {
    checkDoubtful(file);
  } finally {
    closeFile(file);
  }
};

test('what is damaged is found, where nothing vouches for it, and all else is believed', () => {
  damage();
  check(); // of this boot: whoever reads the page finds it
  cutPower(place());
  const wrong = new RegExp(`^was left unfinished by a power cut: page ${root} bears another number$`);
  expect(() => checkBeforeWriting(place())).toThrow(DamageError);
  expect(check).toThrow(wrong);
  mark(false);
  expect(check).toThrow(wrong);
  mark(true);
  check(); // it goes back to the marked state
  expect(openFiles().filter((name) => name.startsWith(place()))).toEqual([]);
});

test('where it goes back to an older state that is kept, the newest one need not be whole', () => {
  mark(true);
  const writer = openWriter(place());
  putAtOnce(writer, 0, 1000, 2000);
  ({ root } = readHead(writer.file).main);
  closeWriter(writer);
  damage();
  cutPower(place());
  const file = openFile(place())!;
  expect([isDoubtful(file, readHead(file)), isKept(file)]).toEqual([true, true]);
  closeFile(file);
  check();
});

test('what is sound is used, and where nothing is there is nothing to check', () => {
  cutPower(place());
  check();
  writeFileSync(place(), '');
  checkBeforeWriting(place());
  checkBeforeWriting(path.join(scratch.path, 'none.mdb'));
});
