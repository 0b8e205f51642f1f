// Finding a key: what is there is found, what is not is not, and a page that is damaged, or used for something else
// meanwhile, gives an error and no answer. (From leaf to leaf: check.test.ts.)
import { writeSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { DamageError } from '../../../src/store/damage.ts';
import { KEY_AT, valueAt } from '../../../src/store/lmdb/instruction.ts';
import { openWriter } from '../../../src/store/lmdb/open.ts';
import { putRecord, transactBatch } from '../../../src/store/lmdb/transaction.ts';
import { newTriple } from '../../../src/store/lmdb/triples.ts';
import { closeWriter } from '../../../src/store/lmdb/writer.ts';
import { closeFile, type DataFile, openFile } from '../../../src/store/pages/file.ts';
import {
  BRANCH,
  keysOn,
  type Meta,
  nodeAt,
  nodeChild,
  nodeData,
  nodeKey,
  nodeKeySize,
  PAGE_HEADER,
} from '../../../src/store/pages/format.ts';
import { readHead } from '../../../src/store/pages/head.ts';
import { readPage } from '../../../src/store/pages/page.ts';
import { descend, keyOfNextLeaf, newPath, type Path, seek } from '../../../src/store/pages/tree.ts';
import { mainNumber, ONCE_SIZE, writeTriple } from '../../../src/store/records/record.ts';
import { makeRandom } from '../../support/random.ts';
import { useScratch } from '../../support/scratch.ts';
import { whileSpoilt } from './sound.ts';

const RECORDS = 10_000;
const PAGE = 4096;
const ROOM = PAGE - PAGE_HEADER;

const scratch = useScratch('of all');
/** First seen by key, latin1. */
const records = new Map<string, number>();
let file: DataFile;
let meta: Meta;
let way: Path;

/** Few different bytes, so that many keys begin as others do, and some are all that others begin with. */
const random = makeRandom(3);
const anyKey = () =>
  String.fromCharCode(
    ...Array.from({ length: 1 + random.below(24) }, () => random.pick([0, 1, 127, 128, 255])),
  );

beforeAll(() => {
  const database = path.join(scratch.path, 'greylist.mdb');
  const writer = openWriter(database);
  const { bytes } = writer.instruction;
  while (records.size < RECORDS) records.set(anyKey(), 1 + records.size);
  transactBatch(writer, () => {
    for (const [key, firstSeen] of records) {
      const length = bytes.write(key, KEY_AT, 'latin1');
      putRecord(writer, length, writeTriple(bytes, KEY_AT, length, valueAt(length), newTriple(firstSeen)));
    }
  });
  closeWriter(writer);
  file = openFile(database)!;
  meta = readHead(file);
});
afterAll(() => closeFile(file));
beforeEach(() => {
  way = newPath(file);
});

const find = (key: string, state = meta) => {
  const bytes = Buffer.from(key, 'latin1');
  // The key may stand in a longer buffer.
  const at = seek(way, state, Buffer.concat([bytes, Buffer.from('x')]), bytes.length);
  return at < 0 ? undefined : mainNumber(way.pages, at);
};

const load = (number: number) => {
  const page = Buffer.alloc(PAGE);
  readPage(file, number, page, 0);
  return page;
};
/** Has the page be another one for as long as `work` takes. */
const keyOn = (page: Buffer, i: number) => {
  const node = nodeAt(page, 0, i);
  return page.toString('latin1', nodeKey(node), nodeData(page, node));
};
/** The page of the path to this key at that level, from the root down. */
const pageOf = (key: string, level: number) => {
  const bytes = Buffer.from(key, 'latin1');
  const own = newPath(file);
  descend(own, meta, bytes, bytes.length);
  return own.numbers.at(level)!;
};
const [some] = ['\x01\x02\x03'];

test('each key that is on record is found with its own record, and no other one', () => {
  for (const [key, firstSeen] of records) expect(find(key)).toBe(firstSeen);
  let missing = 0;
  for (let i = 0; i < RECORDS; i++) {
    const key = anyKey();
    if (!records.has(key)) missing++;
    expect(find(key)).toBe(records.get(key));
  }
  expect(missing).toBeGreaterThan(1000);
  for (const key of ['', '\xff'.repeat(30)]) expect(find(key)).toBeUndefined();
});

test('in an empty tree nothing is', () => {
  find(some);
  expect(find(some, { ...meta, txnid: meta.txnid + 1, main: { depth: 0, root: 0, entries: 0 } })).toBe(
    undefined,
  );
  expect(way.leaf).toBe(-1);
});

test('a tree may be deeper than any so far', () => {
  // More branches above the root, that lead to it for all that is less than the greatest key.
  let { root, depth } = meta.main;
  for (let number = meta.lastPage + 1; depth < 7; number++, depth++) {
    const page = Buffer.alloc(PAGE);
    page.writeUInt32LE(number);
    page.writeUInt16LE(BRANCH, 18);
    page.writeUInt16LE(4, 20);
    page.writeUInt16LE(ROOM - 50, 22);
    for (const [i, length] of [0, 30].entries()) {
      const offset = ROOM - 50 + 12 * i; // the second one reaches to the very end
      page.writeUInt16LE(offset, PAGE_HEADER + 2 * i);
      page.writeUInt32LE(root, PAGE_HEADER + offset);
      page.writeUInt16LE(length, PAGE_HEADER + offset + 6);
      page.fill(0xff, PAGE_HEADER + offset + 8, PAGE_HEADER + offset + 8 + length);
    }
    writeSync(file.fd, page, 0, PAGE, number * PAGE);
    root = number;
  }
  const deep = { ...meta, lastPage: root, main: { ...meta.main, depth, root } };
  find(some); // so that the path has pages already
  for (const [key, firstSeen] of [...records].slice(0, 500)) {
    way.txnid = random.chance(0.1) ? -1 : way.txnid;
    expect(find(key, deep)).toBe(firstSeen);
  }
  // And one of later, where much was deleted, less deep: nothing of the other one leads on.
  for (const shallow of [
    { depth: 1, root: pageOf(some, -1), entries: 1 },
    { depth: 0, root: 0, entries: 0 },
  ]) {
    find(some, { ...deep, txnid: meta.txnid + shallow.depth });
    find(some, { ...meta, txnid: meta.txnid + 2 + shallow.depth, main: shallow });
    expect(keyOfNextLeaf(way)).toBeUndefined();
  }
  const only = pageOf(some, -1);
  const one = { ...meta, txnid: meta.txnid + 1, main: { depth: 1, root: only, entries: 1 } };
  for (const [key, firstSeen] of [...records].slice(0, 500))
    expect(find(key, one)).toBe(pageOf(key, -1) === only ? firstSeen : undefined);
});

test('pages are read once in a state, and again in the next, or where they were bad', () => {
  const [key, firstSeen] = [...records][0]!;
  const leaf = pageOf(key, -1);
  const other = [...records.keys()].find((key) => pageOf(key, -1) !== leaf)!;
  const spoil = (page: Buffer) => page.fill(0);
  expect(find(key)).toBe(firstSeen);
  whileSpoilt(file, leaf, spoil, () => {
    expect(find(key)).toBe(firstSeen);
    expect(find(key, { ...meta, txnid: meta.txnid })).toBe(firstSeen);
    const next = { ...meta, txnid: meta.txnid + 1 };
    for (let i = 0; i < 2; i++) expect(() => find(key, next)).toThrow(`page ${leaf} bears another number`);
    expect(find(other, next)).toBe(records.get(other));
    expect(() => find(key, next)).toThrow(DamageError);
  });
  const next = { ...meta, txnid: meta.txnid + 1 };
  expect(find(key, next)).toBe(firstSeen);
  // With a new state, what was noted of the transaction before is nothing.
  way.grown.set(leaf, 10);
  way.splits = 3;
  way.shrunk.add(leaf);
  const before = Date.now();
  way.readAt = 0;
  find(key, next);
  expect([way.grown.size, way.splits, way.shrunk.size, way.readAt]).toEqual([1, 3, 1, 0]);
  find(key, { ...meta, txnid: meta.txnid + 2 });
  expect([way.grown.size, way.splits, way.shrunk]).toEqual([0, 0, new Set()]);
  expect(way.readAt).toBeGreaterThanOrEqual(before);
});

test('a page whose bounds cannot be is damaged', () => {
  const [key] = [...records][0]!;
  for (const level of [0, -1]) {
    const number = pageOf(key, level);
    const found = (lower: number, upper: number) =>
      whileSpoilt(
        file,
        number,
        (page) => {
          page.writeUInt16LE(lower, 20);
          page.writeUInt16LE(upper, 22);
        },
        () => {
          way = newPath(file);
          try {
            find(key);
            return '';
          } catch (error) {
            expect(error).toBeInstanceOf(DamageError);
            return (error as Error).message;
          }
        },
      );
    const page = load(number);
    const [lower, upper] = [page.readUInt16LE(20), page.readUInt16LE(22)];
    const bad = `page ${number} has bounds`;
    expect(found(lower, upper)).toBe('');
    expect(found(lower + 1, upper)).toBe(bad);
    expect(found(upper + 2, upper)).toBe(bad);
    expect(found(lower, ROOM + 1)).toBe(bad);
    expect(found(0, upper)).toBe(bad);
    if (level === 0) expect(found(2, upper)).toBe(bad); // a branch leads to two pages at least
    expect(found(lower, ROOM)).toBe(`page ${number} has a node outside it`);
  }
});

/** A leaf's only record, whose node takes so many bytes at its end. */
function alone(page: Buffer, key: string, offset = ROOM - 8 - key.length - ONCE_SIZE): number {
  const node = PAGE_HEADER + offset;
  page.fill(0, 20);
  page.writeUInt16LE(2, 20);
  page.writeUInt16LE(offset & ~1, 22);
  page.writeUInt16LE(offset, PAGE_HEADER);
  page.writeUInt32LE(ONCE_SIZE, node);
  page.writeUInt16LE(key.length, node + 6);
  page.write(key, node + 8, 'latin1');
  writeTriple(page, node + 8, key.length, node + 8 + key.length, newTriple(4711));
  return node;
}

test('a record may lie at the very end of its page, and not a byte beyond', () => {
  const key = [...records.keys()].find((key) => key.length % 2 === 0)!;
  const leaf = pageOf(key, -1);
  const found = (spoil: (page: Buffer, node: number) => void, offset?: number) =>
    whileSpoilt(
      file,
      leaf,
      (page) => spoil(page, alone(page, key, offset)),
      () => {
        way = newPath(file);
        try {
          return find(key);
        } catch (error) {
          expect(error).toBeInstanceOf(DamageError);
          return (error as Error).message.replace(`page ${leaf} has `, '');
        }
      },
    );
  expect(found(() => {})).toBe(4711);
  const outside = 'a node outside it';
  const long = 'a node that is too long';
  expect(found((page, node) => page.writeUInt32LE(ONCE_SIZE + 1, node))).toBe(long);
  expect(found((page, node) => page.writeUInt32LE(0x10000, node))).toBe(long);
  expect(found((page, node) => page.writeUInt16LE(key.length + 1, node + 6))).toBe(long);
  expect(found((page) => page.writeUInt16LE(ROOM - 6, PAGE_HEADER))).toBe(outside);
  expect(found((page) => page.writeUInt16LE(page.readUInt16LE(22) + 2, 22))).toBe(outside);
  expect(found(() => {}, 2001)).toBe(outside);
  // No byte may be left between the nodes and their places.
  expect(
    found((page) => {
      const upper = page.readUInt16LE(22);
      page.writeUInt16LE(upper, 20);
      for (let slot = 0; slot < upper; slot += 2) page.writeUInt16LE(upper, PAGE_HEADER + slot);
    }, 2000),
  ).toBe(4711);
  // Eight bytes are a node, with an empty key and nothing else.
  expect(
    found((page) => {
      page.writeUInt16LE(ROOM - 8, PAGE_HEADER);
      page.fill(0, PAGE - 8);
    }),
  ).toBeUndefined();
});

test('a record is believed by its check, and where liblmdb would read the same', () => {
  const key = [...records.keys()].find((key) => key.length % 2 === 0)!;
  const leaf = pageOf(key, -1);
  for (const spoil of [
    (page: Buffer, node: number) => page.writeUInt16LE(1, node + 4),
    (page: Buffer, node: number) => page.writeUInt16LE(0x8000, node + 4),
    (page: Buffer, node: number) => {
      page[node + 8 + key.length + 4]! ^= 1;
    },
    (page: Buffer, node: number) => page.writeUInt32LE(ONCE_SIZE - 1, node),
  ]) {
    way = newPath(file);
    whileSpoilt(
      file,
      leaf,
      (page) => spoil(page, alone(page, key)),
      () => expect(() => find(key)).toThrow(new DamageError(`page ${leaf} has a damaged record`)),
    );
  }
});

test('the number of a child has 48 bits, and is no length', () => {
  // The root's node that leads to this key.
  const key = [...records.keys()].sort().at(-1)!;
  const page = load(meta.main.root);
  const last = nodeAt(page, 0, keysOn(page, 0) - 1);
  expect(nodeKeySize(page, last)).toBeGreaterThan(0);
  const child = nodeChild(page, last) + 2 ** 40;
  whileSpoilt(
    file,
    meta.main.root,
    (page) => page.writeUIntLE(child, last, 6),
    () => expect(() => find(key)).toThrow(`points to a page that cannot be, ${child}`),
  );
  way = newPath(file);
  expect(find(key)).toBe(records.get(key));
  expect(keyOn(load(pageOf(key, -1)), keysOn(load(pageOf(key, -1)), 0) - 1)).toBe(key);
});
