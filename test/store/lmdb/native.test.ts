// What we rely on of lmdb's inner calls. Should a new version of lmdb change them, this is where it shows.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ONLY_NEW } from '../../../src/store/lmdb/instruction.ts';
import { native, READ_ONLY } from '../../../src/store/lmdb/native.ts';
import { openWriter } from '../../../src/store/lmdb/open.ts';
import { unpin } from '../../../src/store/lmdb/pin.ts';
import { begin, transactBatch } from '../../../src/store/lmdb/transaction.ts';
import { closeWriter, type Writer } from '../../../src/store/lmdb/writer.ts';
import { closeFile, openFile } from '../../../src/store/pages/file.ts';
import { readHead } from '../../../src/store/pages/head.ts';
import { writeUnkept } from '../../../src/store/pages/mark.ts';
import { descend, findRecord, newPath } from '../../../src/store/pages/tree.ts';
import { project } from '../../support/project.ts';
import { useScratch } from '../../support/scratch.ts';
import { putNumber } from '../filled.ts';

const scratch = useScratch('of all');
const database = path.join(scratch.path, 'greylist.mdb');
let writer: Writer;
beforeAll(() => {
  writer = openWriter(database);
});
afterAll(() => closeWriter(writer));

const put = (number: number, firstSeen: number, flags = 0) => putNumber(writer, number, firstSeen, flags);

function find(number: number): number {
  const file = openFile(database)!;
  const key = Buffer.alloc(8);
  key.writeBigUInt64BE(BigInt(number));
  const way = newPath(file);
  try {
    descend(way, readHead(file), key, 8);
    const at = findRecord(way, key, 8);
    return at < 0 ? at : way.pages.readUInt32LE(at + 4);
  } finally {
    closeFile(file);
  }
}

test('lmdb is pinned to the one version whose inner calls these are', () => {
  const { dependencies } = JSON.parse(readFileSync(path.join(project, 'package.json'), 'utf8'));
  expect(dependencies.lmdb).toMatch(/^\d+\.\d+\.\d+$/);
});

test('what a transaction puts is read back from the pages, and an aborted one leaves nothing', () => {
  transactBatch(writer, () => {
    for (let i = 0; i < 3000; i++) expect(put(i * 7, i)).toBe(true);
  });
  for (let i = 0; i < 3000; i += 13) expect(find(i * 7)).toBe(i);
  expect(find(5)).toBe(-1);
  begin(writer);
  put(5, 1);
  writer.env.abortTxn();
  expect(find(5)).toBe(-1);
});

test('ONLY_NEW keeps what is there, a plain put replaces it', () => {
  transactBatch(writer, () => {
    expect(put(7, 99, ONLY_NEW)).toBe(false);
    expect(put(8, 99, ONLY_NEW)).toBe(true);
    expect(put(14, 99)).toBe(true);
  });
  expect([find(7), find(8), find(14)]).toEqual([1, 99, 99]);
});

test("a reader's slot keeps the pages of its state from being used again", () => {
  const file = openFile(database)!;
  const { main } = readHead(file);
  const page = () =>
    Buffer.from(readFileSync(database).subarray(main.root * file.pageSize, (main.root + 1) * file.pageSize));
  /** How many pages the file grows by in 300 commits of changes in place. */
  const growth = () => {
    const before = readHead(file).lastPage;
    for (let i = 0; i < 300; i++) transactBatch(writer, () => put(i * 7, i + 1));
    return readHead(file).lastPage - before;
  };
  const before = page();
  const pin = new (native().Txn)(writer.env, READ_ONLY);
  expect(growth()).toBeGreaterThan(300);
  expect(page().equals(before)).toBe(true);
  pin.abort();
  writeUnkept(writer.file); // nor does the store hold one for the disk's sake
  unpin(writer);
  expect(growth()).toBeLessThan(30); // without the slot they are
  closeFile(file);
});
