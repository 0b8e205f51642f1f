// What an export yields of a database, without changing it where it need not.
import { hostname } from 'node:os';
import path from 'node:path';
import { expect, test, vi } from 'vitest';
import { recordsOf } from '../../../src/admin/export/records.ts';
import { ofDatabase, type Records } from '../../../src/admin/records.ts';
import { openEditor } from '../../../src/store/admin/edit.ts';
import { fill } from '../../store/filled.ts';
import { testScratch } from '../../support/scratch.ts';
import { fill as fillWith, triple } from '../report/made.ts';

async function exported(records: Records): Promise<object[]> {
  const all: object[] = [];
  for await (const piece of recordsOf(records, 0)) all.push(...piece);
  return all;
}

test('the first export gives the database its origin, a later one only reads it: from a read-only file system', async () => {
  const scratch = testScratch();
  const records = ofDatabase(path.join(scratch.path, 'greylist.mdb'));
  const editor = openEditor(records.name);
  fill(editor, 0, 10);
  editor.close();
  const first = await exported(records);
  expect(first[0]).toMatchObject({ origin: expect.stringMatching(/-[\da-f]{8}$/) });
  const edit = () => Promise.reject(new Error('the file system is read-only'));
  expect(await exported({ ...records, edit })).toEqual(first);
});

test('where a database cannot be told its origin, the export has the name of the host, and says so', async () => {
  const scratch = testScratch();
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
});

test('since then: last passes are on record to the hour, and clients to the day, so what may have been seen is there', async () => {
  const scratch = testScratch();
  const db = path.join(scratch.path, 'greylist.mdb');
  const first = 1_764_000_000;
  const day = first - (first % 86_400);
  const passed = { firstSeen: first, passed: true, wait: 300 };
  fillWith(db, [
    triple({ ...passed, sender: 'within the hour', lastPassed: first + 7200 + 3599 }),
    triple({ ...passed, sender: 'an hour before', lastPassed: first + 3599 }),
    triple({ sender: 'waits', firstSeen: first + 7200 }),
    triple({ sender: 'waited', firstSeen: first + 7199 }),
    { kind: 'client', client: '192.0.2.2', comeBacks: 1, lastSeen: day },
    { kind: 'client', client: '192.0.2.3', comeBacks: 1, lastSeen: day - 86_400 },
  ]);
  const names = async (since: number) => {
    const all: string[] = [];
    for await (const piece of recordsOf(ofDatabase(db), since))
      for (const one of piece) all.push(one.kind === 'triple' ? one.sender : one.client);
    return all.sort();
  };
  expect(await names(first + 7200)).toEqual(['192.0.2.2', 'waits', 'within the hour']);
  expect(await names(first + 7200 + 3599)).toEqual(['192.0.2.2', 'within the hour']);
});
