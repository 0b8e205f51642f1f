// Reading a database from end to end, damaged pages and all.
import { closeSync, openSync, writeSync } from 'node:fs';
import path from 'node:path';
import { expect, test, vi } from 'vitest';
import { eachEntry, ofDatabase } from '../../src/admin/records.ts';
import { closeFile, openFile } from '../../src/store/pages/file.ts';
import { readHead } from '../../src/store/pages/head.ts';
import { leaves } from '../../src/store/pages/leaves.ts';
import { useScratch } from '../support/scratch.ts';
import { runProgram } from './live.ts';
import { fill, made } from './report/made.ts';

const PAGE = 4096;
const scratch = useScratch('of each');

async function read(db: string) {
  let entries = 0;
  let said = '';
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => {
    said += text;
    return true;
  });
  try {
    await eachEntry(ofDatabase(db), () => entries++);
  } finally {
    vi.restoreAllMocks();
  }
  return { entries, said };
}

test('what stands on damaged pages is passed over, and that is said', async () => {
  const db = path.join(scratch.path, 'greylist.mdb');
  fill(db, made(4000, 1_764_000_000));
  const whole = await read(db);
  expect(whole.said).toBe('');
  damage(db);
  const { entries, said } = await read(db);
  expect(entries).toBeLessThan(whole.entries);
  expect(said).toMatch(SAID);
});

test.each<[status: number, ...words: string[]]>([
  [0, 'list', '--limit', '1'],
  [1, 'export'],
  [0, 'report'],
  [0, 'lists', 'audit'],
])('status %i, and greylatch %s says so', async (wanted, ...words) => {
  const db = path.join(scratch.path, 'greylist.mdb');
  fill(db, made(4000, 1_764_000_000));
  damage(db);
  const { status, err } = await runProgram([...words, '--db', db]);
  expect(status).toBe(wanted); // what export writes is kept, or goes to another host, and nobody may read what it says
  expect(err).toMatch(SAID);
});

const SAID = /^greylatch: \d+ damaged pages? (was|were) passed over; see greylatch verify --db \S+\n$/;

/** Every third of the pages that hold records. */
function damage(db: string): void {
  const opened = openFile(db)!;
  const numbers = [...leaves(opened, readHead(opened), { onDamage() {} })].map((page) =>
    page.readUInt32LE(0),
  );
  closeFile(opened);
  const file = openSync(db, 'r+');
  for (const number of numbers.filter((_, i) => i % 3 === 1))
    writeSync(file, Buffer.alloc(PAGE, 0xa5), 0, PAGE, number * PAGE);
  closeSync(file);
}
