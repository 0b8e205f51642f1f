// A database as a power cut leaves it in a storm: newer than this boot knows, and its mark names no state to go back to.
import { readFileSync, writeFileSync } from 'node:fs';
import { closeFile, openFile } from '../../src/store/pages/file.ts';
import { META_BOOT_ID } from '../../src/store/pages/format.ts';
import { readHead } from '../../src/store/pages/head.ts';
import { writeMark } from '../../src/store/pages/mark.ts';

const PAGE = 4096;

/** Has the newest states be of another boot. */
export function cutPower(database: string): void {
  const bytes = readFileSync(database);
  for (const page of [0, PAGE]) bytes.writeUInt32LE(1, page + META_BOOT_ID);
  writeFileSync(database, bytes);
}

/** Leaves the database so, and its root page, or another one, unwritten. Returns what is in the file then. */
export function leaveUnfinished(database: string, page?: number): Buffer {
  const file = openFile(database)!;
  const meta = readHead(file);
  writeMark(file, file.head, meta, false);
  closeFile(file);
  cutPower(database);
  const bytes = readFileSync(database);
  const lost = page ?? meta.main.root;
  bytes.fill(0, lost * PAGE, (lost + 1) * PAGE);
  writeFileSync(database, bytes);
  return bytes;
}
