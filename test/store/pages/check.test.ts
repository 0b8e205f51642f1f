// What is checked before liblmdb puts or deletes a record: every page that it will read, and no other, so that damage
// elsewhere holds up nobody. Where a page is damaged, or free, is tried out page by page.
import path from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { DamageError } from '../../../src/store/damage.ts';
import { openWriter } from '../../../src/store/lmdb/open.ts';
import { removeRecord, transactBatch } from '../../../src/store/lmdb/transaction.ts';
import { newTriple, putTriple } from '../../../src/store/lmdb/triples.ts';
import { closeWriter } from '../../../src/store/lmdb/writer.ts';
import {
  checkBeside,
  checkOrder,
  descendChecked,
  seekChecked,
  seekForPut,
} from '../../../src/store/pages/check.ts';
import { closeFile, type DataFile, openFile } from '../../../src/store/pages/file.ts';
import {
  BRANCH,
  keysOn,
  LEAF,
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
import { keyOfNextLeaf, newPath, type Path, seek } from '../../../src/store/pages/tree.ts';
import { verify } from '../../../src/store/pages/verify.ts';
import { MAX_KEY, writeTriple } from '../../../src/store/records/key.ts';
import { makeRandom } from '../../support/random.ts';
import { useScratch } from '../../support/scratch.ts';
import { putNumber } from '../filled.ts';
import { whileSpoilt } from './sound.ts';

const STEP = 16; // between two numbers on record

const scratch = useScratch('of all');
let file: DataFile;
let meta: Meta;
/** The pages at each level, from the root down, in the order of keys. */
let levels: number[][];
let pages: Map<number, Buffer>;

const load = (number: number) => {
  const page = Buffer.alloc(file.pageSize);
  readPage(file, number, page, 0);
  return page;
};
const childrenOf = (number: number) => {
  const page = pages.get(number)!;
  return Array.from({ length: keysOn(page, 0) }, (_, i) => nodeChild(page, nodeAt(page, 0, i)));
};
const keyFor = (number: number) => {
  const key = Buffer.alloc(8);
  key.writeBigUInt64BE(BigInt(number));
  return key;
};
/** The number of the leaf's first record. */
const firstOn = (leaf: number) => {
  const page = pages.get(leaf)!;
  return Number(page.readBigUInt64BE(nodeKey(nodeAt(page, 0, 0))));
};

/** Has the tests of this description go by a database with so many records. */
function prepare(records: number, depth: number): void {
  beforeAll(() => {
    make(records);
    expect(meta.main.depth).toBe(depth);
  });
  afterAll(() => closeFile(file));
}

function make(records: number): void {
  const database = path.join(scratch.path, `${records}.mdb`);
  const writer = openWriter(database);
  transactBatch(writer, () => {
    // Downwards, which leaves pages half full.
    for (let i = records; i-- > 0; ) putNumber(writer, i * STEP, 1000);
  });
  closeWriter(writer);
  file = openFile(database)!;
  meta = readHead(file);
  pages = new Map();
  levels = [[meta.main.root]];
  for (let depth = 1; ; depth++) {
    for (const number of levels.at(-1)!) pages.set(number, load(number));
    if (depth === meta.main.depth) break;
    levels.push(levels.at(-1)!.flatMap(childrenOf));
  }
}

let way: Path;
beforeEach(() => {
  way = newPath(file);
});

type Work = (way: Path) => unknown;

function outcome(work: Work, prepare: Work = () => {}): string {
  const way = newPath(file);
  prepare(way);
  try {
    work(way);
    return '';
  } catch (error) {
    if (!(error instanceof DamageError)) throw error;
    return error.message;
  }
}

/** What `work` comes to while the page is as `spoil` leaves it. */
const outcomeWith = (number: number, spoil: (page: Buffer) => void, work: Work) =>
  whileSpoilt(file, number, spoil, () => outcome(work));

/** Its last node lies where none can, which shows only if the page is checked as a whole. */
function hideDamage(page: Buffer): void {
  page.writeUInt16LE(1, PAGE_HEADER + 2 * (keysOn(page, 0) - 1));
}
/** As `hideDamage`, in the first one. */
function hideDamageAhead(page: Buffer): void {
  page.writeUInt16LE(1, PAGE_HEADER);
}

const sorted = (numbers: Iterable<number>) => [...new Set(numbers)].sort((a, b) => a - b);
/** Which pages `work` checks as a whole, and which of them may not be free. */
function checked(work: Work): { whole: number[]; free: number[] } {
  const all = sorted(levels.flat());
  const whole = all.filter((page) => outcomeWith(page, hideDamageAhead, work) !== '');
  const free = all.filter((page) => {
    const bits = new Uint8Array((meta.lastPage >> 3) + 1);
    bits[page >> 3]! |= 1 << (page & 7);
    return outcome(work, (way) => {
      way.free = { txnid: meta.txnid, bits, count: 1 };
    }).endsWith(`lists page ${page} as free, which is in use`);
  });
  return { whole, free };
}

/** The pages that lead to the leaf with this number among all leaves, and it. */
function pathTo(leaf: number): number[] {
  const way = [levels.at(-1)![leaf]!];
  for (const level of levels.slice(0, -1).reverse())
    way.unshift(level.find((page) => childrenOf(page).includes(way[0]!))!);
  return way;
}

const leavesOf = () => levels.at(-1)!;

describe.each([
  [1, 40],
  [2, 3000],
  [3, 30_000],
])('before a record is deleted from a tree of %d levels', (depth, records) => {
  prepare(records, depth);
  const remove =
    (leaf: number): Work =>
    (way) => {
      expect(seekChecked(way, meta, keyFor(firstOn(leavesOf()[leaf]!)), 8)).toBeGreaterThan(0);
      checkBeside(way, meta);
    };
  /** Those beside it and beside those that lead to it; and the next but one, with which a merged leaf may be merged. */
  const needed = (leaf: number) => {
    const way = pathTo(leaf);
    const siblings = depth > 1 ? childrenOf(way.at(-2)!) : [];
    const own = siblings.indexOf(way.at(-1)!);
    return sorted([
      ...way,
      ...way.flatMap((page, level) =>
        [-1, 1].flatMap((step) => levels[level]![levels[level]!.indexOf(page) + step] ?? []),
      ),
      ...[own - 2, own + 2].flatMap((i) => siblings[i] ?? []),
    ]);
  };
  /** How many leaves there are below the first branch above them. */
  const together = () => (depth > 1 ? childrenOf(levels.at(-2)![0]!).length : 1);

  test.each([
    ['the first leaf', () => 0],
    ['the second leaf', () => 1],
    ['the third leaf', () => 2],
    ['a leaf amid others', () => 20],
    ['the last leaf but two below a branch', () => together() - 3],
    ['the last leaf below a branch', () => together() - 1],
    ['the first leaf below the next branch', () => together()],
    ['the last leaf of all', () => leavesOf().length - 1],
    ['the last leaf of all but one', () => leavesOf().length - 2],
  ])('of %s', (_, which) => {
    const leaf = Math.max(0, Math.min(which(), leavesOf().length - 1));
    const all = needed(leaf);
    expect(checked(remove(leaf))).toEqual({ whole: all, free: all });
  });

  test('each of them is of its kind', () => {
    const leaf = Math.min(together(), leavesOf().length - 1);
    for (const page of needed(leaf)) {
      const other = leavesOf().includes(page) ? BRANCH : LEAF;
      expect(outcomeWith(page, (bytes) => bytes.writeUInt16LE(other, 18), remove(leaf))).toBe(
        `page ${page} is of another kind`,
      );
    }
  });

  test('also where the record was only looked for', () => {
    const leaf = leavesOf().length >> 1;
    const key = keyFor(firstOn(leavesOf()[leaf]!));
    const all = needed(leaf);
    const work: Work = (way) => {
      seek(way, meta, key, 8);
      checkBeside(way, meta);
    };
    expect(checked(work)).toEqual({ whole: all, free: all });
  });

  test('space is counted for as many pages as may be written anew', () => {
    remove(0)(way);
    expect(way.splits).toBe(5);
    checkBeside(way, meta); // of the same leaf
    expect(way.splits).toBe(5);
    remove(leavesOf().length - 1)(way);
    expect(way.splits).toBe(depth > 1 ? 10 : 6);
    expect(way.shrunk.size).toBe(depth > 1 ? 2 : 1);
  });
});

describe('before any change', () => {
  prepare(30_000, 3);

  test('the whole path is checked, also where the path has the pages already', () => {
    const key = keyFor(firstOn(levels[2]![20]!));
    const all = sorted(pathTo(20));
    for (const work of [
      (way: Path) => descendChecked(way, meta, key, 8),
      (way: Path) => seekChecked(way, meta, key, 8),
    ])
      expect(checked(work)).toEqual({ whole: all, free: all });
    for (const page of all)
      expect(outcomeWith(page, hideDamage, (way) => descendChecked(way, meta, key, 8))).toBe(
        `page ${page} has a node outside it`,
      );
    // The whole leaf is one with records of their sizes.
    const leaf = levels[2]![20]!;
    const last = keyFor(firstOn(leaf) + (keysOn(pages.get(leaf)!, 0) - 1) * STEP);
    expect(
      outcomeWith(
        leaf,
        (page) => page.writeUInt32LE(5000, nodeAt(page, 0, 0)),
        (way) => descendChecked(way, meta, last, 8),
      ),
    ).toBe(`page ${leaf} has a node that is too long`);
    // A page that was checked for one key is not trusted for what another one leads to.
    const beside = levels[2]![21]!;
    expect(
      outcomeWith(beside, hideDamage, (way) => {
        descendChecked(way, meta, key, 8);
        descendChecked(way, meta, keyFor(firstOn(beside)), 8);
      }),
    ).toBe(`page ${beside} has a node outside it`);
  });

  test('a list of free pages that was read for another state says nothing', () => {
    const bits = new Uint8Array((meta.lastPage >> 3) + 1).fill(0xff);
    way.free = { txnid: meta.txnid - 1, bits, count: 1 };
    descendChecked(way, meta, keyFor(0), 8);
    way.free = { txnid: meta.txnid, bits, count: 1 };
    expect(() => descendChecked(way, meta, keyFor(0), 8)).toThrow(/lists page \d+ as free, which is in use/);
  });

  test('finds what is there, and -1 where nothing is', () => {
    const number = firstOn(levels[2]![20]!);
    const record = seekChecked(way, meta, keyFor(number), 8);
    expect(way.pages.readUInt32LE(record + 4)).toBe(1000);
    expect(seekChecked(way, meta, keyFor(number + 1), 8)).toBe(-1);
  });
});

describe('before a record is put', () => {
  prepare(30_000, 3);

  const SIZE = 8;
  /** What a new record with a key of eight bytes takes: a node, and its place among the others. */
  const taken = (size: number) => 8 + 8 + size + 2;
  const roomOn = (leaf: number) => {
    const page = pages.get(levels[2]![leaf]!)!;
    return page.readUInt16LE(22) - page.readUInt16LE(20);
  };
  const numbersOn = (leaf: number) => {
    const page = pages.get(levels[2]![leaf]!)!;
    return Array.from({ length: keysOn(page, 0) }, (_, i) => firstOn(levels[2]![leaf]!) + i * STEP);
  };
  const put =
    (size: number, ...keys: number[]): Work =>
    (way) => {
      for (const key of keys) seekForPut(way, meta, keyFor(key), 8, size);
    };
  /** Damage to a node that a search for a key beside the first one does not meet. */
  const isWhole = (leaf: number, ...works: Work[]) =>
    outcomeWith(levels[2]![leaf]!, hideDamage, (way) => works.map((work) => work(way))) !== '';

  test('where it is written over the old one, or fits, its leaf is enough', () => {
    const leaf = 20;
    const [first] = numbersOn(leaf);
    expect(isWhole(leaf, put(SIZE, first!))).toBe(false);
    const room = roomOn(leaf);
    expect(isWhole(leaf, put(room - taken(0), first! + 1))).toBe(false);
    expect(isWhole(leaf, put(room - taken(0) + 1, first! + 1))).toBe(true);
    expect(isWhole(leaf, put(room - taken(0) - 1, first! + 1))).toBe(false);
  });

  test('another size than the old one is a delete and a put', () => {
    expect(isWhole(20, put(SIZE + 2, numbersOn(20)[0]!))).toBe(true);
  });

  test('what the transaction has put on the leaf before counts, and where it has deleted something no room is known', () => {
    const leaf = 20;
    const [first] = numbersOn(leaf);
    const fit = Math.floor(roomOn(leaf) / taken(SIZE));
    const keys = Array.from({ length: fit + 1 }, (_, i) => first! + 1 + (i % (STEP - 1)));
    expect(fit).toBeGreaterThan(0);
    expect(isWhole(leaf, put(SIZE, ...keys.slice(0, fit)))).toBe(false);
    expect(isWhole(leaf, put(SIZE, ...keys))).toBe(true);
    // Elsewhere, it does not; and in the next transaction all is as it is read.
    const other = numbersOn(leaf + 1)[0]! + 1;
    expect(isWhole(leaf, put(SIZE, ...Array(fit + 1).fill(other)), put(SIZE, first! + 1))).toBe(false);
    const later = { ...meta, txnid: meta.txnid + 1 };
    const next: Work = (way) => seekForPut(way, later, keyFor(first! + 1), 8, SIZE);
    expect(isWhole(leaf, put(SIZE, ...keys.slice(0, fit)), next)).toBe(false);
    const shrink: Work = (way) => {
      way.shrunk.add(leaf);
    };
    expect(isWhole(leaf, put(SIZE, other), shrink, put(SIZE, first! + 1))).toBe(true);
  });

  test('no page of the path may be free, whether or not there is room', () => {
    const [first] = numbersOn(20);
    const all = sorted(pathTo(20));
    for (const key of [first!, first! + 1]) expect(checked(put(SIZE, key)).free).toEqual(all);
  });

  test('space is counted for the splits that so many bytes may need, each half a page less a key', () => {
    const leaf = 20;
    const key = numbersOn(leaf)[0]! + 1;
    const room = roomOn(leaf);
    const half = file.pageSize / 2 - MAX_KEY;
    const splits = (...sizes: number[]) => {
      const way = newPath(file);
      for (const size of sizes) put(size, key)(way);
      return way.splits;
    };
    const fits = room - taken(0);
    expect([fits, fits + 2, fits + half, fits + half + 2].map((size) => splits(size))).toEqual([0, 1, 1, 2]);
    // Together as each for itself.
    expect(splits(fits, half - taken(0))).toBe(1);
    expect(splits(fits, half - taken(0), 2)).toBe(2);
    expect(splits(fits + half + 2, half - taken(0))).toBe(3);
  });

  test('an empty tree takes any record', () => {
    const empty = { ...meta, main: { depth: 0, root: 0, entries: 0 } };
    expect(seekForPut(way, empty, keyFor(1), 8, SIZE)).toBe(-1);
    expect([way.splits, way.grown.size]).toEqual([0, 0]);
    expect(seekChecked(way, empty, keyFor(1), 8)).toBe(-1);
    checkBeside(way, empty);
  });
});

describe('where one leaf is all', () => {
  prepare(1, 1);

  test('it is checked like any other, and a record alone is a whole page', () => {
    const [page] = levels[0]!;
    for (const work of [
      (way: Path) => seekForPut(way, meta, keyFor(0), 8, 8),
      (way: Path) => seekForPut(way, meta, keyFor(1), 8, 8),
      (way: Path) => descendChecked(way, meta, keyFor(0), 8),
    ]) {
      expect(outcome(work)).toBe('');
      expect(checked(work).free).toEqual([page]);
    }
    const room = pages.get(page!)!.readUInt16LE(22) - 2;
    expect(seekForPut(way, meta, keyFor(1), 8, room - 18)).toBe(-1);
    expect(way.splits).toBe(0);
    expect(seekForPut(way, meta, keyFor(1), 8, 2)).toBe(-1);
    expect(way.splits).toBe(1);
  });
});

describe('from leaf to leaf', () => {
  prepare(30_000, 3);

  test('all are met in their order', () => {
    const met: number[] = [];
    for (let key: Buffer | undefined = keyFor(0); key !== undefined; key = keyOfNextLeaf(way)) {
      descendChecked(way, meta, key, key.length);
      met.push(way.numbers.at(-1)!);
    }
    expect(met).toEqual(levels[2]);
    const page = pages.get(levels[1]![0]!)!;
    expect(nodeKeySize(page, nodeAt(page, 0, 0))).toBe(0); // the first of a branch leads to what is less than all
  });

  /** What is found of it on the way from the first leaf to the last. */
  const onTheWay: Work = (way) => {
    for (let key: Buffer | undefined = keyFor(0); key !== undefined; key = keyOfNextLeaf(way)) {
      descendChecked(way, meta, key, key.length);
      checkOrder(way);
    }
  };
  const keyAt = (page: Buffer, i: number) => nodeKey(nodeAt(page, 0, i));
  const middle = (level: number) => levels[level]![levels[level]!.length >> 1]!;

  test('each lies where its branches say', () => expect(outcome(onTheWay)).toBe(''));

  test.each([
    ['one further', 1],
    ['one less', -1],
  ])("a branch's key that is by %s than it was is found, whichever it is", (_, by) => {
    for (const number of [levels[0]![0]!, levels[1]!.at(-1)!, middle(1)]) {
      const keys = keysOn(pages.get(number)!, 0);
      for (const i of [1, keys >> 1, keys - 1])
        for (const step of [by * (STEP / 2), by * STEP * 20, by * STEP * 4000]) {
          const spoil = (page: Buffer) => {
            const at = keyAt(page, i);
            const key = Number(page.readBigUInt64BE(at)) + step;
            page.writeBigUInt64BE(BigInt(Math.max(0, key)), at);
          };
          // Less than half a step back, nothing is lost to a look-up.
          const found = step === -STEP / 2 ? '' : 'has keys out of order';
          expect(outcomeWith(number, spoil, onTheWay)).toMatch(found);
        }
    }
  });

  test('a record twice, one that is not whole, and one that liblmdb takes for another kind', () => {
    const number = middle(2);
    const order = `page ${number} has keys out of order`;
    const damaged = `page ${number} has a damaged record`;
    expect(
      outcomeWith(number, (page) => page.copy(page, PAGE_HEADER + 2, PAGE_HEADER, PAGE_HEADER + 2), onTheWay),
    ).toBe(order);
    expect(
      outcomeWith(
        number,
        (page) => {
          page[nodeData(page, nodeAt(page, 0, 3)) + 4]! ^= 1;
        },
        onTheWay,
      ),
    ).toBe(damaged);
    expect(
      outcomeWith(
        number,
        (page) => {
          page[nodeAt(page, 0, 3) + 4]! = 2;
        },
        onTheWay,
      ),
    ).toBe(damaged);
  });

  test('records of all lengths that come and go, in a tree that grows and shrinks, are found to be in order', () => {
    const random = makeRandom(3);
    const database = path.join(scratch.path, 'order.mdb');
    const writer = openWriter(database);
    const { key } = writer.instruction;
    const keys = new Map<number, number>();
    const write = (n: number) =>
      writeTriple(key, 0, {
        client: `10.0.0.${n % 250}`,
        sender: `${'s'.repeat(keys.get(n)!)}${n}@example.org`,
        recipient: 'r',
      });
    const depths = new Set<number>();
    for (let round = 0; round < 120; round++) {
      const grows = round % 40 < 25;
      transactBatch(writer, () => {
        for (let i = 0; i < 300; i++) {
          const n = random.below(8000);
          if (grows && !keys.has(n)) {
            keys.set(n, random.below(200));
            putTriple(writer, write(n), newTriple(1000));
          } else if (!grows) {
            const [old] = keys.keys();
            const gone = keys.has(n) ? n : old;
            if (gone === undefined) continue;
            removeRecord(writer, write(gone));
            keys.delete(gone);
          }
        }
      });
      const state = readHead(writer.file);
      depths.add(state.main.depth);
      const way = newPath(writer.file);
      let met = 0;
      for (let next: Buffer | undefined = Buffer.alloc(0); next !== undefined; next = keyOfNextLeaf(way)) {
        descendChecked(way, state, next, next.length);
        checkOrder(way);
        met += way.leaf < 0 ? 0 : keysOn(way.pages, way.leaf);
      }
      expect(met).toBe(keys.size);
    }
    expect(verify(database, () => {})).toMatchObject({ problems: [], waiting: keys.size });
    expect(depths.size).toBeGreaterThan(1);
    closeWriter(writer);
  });
});
