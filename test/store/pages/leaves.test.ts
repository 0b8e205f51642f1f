// One leaf after another: all of them in their order, from a key on, or without what is not entered; damage costs no others.
import { writeSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openWriter } from '../../../src/store/lmdb/open.ts';
import { transactBatch } from '../../../src/store/lmdb/transaction.ts';
import { closeWriter } from '../../../src/store/lmdb/writer.ts';
import { closeFile, type DataFile, openFile } from '../../../src/store/pages/file.ts';
import { keysOn, type Meta, nodeAt, nodeChild, nodeKey } from '../../../src/store/pages/format.ts';
import { readHead } from '../../../src/store/pages/head.ts';
import { leaves } from '../../../src/store/pages/leaves.ts';
import { readPage } from '../../../src/store/pages/page.ts';
import { useScratch } from '../../support/scratch.ts';
import { putNumber } from '../filled.ts';

const RECORDS = 30_000;
const STEP = 16; // between two numbers on record

const scratch = useScratch('of all');
let file: DataFile;
let meta: Meta;
let all: Buffer[];

beforeAll(() => {
  const database = path.join(scratch.path, 'greylist.mdb');
  const writer = openWriter(database);
  transactBatch(writer, () => {
    for (let i = RECORDS; i-- > 0; ) putNumber(writer, i * STEP, 1000);
  });
  closeWriter(writer);
  file = openFile(database)!;
  meta = readHead(file);
  expect(meta.main.depth).toBe(3);
  all = read();
});
afterAll(() => closeFile(file));

const refuse = (what: string) => {
  throw new Error(what);
};
const read = (options: Partial<Parameters<typeof leaves>[2]> = {}) => [
  ...leaves(file, meta, { onDamage: refuse, ...options }),
];
const numberOf = (page: Buffer) => page.readUInt32LE(0);
const firstOn = (page: Buffer) => Number(page.readBigUInt64BE(nodeKey(nodeAt(page, 0, 0))));
const keyFor = (number: number) => {
  const key = Buffer.alloc(8);
  key.writeBigUInt64BE(BigInt(number));
  return key;
};
function childrenOf(number: number): number[] {
  const page = Buffer.alloc(file.pageSize);
  readPage(file, number, page, 0);
  return Array.from({ length: keysOn(page, 0) }, (_, i) => nodeChild(page, nodeAt(page, 0, i)));
}

test('all, with every record once and in its order', () => {
  const numbers = all.flatMap((page) =>
    Array.from({ length: keysOn(page, 0) }, (_, i) =>
      Number(page.readBigUInt64BE(nodeKey(nodeAt(page, 0, i)))),
    ),
  );
  expect(numbers).toEqual(Array.from({ length: RECORDS }, (_, i) => i * STEP));
  const none = { ...meta, main: { depth: 0, root: 0, entries: 0 } };
  expect([...leaves(file, none, { onDamage: refuse })]).toEqual([]);
});

test('from the one on where a key belongs, whether it is on record or not', () => {
  for (const index of [0, 1, 20, all.length - 2, all.length - 1]) {
    const first = firstOn(all[index]!);
    const last = first + (keysOn(all[index]!, 0) - 1) * STEP;
    for (const key of [first, first + 1, last, last + 1])
      expect(numberOf(read({ after: keyFor(key) })[0]!)).toBe(numberOf(all[index]!));
    expect(read({ after: keyFor(first) }).map(numberOf)).toEqual(all.slice(index).map(numberOf));
  }
  expect(read({ after: Buffer.alloc(0) })).toHaveLength(all.length);
});

test('without what is below a page that is not entered; every other page is entered, from above', () => {
  const [root, branches] = [meta.main.root, childrenOf(meta.main.root)];
  const skipped = branches[1]!;
  const entered: number[] = [];
  const found = read({
    enter: (page) => {
      entered.push(page);
      return page !== skipped;
    },
  });
  const rest = branches.filter((page) => page !== skipped).flatMap(childrenOf);
  expect(found.map(numberOf)).toEqual(rest);
  expect(entered).toEqual([
    root,
    ...branches.flatMap((page) => [page, ...(page === skipped ? [] : childrenOf(page))]),
  ]);
  expect(read({ enter: () => false })).toEqual([]);
});

test('a damaged page costs what is below it, and is told', () => {
  const branch = childrenOf(meta.main.root)[1]!;
  for (const [page, lost] of [
    [branch, childrenOf(branch)],
    [numberOf(all[7]!), [numberOf(all[7]!)]],
  ] as const) {
    const before = Buffer.alloc(file.pageSize);
    readPage(file, page, before, 0);
    const told: string[] = [];
    const place = page * file.pageSize;
    for (const [bytes, at, what] of [
      [Buffer.alloc(8), 0, 'bears another number'],
      [Buffer.from([4]), 18, 'is of another kind'], // neither branch nor leaf
      [Buffer.from([1, 0]), 24, 'has a node outside it'],
    ] as const) {
      told.length = 0;
      writeSync(file.fd, bytes, 0, bytes.length, place + at);
      const found = read({ onDamage: (what) => told.push(what) }).map(numberOf);
      writeSync(file.fd, before, 0, before.length, place);
      expect(told).toEqual([`page ${page} ${what}`]);
      expect(found).toEqual(all.map(numberOf).filter((number) => !lost.includes(number)));
    }
  }
});
