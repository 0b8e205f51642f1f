// The list of free pages, which liblmdb believes: whatever it must not be told is found before, in lists that liblmdb
// has made and that were spoilt since.
import { writeSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openEditor } from '../../../src/store/admin/edit.ts';
import { DamageError } from '../../../src/store/damage.ts';
import { native, READ_ONLY } from '../../../src/store/lmdb/native.ts';
import { openWriter } from '../../../src/store/lmdb/open.ts';
import { closeWriter, type Writer } from '../../../src/store/lmdb/writer.ts';
import { closeFile, type DataFile, openFile } from '../../../src/store/pages/file.ts';
import {
  BIG_DATA,
  BRANCH,
  keysOn,
  LEAF,
  type Meta,
  nodeAt,
  nodeChild,
  nodeData,
  nodeDataSize,
  nodeFlags,
  nodeKey,
  OVERFLOW,
  PAGE_HEADER,
} from '../../../src/store/pages/format.ts';
import { checkFreeList, isFree } from '../../../src/store/pages/freelist.ts';
import { readHead } from '../../../src/store/pages/head.ts';
import { readPage } from '../../../src/store/pages/page.ts';
import { u48 } from '../../../src/store/records/bytes.ts';
import { useScratch } from '../../support/scratch.ts';
import { fill, forget, putAtOnce } from '../filled.ts';

let file: DataFile;
let meta: Meta;

/** The tests of this description go by the database that `make` makes. */
function prepare(make: (database: string) => void): void {
  const scratch = useScratch('of all');
  const database = path.join(scratch.path, 'greylist.mdb');
  beforeAll(() => {
    make(database);
    file = openFile(database)!;
    meta = readHead(file);
  });
  afterAll(() => closeFile(file));
}

function makeWith(database: string, work: (writer: Writer) => void): void {
  const writer = openWriter(database);
  work(writer);
  closeWriter(writer);
}

const check = (visit?: (page: number, isList: boolean) => void) =>
  checkFreeList(file, meta, Buffer.alloc(16 * file.pageSize), visit);

function load(number: number): Buffer {
  const page = Buffer.alloc(file.pageSize);
  readPage(file, number, page, 0);
  return page;
}

/** The pages of a tree, each once; of the records' tree, these are all that may not be free. */
function pagesOf(number: number, depth: number): number[] {
  const page = load(number);
  const children = Array.from({ length: depth > 1 ? keysOn(page, 0) : 0 }, (_, i) =>
    nodeChild(page, nodeAt(page, 0, i)),
  );
  return [number, ...children.flatMap((child) => pagesOf(child, depth - 1))];
}

function expectAllElseFree(): void {
  const inUse = new Set([0, 1, ...pagesOf(meta.main.root, meta.main.depth)]);
  const unused = Array.from({ length: meta.lastPage + 1 }, (_, page) => page).filter(
    (page) => !inUse.has(page),
  );
  const free = check();
  expect(free).toMatchObject({ txnid: meta.txnid, count: unused.length });
  for (let page = 0; page <= meta.lastPage; page++)
    expect([page, isFree(free, page)]).toEqual([page, !inUse.has(page)]);
  const visited: number[] = [];
  check((page) => visited.push(page));
  expect(visited.sort((a, b) => a - b)).toEqual(unused);
}

const long = (number: number) => {
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64LE(BigInt(number));
  return bytes;
};

/** What has to be found while the bytes at these places of a page are others. */
function expectDamage(message: RegExp, page: number, ...spoilt: [at: number, bytes: Buffer][]): void {
  const before = load(page);
  const place = page * file.pageSize;
  for (const [at, bytes] of spoilt) writeSync(file.fd, bytes, 0, bytes.length, place + at);
  try {
    expect(() => check()).toThrow(DamageError);
    expect(() => check()).toThrow(message);
  } finally {
    writeSync(file.fd, before, 0, before.length, place);
  }
}

