// A small database that is sound, to be spoilt by a test.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { openEditor } from '../../../src/store/admin/edit.ts';
import type { makeScratch } from '../../support/scratch.ts';
import { fill } from '../filled.ts';

/** A database with one branch, and what is in its file. */
export function makeSound(
  scratch: ReturnType<typeof makeScratch>,
  more = 0,
): { database: string; bytes: Buffer } {
  const database = path.join(scratch.path, 'greylist.mdb');
  const editor = openEditor(database);
  fill(editor, 0, 300);
  for (let n = 0; n < more; n++) fill(editor, n, n + 1, 2000);
  editor.close();
  return { database, bytes: readFileSync(database) };
}
