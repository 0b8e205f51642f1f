// Reading all records: each once, in order, whatever is changed meanwhile, and nothing is held while nobody reads.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { openEditor } from '../../../src/store/admin/edit.ts';
import type { TripleEntry } from '../../../src/store/admin/entry.ts';
import { scan } from '../../../src/store/admin/scan.ts';
import { hold } from '../../../src/store/lmdb/hold.ts';
import { lockPath } from '../../../src/store/pages/lock.ts';
import { runProgram } from '../../admin/live.ts';
import { makeScratch } from '../../support/scratch.ts';
import { everything, fill, triple } from '../filled.ts';

const scratch = makeScratch();
afterAll(scratch.remove);
const database = path.join(scratch.path, 'greylist.mdb');
const COUNT = 40_000; // some 700 leaves: read in three goes

/** Readers' slots that hold a state: struct MDB_reader of lmdb, 64 bytes each, begins with the transaction, or with ones. */
function heldSlots(): number {
  const lock = readFileSync(lockPath(database));
  let held = 0;
  for (let at = 208; at < lock.length; at += 64) {
    const transaction = lock.readBigUInt64LE(at);
    if (transaction !== 0n && transaction !== 0xffffffffffffffffn && lock.readUInt32LE(at + 8) !== 0) held++;
  }
  return held;
}

test('what is there all the time is met once, in order, though others come and go; no state is held meanwhile', async () => {
  const editor = openEditor(database);
  fill(editor, 0, COUNT);
  editor.close();
  const release = hold(database);
  expect(heldSlots()).toBe(1); // so it can be told
  release();
  const { entries, part } = scan(database)!;
  const met: TripleEntry[] = [];
  let parts = 0;
  for (const entry of entries) {
    met.push(entry as TripleEntry);
    if (met.length % 13_000 !== 1) continue;
    expect(part()).toBeGreaterThanOrEqual(parts);
    parts = part();
    expect(heldSlots()).toBe(0);
    // In another process: LMDB is open in this one.
    const words = [
      'forget',
      '--db',
      database,
      '--yes',
      '--sender',
      `s${39_000 + (met.length % 1000)}@example.org`,
    ];
    expect(await runProgram(words)).toMatchObject({ status: 0 });
  }
  expect(parts).toBeGreaterThan(0.5);
  const senders = met.map(({ sender }) => sender);
  expect(new Set(senders).size).toBe(senders.length);
  const stays = new Set(everything(database).map((entry) => (entry as TripleEntry).sender));
  expect(stays.size).toBeLessThan(COUNT);
  const once = new Set(senders);
  expect([...stays].filter((sender) => !once.has(sender))).toEqual([]);
}, 120_000);

test('whoever stops half way leaves nothing open', () => {
  const { entries } = scan(database)!;
  expect(entries.next().value).toMatchObject({ kind: triple(1).kind });
  entries.return(undefined);
  expect(everything(database).length).toBeGreaterThan(39_000); // opened anew
});