const NO_LIST = /is no list of free pages/;
const DAMAGED = /has a damaged list of free pages/;

describe('a list on one page', () => {
  prepare((database) => {
    const editor = openEditor(database);
    fill(editor, 0, 3000);
    forget(editor, 500, 2500);
    editor.close();
  });

  /** For each transaction, in their order: where its number stands, and what it freed, a count and as many numbers. */
  const lists = () => {
    const page = load(meta.free.root);
    return Array.from({ length: keysOn(page, 0) }, (_, i) => {
      const node = nodeAt(page, 0, i);
      return { txn: nodeKey(node), at: nodeData(page, node), size: nodeDataSize(page, node) };
    });
  };
  const [last, earlier] = [() => lists().at(-1)!, () => lists().at(-2)!];
  /** Where two numbers of a list are pages, and neither the length of a run nor what it goes with; and the first one. */
  const pair = () => {
    const page = load(meta.free.root);
    const isPage = (at: number) => u48(page, at) > 0 && page[at + 7] === 0;
    for (const { at: list } of lists())
      for (let at = list + 8; at < list + 8 * u48(page, list); at += 8)
        if (isPage(at) && isPage(at + 8) && page[at - 1] === 0) return { at, page: u48(page, at) };
    throw new Error('all lists consist of runs');
  };
  const spoilt = (message: RegExp, ...changes: [number, Buffer][]) =>
    expectDamage(message, meta.free.root, ...changes);

  test('says of every page whether it is in use, and which are its own', () => {
    expect(meta.free.depth).toBe(1);
    expectAllElseFree();
    const own: number[] = [];
    check((page, isList) => {
      if (isList) own.push(page);
    });
    expect(own).toEqual([meta.free.root]);
  });

  test('transactions have numbers that rise to the newest', () => {
    spoilt(NO_LIST, [last().txn, long(0)]);
    spoilt(NO_LIST, [last().txn, long(meta.txnid + 1)]);
    spoilt(NO_LIST, [last().txn, long(2 ** 48 + meta.txnid)]);
    spoilt(NO_LIST, [last().txn, load(meta.free.root).subarray(earlier().txn, earlier().txn + 8)]);
    // A number of another length.
    spoilt(NO_LIST, [last().txn - 2, Buffer.from([6, 0])]);
  });

  test('a list names only pages that may be handed out, each once', () => {
    const { at, page } = pair();
    for (const wrong of [1, meta.lastPage + 1, meta.free.root]) spoilt(DAMAGED, [at, long(wrong)]);
    spoilt(DAMAGED, [at + 8, long(page)]);
    spoilt(DAMAGED, [last().at, long(last().size / 8)]); // more than it has room for
  });

  test('a run lies within the file, and has a first page', () => {
    // Nothing else is listed.
    const none = lists().map(({ at }): [number, Buffer] => [at, long(0)]);
    const { at } = last();
    spoilt(DAMAGED, ...none, [at, Buffer.concat([long(2), long(-2), long(meta.lastPage)])]);
    spoilt(DAMAGED, ...none, [at, Buffer.concat([long(1), long(-2)])]);
  });

  test('a number is one of 64 bits, as liblmdb reads it', () => {
    const { at, page } = pair();
    const [high, top] = [2 ** 48, 2 ** 56];
    for (const beyond of [high, top]) {
      spoilt(DAMAGED, [at, long(beyond + page)]);
      spoilt(DAMAGED, [last().at, long(beyond + u48(load(meta.free.root), last().at))]);
    }
    // A run of so many pages.
    const none = lists().map(({ at }): [number, Buffer] => [at, long(0)]);
    spoilt(DAMAGED, ...none, [last().at, Buffer.concat([long(2), long(-1 - high), long(meta.lastPage)])]);
  });

  test('a gap is nobody’s page', () => {
    const { at, page } = pair();
    const whole = check();
    expect(isFree(whole, page)).toBe(true);
    writeSync(file.fd, long(0), 0, 8, meta.free.root * file.pageSize + at);
    const left = check();
    writeSync(file.fd, long(page), 0, 8, meta.free.root * file.pageSize + at);
    expect(isFree(left, page)).toBe(false);
    expect(left.count).toBe(whole.count - 1);
  });

  test('its page is one of a list', () => {
    spoilt(/bears another number/, [0, long(meta.free.root + 1)]);
    spoilt(/is of another kind/, [18, Buffer.from([1, 0])]);
    spoilt(/has a node outside it/, [24, Buffer.from([0, 0])]);
  });
});

