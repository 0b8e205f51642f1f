// A small database that is sound, to be spoilt by a test; and pages that are spoilt for a while.
import { readFileSync, writeSync } from 'node:fs';
import path from 'node:path';
import { openEditor } from '../../../src/store/admin/edit.ts';
import type { DataFile } from '../../../src/store/pages/file.ts';
import { readPage } from '../../../src/store/pages/page.ts';
import type { Scratch } from '../../support/scratch.ts';
import { fill } from '../filled.ts';

/** A database with one branch, and what is in its file. */
export function makeSound(scratch: Scratch, more = 0): { database: string; bytes: Buffer } {
  const database = path.join(scratch.path, 'greylist.mdb');
  const editor = openEditor(database);
  fill(editor, 0, 300);
  for (let n = 0; n < more; n++) fill(editor, n, n + 1, 2000);
  editor.close();
  return { database, bytes: readFileSync(database) };
}

/** Does `work` while the page is as `spoil` leaves it. */
export function whileSpoilt<T>(
  file: DataFile,
  number: number,
  spoil: (page: Buffer) => void,
  work: () => T,
): T {
  const before = Buffer.alloc(file.pageSize);
  readPage(file, number, before, 0);
  const page = Buffer.from(before);
  spoil(page);
  writeSync(file.fd, page, 0, page.length, number * page.length);
  try {
    return work();
  } finally {
    writeSync(file.fd, before, 0, before.length, number * before.length);
  }
}
