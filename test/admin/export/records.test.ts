// What an export yields of a database, without changing it where it need not.
import { hostname } from 'node:os';
import path from 'node:path';
import { expect, test, vi } from 'vitest';
import { recordsOf } from '../../../src/admin/export/records.ts';
import { ofDatabase, type Records } from '../../../src/admin/records.ts';
import { openEditor } from '../../../src/store/admin/edit.ts';
import { fill } from '../../store/filled.ts';
import { makeScratch } from '../../support/scratch.ts';

async function exported(records: Records): Promise<object[]> {
  const all: object[] = [];
  for await (const piece of recordsOf(records, 0)) all.push(...piece);
  return all;
}

test('the first export gives the database its origin, a later one only reads it: from a read-only file system', async () => {
  const scratch = makeScratch();
  const records = ofDatabase(path.join(scratch.path, 'greylist.mdb'));
  const editor = openEditor(records.name);
  fill(editor, 0, 10);
  editor.close();
  const first = await exported(records);
  expect(first[0]).toMatchObject({ origin: expect.stringMatching(/-[\da-f]{8}$/) });
  const edit = () => Promise.reject(new Error('the file system is read-only'));
  expect(await exported({ ...records, edit })).toEqual(first);
  scratch.remove();
});

test('where a database cannot be told its origin, the export has the name of the host, and says so', async () => {
  const scratch = makeScratch();
  const records = ofDatabase(path.join(scratch.path, 'greylist.mdb'));
  const editor = openEditor(records.name);
  fill(editor, 0, 10);
  editor.close();
  const said = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
  const edit = () => Promise.reject(new Error('page 3 is damaged'));
  const all = await exported({ ...records, edit });
  expect(all).toHaveLength(10);
  expect(all[0]).toMatchObject({ origin: hostname().toLowerCase() });
  expect(said).toHaveBeenCalledExactlyOnceWith(expect.stringContaining('page 3 is damaged'));
  const { eachHouse: _, ...ofEngine } = records;
  await expect(exported({ ...ofEngine, edit })).rejects.toThrow('page 3 is damaged');
  vi.restoreAllMocks();
  scratch.remove();
});