describe('a list that fills pages of its own', () => {
  prepare((database) =>
    makeWith(database, (writer) => {
      // The second transaction writes every page anew, and so has all of them to list at once.
      for (const firstSeen of [1000, 2000]) putAtOnce(writer, 0, 40_000, firstSeen);
    }),
  );

  /** Where its leaf has the number of its first page, that number, and how many bytes it takes. */
  function bigList(): { leaf: number; at: number; first: number; size: number } {
    for (const leaf of pagesOf(meta.free.root, meta.free.depth)) {
      const page = load(leaf);
      for (let i = 0; i < keysOn(page, 0); i++) {
        const node = nodeAt(page, 0, i);
        const at = nodeData(page, node);
        if ((nodeFlags(page, node) & BIG_DATA) !== 0)
          return { leaf, at, first: u48(page, at), size: nodeDataSize(page, node) };
      }
    }
    throw new Error('no list is large enough');
  }

  test('says of every page whether it is in use; its own are not', () => {
    const { first, size } = bigList();
    expect(size).toBeGreaterThan(file.pageSize);
    expectAllElseFree();
    const own: number[] = [];
    check((page, isList) => {
      if (isList) own.push(page);
    });
    expect(own).toEqual([...pagesOf(meta.free.root, meta.free.depth), first, first + 1]);
  });

  test('its pages are those of a list, and as many as it needs', () => {
    const { leaf, at, first, size } = bigList();
    expectDamage(NO_LIST, first, [0, long(first + 1)]);
    expectDamage(NO_LIST, first, [8, long(meta.txnid + 1)]);
    expectDamage(NO_LIST, first, [18, Buffer.from([2, 0])]);
    expectDamage(NO_LIST, first, [20, Buffer.from([1, 0, 0, 0])]);
    expectDamage(DAMAGED, first, [24, long(size / 8)]);
    expectDamage(DAMAGED, first, [32, long(first)]);
    for (const elsewhere of [1, meta.lastPage])
      expectDamage(/points to a page that cannot be/, leaf, [at, long(elsewhere)]);
    expectDamage(/twice as free/, leaf, [at, long(meta.free.root)]);
  });
});

describe('a list of several pages', () => {
  prepare((database) =>
    makeWith(database, (writer) => {
      // While somebody reads the first state, no page that is freed is used again.
      const reader = new (native().Txn)(writer.env, READ_ONLY);
      for (let n = 0; n < 300; n++) putAtOnce(writer, n, n + 1);
      reader.abort();
    }),
  );

  test('says of every page whether it is in use', () => {
    expect(meta.free.depth).toBe(2);
    expectAllElseFree();
  });

  test('has each of them once', () => {
    const { root } = meta.free;
    const page = load(root);
    const [first, second] = [nodeAt(page, 0, 0), nodeAt(page, 0, 1)];
    expectDamage(/twice as free/, root, [second, page.subarray(first, first + 4)]);
  });

  test('has them in the order of the transactions', () => {
    const { root } = meta.free;
    const page = load(root);
    const [first, second] = [nodeAt(page, 0, 0), nodeAt(page, 0, 1)];
    const child = (node: number) => page.subarray(node, node + 4);
    expectDamage(NO_LIST, root, [first, child(second)], [second, child(first)]);
  });
});

