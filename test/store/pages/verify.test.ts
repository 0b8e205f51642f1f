// What is said of a whole database: every kind of damage by its page, and nothing that filters only write meanwhile.
import { readFileSync, truncateSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { StoreError } from '../../../src/store/damage.ts';
import { KEY_AT, valueAt } from '../../../src/store/lmdb/instruction.ts';
import { openWriter } from '../../../src/store/lmdb/open.ts';
import { putRecord, transactBatch } from '../../../src/store/lmdb/transaction.ts';
import { closeWriter, type Writer } from '../../../src/store/lmdb/writer.ts';
import { closeFile, openFile } from '../../../src/store/pages/file.ts';
import {
  BIG_DATA,
  BRANCH,
  keysOn,
  META_MAIN,
  type Meta,
  nodeAt,
  nodeChild,
  nodeData,
  nodeKey,
  TREE_ENTRIES,
} from '../../../src/store/pages/format.ts';
import { readHead } from '../../../src/store/pages/head.ts';
import { firstProblem, type Problem, verify } from '../../../src/store/pages/verify.ts';
import { writeClient, writeHouse, writeTriple } from '../../../src/store/records/key.ts';
import * as record from '../../../src/store/records/record.ts';
import { openFiles } from '../../support/files.ts';
import { useScratch } from '../../support/scratch.ts';
import { putAtOnce, triple } from '../filled.ts';

const PAGE = 4096;
const TRIPLES = 3000;

const scratch = useScratch('of each');
let meta: Meta;
let sound: Buffer;
const place = () => path.join(scratch.path, 'greylist.mdb');
const judge = () => verify(place(), () => {})!;

function put({ instruction }: Writer, key: Buffer, write: (at: number, length: number) => number): void {
  const { bytes } = instruction;
  key.copy(bytes, KEY_AT);
  putRecord(writer!, key.length, write(valueAt(key.length), key.length));
}
let writer: Writer | undefined;

/** Waiting triples, twenty that have passed, five clients, and a record of the house. */
beforeEach(() => {
  writer = openWriter(place());
  putAtOnce(writer, 0, TRIPLES);
  putAtOnce(writer, 0, 100, 2000); // frees some pages
  const { bytes } = writer.instruction;
  transactBatch(writer, () => {
    const key = Buffer.alloc(200);
    for (let n = 0; n < 20; n++) {
      const passed = { ...triple(n), passed: true, lastPassed: 90_000, wait: 100 };
      put(writer!, key.subarray(0, writeTriple(key, 0, triple(n))), (at, length) =>
        record.writeTriple(bytes, KEY_AT, length, at, passed),
      );
    }
    for (let n = 0; n < 5; n++)
      put(writer!, key.subarray(0, writeClient(key, 0, `192.0.2.${n}`, false)), (at, length) => {
        record.writeClient(bytes, KEY_AT, length, at, { comeBacks: 1, lastSeen: 90_000 });
        return record.CLIENT_SIZE;
      });
    put(writer!, key.subarray(0, writeHouse(key, 0, 'name')), (at, length) => {
      bytes.write('text', at + record.HOUSE_HEAD);
      record.writeHouse(bytes, KEY_AT, length, at, record.HOUSE_HEAD + 4);
      return record.HOUSE_HEAD + 4;
    });
  });
  closeWriter(writer);
  const file = openFile(place())!;
  meta = readHead(file);
  closeFile(file);
  sound = readFileSync(place());
  expect(meta).toMatchObject({ main: { depth: 2 }, free: { depth: 1 } });
});

const root = () => meta.main.root * PAGE;
/** Where the node of the root lies that leads to leaf `i`. */
const child = (i: number) => nodeAt(sound, root(), i);
const leaf = (i: number) => nodeChild(sound, child(i));
const nodeOn = (page: number, i: number) => nodeAt(sound, page * PAGE, i);
/** Where the newest meta page begins. */
const newest = () => (meta.txnid & 1) * PAGE;
/** Where the list of free pages names its first one, which is no part of a run. */
const listed = () => {
  const page = meta.free.root * PAGE;
  for (let i = 0; i < keysOn(sound, page); i++) {
    const at = nodeData(sound, nodeAt(sound, page, i)) + 8;
    if (sound.readInt32LE(at - 8) > 0 && sound.readInt32LE(at + 4) === 0) return at;
  }
  throw new Error('all lists consist of runs');
};

/** The database as it was, but for what `work` changes. */
function spoil(work: (bytes: Buffer) => void): void {
  const bytes = Buffer.from(sound);
  work(bytes);
  writeFileSync(place(), bytes);
}
const found = (work: (bytes: Buffer) => void): Problem[] => {
  spoil(work);
  return judge().problems;
};

test('a sound one: what is on record, and what each page is for', () => {
  const file = openFile(place())!;
  const { lastPage } = readHead(file);
  closeFile(file);
  const leaves = keysOn(sound, root());
  expect(judge()).toEqual({
    problems: [],
    waiting: TRIPLES - 20,
    passed: 20,
    clients: 5,
    branches: 1,
    leaves,
    free: lastPage + 1 - 2 - 1 - leaves - 1, // but for the meta pages, the root, and the list's page
    lost: 0,
    pageSize: PAGE,
    size: sound.length,
  });
  expect(firstProblem(place())).toBeUndefined();
});

test.each([0, 1, 40])('a small one of %d records, on one page at most', (records) => {
  const small = path.join(scratch.path, 'small.mdb');
  const writer = openWriter(small);
  if (records > 0) putAtOnce(writer, 0, records);
  const { main } = readHead(writer.file);
  closeWriter(writer);
  const leaves = Math.min(records, 1);
  expect(main.depth).toBe(leaves);
  expect(verify(small, () => {})).toMatchObject({
    problems: [],
    waiting: records,
    branches: 0,
    leaves,
    lost: 0,
  });
  if (records === 0) return;
  const bytes = readFileSync(small);
  bytes.fill(0, main.root * PAGE, main.root * PAGE + 8);
  writeFileSync(small, bytes);
  expect(firstProblem(small)).toBe(`page ${main.root} bears another number`);
});

test('where there is none, or an empty file, there is nothing to say', () => {
  writeFileSync(place(), '');
  expect(verify(place(), () => {})).toBeUndefined();
  expect(verify(path.join(scratch.path, 'none'), () => {})).toBeUndefined();
  expect(firstProblem(place())).toBeUndefined();
});

test('how much was read is told meanwhile', () => {
  const writer = openWriter(place());
  for (const firstSeen of [3000, 4000]) putAtOnce(writer, 0, 60_000, firstSeen);
  closeWriter(writer);
  const parts: number[] = [];
  expect(verify(place(), (part) => parts.push(part))!.problems).toEqual([]);
  expect(parts.length).toBeGreaterThan(1);
  expect(parts).toEqual([...parts].sort((a, b) => a - b));
  expect(parts.every((part) => part > 0 && part <= 1)).toBe(true);
});

describe('damage is found, and told by its page:', () => {
  test('a file that is no database, and one of another program', () => {
    writeFileSync(place(), 'Dear administrator,\n'.repeat(1000));
    expect(judge()).toMatchObject({
      problems: [{ page: undefined, what: 'has no sound meta page, or is no database at all' }],
      leaves: 0,
    });
    expect(firstProblem(place())).toBe('has no sound meta page, or is no database at all');
    spoil((bytes) => {
      for (const at of [0, PAGE]) bytes.writeUInt32LE(1, at + 28);
    });
    expect(judge).toThrow(StoreError);
    spoil((bytes) => bytes.fill(0, PAGE, 2 * PAGE));
    expect(judge()).toMatchObject({
      problems: [{ page: undefined, what: 'has a damaged meta page' }],
      size: sound.length,
      pageSize: PAGE,
    });
  });

  test('pages that cannot be, and the first two', () => {
    for (const page of [0, 1, meta.lastPage + 1, 2 ** 31]) {
      const problems = found((bytes) => bytes.writeUInt32LE(page, child(3)));
      expect(problems).toContainEqual({
        page,
        what: 'cannot be, and yet something points to it',
      });
      expect(problems).not.toContainEqual({ page, what: 'is used twice' });
      expect(judge().lost).toBe(1); // the leaf to which that node led
    }
    expect(firstProblem(place())).toBe(`page ${2 ** 31} cannot be, and yet something points to it`);
  });

  test('a page of another kind', () => {
    expect(found((bytes) => bytes.writeUInt16LE(BRANCH, leaf(1) * PAGE + 18))).toEqual([
      { page: leaf(1), what: 'is of another kind' },
    ]);
    expect(judge()).toMatchObject({ leaves: keysOn(sound, root()) - 1, branches: 1 });
  });

  test('a page that is cut off', () => {
    const last = Math.max(...Array.from({ length: keysOn(sound, root()) }, (_, i) => leaf(i)));
    truncateSync(place(), last * PAGE + 100);
    expect(judge().problems).toContainEqual({
      page: last,
      what: `is truncated: page ${last} is missing`,
    });
  });

  test('a page that two others lead to, and one that is free and in use', () => {
    expect(found((bytes) => bytes.writeUInt32LE(leaf(2), child(3)))).toEqual([
      { page: leaf(2), what: 'is used twice' },
    ]);
    expect(judge().lost).toBe(1);
    expect(found((bytes) => bytes.writeUInt32LE(leaf(2), listed()))).toEqual([
      { page: leaf(2), what: 'is used twice' },
    ]);
    // The last page of all is a page like the others.
    expect(
      found((bytes) => {
        for (const i of [2, 3]) bytes.writeUInt32LE(meta.lastPage, child(i));
      }),
    ).toContainEqual({ page: meta.lastPage, what: 'is used twice' });
  });

  test('records that do not rise', () => {
    const order = 'has records out of order';
    const astray = 'does not lead to all records below it';
    expect(
      found((bytes) => {
        bytes.writeUInt32LE(leaf(2), child(3));
        bytes.writeUInt32LE(leaf(3), child(2));
      }),
    ).toEqual([
      { page: meta.main.root, what: astray },
      { page: leaf(2), what: order },
    ]);
    // The same one twice.
    const page = leaf(2) * PAGE + 24;
    expect(found((bytes) => bytes.copy(bytes, page + 2, page, page + 2))).toEqual([
      { page: leaf(2), what: order },
    ]);
  });

  test("records that a look-up would miss, on either side of a branch's key", () => {
    const astray = [{ page: meta.main.root, what: 'does not lead to all records below it' }];
    const key = nodeKey(child(5));
    const last = nodeData(sound, child(5)) - 1;
    expect(found((bytes) => bytes.writeUInt8(sound[last]! ^ 1, last))).toEqual(astray);
    expect(found((bytes) => bytes.fill(0xff, key, key + 2))).toEqual(astray);
    expect(found((bytes) => bytes.fill(0, key, key + 2))).toEqual(astray);
    expect(judge()).toMatchObject({ waiting: TRIPLES - 20, passed: 20, clients: 5 });
  });

  test('records that are not whole, and those that are none', () => {
    const damaged = [{ page: leaf(4), what: 'has a damaged record' }];
    const node = nodeOn(leaf(4), 1);
    expect(
      found((bytes) => {
        bytes[nodeData(sound, node) + 4]! ^= 1;
      }),
    ).toEqual(damaged);
    expect(judge().waiting).toBe(TRIPLES - 21);
    expect(
      found((bytes) => {
        bytes.writeUInt16LE(BIG_DATA, node + 4);
        bytes.writeUInt32LE(24, node);
      }),
    ).toEqual(damaged);
    // With a flag alone, liblmdb would look for it elsewhere, or take it for something else; and a look-up refuses it.
    for (const flag of [BIG_DATA, 2, 4, 256])
      expect([flag, found((bytes) => bytes.writeUInt16LE(flag, node + 4))]).toEqual([flag, damaged]);
    // In the last leaf, whose records keep their order: a record with its check under a key of no kind.
    const [last] = [keysOn(sound, root()) - 1].map(leaf);
    const end = nodeOn(last!, keysOn(sound, last! * PAGE) - 1);
    const length = nodeData(sound, end) - nodeKey(end);
    const anew = (bytes: Buffer) =>
      record.writeClient(bytes, nodeKey(end), length, nodeData(sound, end), {
        comeBacks: 2,
        lastSeen: 90_000,
      });
    expect(found(anew)).toEqual([]);
    expect(
      found((bytes) => {
        bytes[nodeKey(end)] = 99;
        anew(bytes);
      }),
    ).toEqual([{ page: last, what: 'has a damaged record' }]);
    // The house has its own, of which every byte counts as well.
    const house = nodeOn(leaf(0), 0);
    expect(sound[nodeKey(house)]).toBe(0);
    expect(
      found((bytes) => {
        bytes[nodeData(sound, house) + 4]! ^= 1;
      }),
    ).toEqual([{ page: leaf(0), what: 'has a damaged record' }]);
  });

  test('another number of records than it says; where a page is damaged, that is no news', () => {
    const miscount = (bytes: Buffer) => bytes.writeUInt32LE(1, newest() + META_MAIN + TREE_ENTRIES);
    expect(found(miscount)).toEqual([
      { page: undefined, what: `holds ${meta.main.entries} records, and says it holds 1` },
    ]);
    expect(firstProblem(place())).toBe(`holds ${meta.main.entries} records, and says it holds 1`);
    expect(
      found((bytes) => {
        miscount(bytes);
        bytes.fill(0, leaf(1) * PAGE, (leaf(1) + 1) * PAGE);
      }),
    ).toEqual([{ page: leaf(1), what: 'bears another number' }]);
  });

  test('a list of free pages that is none', () => {
    expect(found((bytes) => bytes.writeUInt32LE(1, listed()))).toEqual([
      { page: undefined, what: `page ${meta.free.root} has a damaged list of free pages` },
    ]);
  });
});

test('a page that nothing accounts for is lost, which does no harm', () => {
  const before = judge();
  spoil((bytes) => bytes.writeUInt32LE(0, listed()));
  expect(judge()).toEqual({ ...before, free: before.free - 1, lost: 1 });
});

describe('while filters write', () => {
  const zero = (page: number) => (bytes: Buffer) => bytes.fill(0, page * PAGE, (page + 1) * PAGE);
  /** What is found where the file is another one at each reading; and how often it was read, and let go. */
  function read(...works: ((bytes: Buffer) => void)[]) {
    let readings = 0;
    let releases = 0;
    const { problems } = verify(
      place(),
      () => {},
      () => {
        spoil(works[readings++]!);
        return () => releases++;
      },
    )!;
    expect(releases).toBe(readings);
    return { readings, problems };
  }
  const bad = (page: number): Problem => ({ page, what: 'bears another number' });

  test('a sound one is read once, and what is wrong at once only is not told', () => {
    expect(read(() => {})).toEqual({ readings: 1, problems: [] });
    expect(read(zero(leaf(1)), () => {})).toEqual({ readings: 2, problems: [] });
    expect(read(zero(leaf(1)), zero(leaf(2)), () => {})).toEqual({ readings: 3, problems: [] });
  });

  test('what is wrong twice is told, and nothing else', () => {
    const both = (bytes: Buffer) => [1, 2].map((i) => zero(leaf(i))(bytes));
    expect(read(both, zero(leaf(2)))).toEqual({ readings: 2, problems: [bad(leaf(2))] });
    expect(read(zero(leaf(1)), both)).toEqual({ readings: 2, problems: [bad(leaf(1))] });
    // On the same page, but something else.
    const other = (bytes: Buffer) => bytes.writeUInt16LE(BRANCH, leaf(1) * PAGE + 18);
    expect(read(zero(leaf(1)), other, () => {})).toEqual({ readings: 3, problems: [] });
  });

  test('where something else is wrong each time, that of the last reading is told', () => {
    expect(read(...[1, 2, 3, 4, 5, 6].map((i) => zero(leaf(i))))).toEqual({
      readings: 6,
      problems: [bad(leaf(6))],
    });
  });

  test('nothing stays open', () => {
    read(zero(leaf(1)), zero(leaf(1)));
    read(zero(0), zero(0));
    expect(openFiles().filter((name) => name.startsWith(place()))).toEqual([]);
  });

  test('the state is let go where nothing can be read of it', () => {
    expect(read(zero(0), zero(0))).toMatchObject({
      readings: 2,
      problems: [{ page: undefined, what: 'has a damaged meta page' }],
    });
  });
});
