// Reading all records: each once, in order, whatever is changed meanwhile, and nothing is held while nobody reads.
import fs, { readFileSync, writeFileSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import path from 'node:path';
import { expect, test, vi } from 'vitest';
import { openEditor } from '../../../src/store/admin/edit.ts';
import type { TripleEntry } from '../../../src/store/admin/entry.ts';
import { scan } from '../../../src/store/admin/scan.ts';
import { hold } from '../../../src/store/lmdb/hold.ts';
import { closeFile, openFile } from '../../../src/store/pages/file.ts';
import { keysOn, nodeAt, nodeData } from '../../../src/store/pages/format.ts';
import { readHead } from '../../../src/store/pages/head.ts';
import { leaves } from '../../../src/store/pages/leaves.ts';
import { lockPath } from '../../../src/store/pages/lock.ts';
import { runProgram } from '../../admin/live.ts';
import { useScratch } from '../../support/scratch.ts';
import { unmock } from '../../support/unmock.ts';
import { everything, fill, triple } from '../filled.ts';

const scratch = useScratch('of all');
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
    const sender = `s${39_000 + (met.length % 1000)}@example.org`;
    expect(await runProgram(['forget', '--db', database, '--yes', '--sender', sender])).toMatchObject({
      status: 0,
    });
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

test('a page that is written to while it is read is no damage, and what it holds is met', () => {
  const whole = everything(database).length;
  const { readSync } = fs;
  let harmed = 0;
  vi.spyOn(fs, 'readSync').mockImplementation(((
    fd: number,
    into: Buffer,
    ...rest: [number, number, number]
  ) => {
    const got = readSync(fd, into, ...rest);
    if (got === 4096 && rest[2] >= 8192 && harmed++ === 100) into.fill(0xa5);
    return got;
  }) as typeof readSync);
  syncBuiltinESMExports();
  const damage: string[] = [];
  try {
    expect([...scan(database, (what) => damage.push(what))!.entries]).toHaveLength(whole);
  } finally {
    unmock();
  }
  expect(harmed).toBeGreaterThan(100);
  expect(damage).toEqual([]);
});

test('a record that is damaged is told of, though its page is whole', () => {
  const whole = everything(database).length;
  const file = openFile(database)!;
  const [page] = leaves(file, readHead(file), { onDamage() {} });
  closeFile(file);
  const number = page!.readUInt32LE(0);
  const at = number * 4096 + nodeData(page!, nodeAt(page!, 0, keysOn(page!, 0) - 1));
  const bytes = readFileSync(database);
  bytes[at]! ^= 1;
  writeFileSync(database, bytes);
  const damage: string[] = [];
  expect([...scan(database, (what) => damage.push(what))!.entries]).toHaveLength(whole - 1);
  expect(damage).toEqual([`page ${number} has a damaged record`]);
});