describe('a list made by hand', () => {
  prepare((database) => {
    const editor = openEditor(database);
    fill(editor, 0, 3000); // pages enough to write over
    editor.close();
  });

  interface Node {
    key: Buffer;
    flags?: number;
    /** What it says of its size; without it, that of `data`. */
    size?: number;
    data: Buffer;
  }
  const numbers = (...all: number[]) => Buffer.concat(all.map(long));
  /** What the transaction 1 has freed. */
  const freed = (...all: number[]): Node => ({ key: long(1), data: numbers(all.length, ...all) });

  function put(number: number, flags: number, nodes: Node[]): void {
    const page = Buffer.alloc(file.pageSize);
    let upper = file.pageSize - PAGE_HEADER;
    long(number).copy(page);
    page.writeUInt16LE(flags, 18);
    page.writeUInt16LE(2 * nodes.length, 20);
    nodes.forEach(({ key, flags = 0, data, size = data.length }, i) => {
      upper -= 8 + key.length + data.length;
      const node = PAGE_HEADER + upper;
      page.writeUInt16LE(upper, PAGE_HEADER + 2 * i);
      page.writeUInt32LE(size, node);
      page.writeUInt16LE(flags, node + 4);
      page.writeUInt16LE(key.length, node + 6);
      key.copy(page, node + 8);
      data.copy(page, node + 8 + key.length);
    });
    page.writeUInt16LE(upper, 22);
    writeSync(file.fd, page, 0, page.length, number * file.pageSize);
  }
  function putBranch(number: number, ...children: number[]): void {
    put(
      number,
      BRANCH,
      children.map((size) => ({ key: Buffer.alloc(0), size, data: Buffer.alloc(0) })),
    );
  }
  /** A list of `size` bytes, which begins with `list`, on `pages` pages from `number` on, as the one that begins at page 9. */
  function putBig(number: number, pages: number, size: number, list: Buffer): void {
    const bytes = Buffer.alloc(3 * file.pageSize);
    long(number).copy(bytes);
    bytes.writeUInt16LE(OVERFLOW, 18);
    bytes.writeUInt32LE(pages, 20);
    list.copy(bytes, PAGE_HEADER);
    writeSync(file.fd, bytes, 0, pages * file.pageSize, number * file.pageSize);
    put(9, LEAF, [{ key: long(1), flags: BIG_DATA, size, data: numbers(number, 0, 0) }]);
  }
  /** The pages that are free, or hold the list, whose tree has `depth` and begins at page 9. */
  function free(depth = 1, lastPage = 40): number[] {
    const state = { ...meta, lastPage, free: { depth, root: 9, entries: 1 } };
    const found = checkFreeList(file, state, Buffer.alloc(depth * file.pageSize));
    return Array.from({ length: lastPage + 1 }, (_, page) => page).filter((page) => isFree(found, page));
  }
  const list = (...all: number[]) => {
    put(9, LEAF, [freed(...all)]);
    return free();
  };

  test('names any page but the first two, alone or in a run, up to the last', () => {
    expect(list(2, 40)).toEqual([2, 9, 40]);
    expect(list(-2, 39)).toEqual([9, 39, 40]);
    expect(list(-7, 2)).toEqual([2, 3, 4, 5, 6, 7, 8, 9]);
    expect(list()).toEqual([9]);
    expect(() => list(1)).toThrow(DAMAGED);
    expect(() => list(41)).toThrow(DAMAGED);
    expect(() => list(-3, 39)).toThrow(DAMAGED);
    expect(() => list(-8, 2)).toThrow(DAMAGED); // into the list itself
  });

  test('has a gap where all 64 bits are zero only', () => {
    expect(list(0, 5)).toEqual([5, 9]);
    for (const high of [2 ** 48, 2 ** 56, -(2 ** 63)]) expect(() => list(high, 5)).toThrow(DAMAGED);
  });

  test('has a run where a number is negative only', () => {
    for (const large of [2 ** 48 - 2, 2 ** 56 - 2, 2 ** 63 - 2 ** 12])
      expect(() => list(large, 5)).toThrow(DAMAGED);
  });

  test('says how many it names, and has room for them', () => {
    const said = (...words: number[]) => {
      put(9, LEAF, [{ key: long(1), data: numbers(...words) }]);
      return free();
    };
    expect(said(1, 5)).toEqual([5, 9]);
    expect(said(1, 5, 6)).toEqual([5, 9]); // the rest is nothing to liblmdb
    expect(() => said(2, 5)).toThrow(DAMAGED);
    expect(() => said()).toThrow(DAMAGED);
    for (const high of [2 ** 47, 2 ** 48, 2 ** 56]) expect(() => said(1 + high, 5)).toThrow(DAMAGED);
  });

  test('is of transactions with numbers of 64 bits', () => {
    for (const high of [2 ** 47, 2 ** 48, 2 ** 56]) {
      put(9, LEAF, [{ key: long(1 + high), data: numbers(0) }]);
      expect(() => free()).toThrow(NO_LIST);
    }
    put(9, LEAF, [{ key: long(meta.txnid), data: numbers(0) }]);
    expect(free()).toEqual([9]);
  });

  test('may have three levels', () => {
    putBranch(9, 10, 11);
    putBranch(10, 12, 13);
    putBranch(11, 14, 15);
    for (const leaf of [12, 13, 14, 15])
      put(leaf, LEAF, [{ key: long(leaf - 11), data: numbers(1, leaf + 10) }]);
    meta = { ...meta, txnid: 4 };
    expect(free(3)).toEqual([9, 10, 11, 12, 13, 14, 15, 22, 23, 24, 25]);
  });

  test('has no more levels than there is room to read them', () => {
    for (let page = 9; page < 17; page++) putBranch(page, page + 1, page + 1);
    const state = { ...meta, lastPage: 40, free: { depth: 9, root: 9, entries: 1 } };
    expect(() => checkFreeList(file, state, Buffer.alloc(8 * file.pageSize))).toThrow(DamageError);
  });

  test('takes as many pages of its own as it needs with one header, in any place', () => {
    const { pageSize } = file;
    const most = 2 * pageSize - PAGE_HEADER;
    for (const place of [2, 39]) {
      putBig(place, 2, most, numbers(1, 20));
      expect(free()).toEqual([place, place + 1, 9, 20].sort((a, b) => a - b));
    }
    putBig(39, 2, most + 1, numbers(1, 20)); // says two, and would need three
    expect(() => free()).toThrow(/points to a page that cannot be, 39/);
    putBig(20, 2, most + 1, numbers(0));
    expect(() => free()).toThrow(NO_LIST);
    putBig(20, 1, pageSize - PAGE_HEADER, numbers(0));
    expect(free()).toEqual([9, 20]);
    putBig(20, 1, pageSize - PAGE_HEADER + 1, numbers(0));
    expect(() => free()).toThrow(NO_LIST);
    putBig(8, 2, most, numbers(0)); // its second page is the one that leads there
    expect(() => free()).toThrow(/lists page 9 twice as free/);
  });

  test('lies where a number of 64 bits says, on pages that bear it', () => {
    for (const high of [2 ** 48, 2 ** 56]) {
      putBig(20, 1, 8, numbers(0));
      writeSync(file.fd, long(20 + high), 0, 8, 20 * file.pageSize);
      expect(() => free()).toThrow(NO_LIST);
      putBig(20, 1, 8, numbers(0));
      put(9, LEAF, [{ key: long(1), flags: BIG_DATA, size: 8, data: numbers(20 + high, 0, 0) }]);
      expect(() => free()).toThrow(NO_LIST);
    }
  });
});
