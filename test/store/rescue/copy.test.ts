// A state copied, and the copy brought to the next state: which pages are read for it, and what is refused. (What is in the copy
// afterwards, and what is queued: replace.test.ts.)
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Held, holdNewest } from '../../../src/store/lmdb/hold.ts';
import { openWriter } from '../../../src/store/lmdb/open.ts';
import { removeRecord, transact } from '../../../src/store/lmdb/transaction.ts';
import { closeWriter, type Writer } from '../../../src/store/lmdb/writer.ts';
import { checkBeside, seekChecked } from '../../../src/store/pages/check.ts';
import { keysOn, type Meta, nodeAt, nodeChild, nodeData } from '../../../src/store/pages/format.ts';
import { readPage } from '../../../src/store/pages/page.ts';
import { verify } from '../../../src/store/pages/verify.ts';
import { writeHouse, writeTriple } from '../../../src/store/records/key.ts';
import { catchUp, copyState, type Pages } from '../../../src/store/rescue/copy.ts';
import { useScratch } from '../../support/scratch.ts';
import { everything, putAtOnce, triple } from '../filled.ts';
import { whileSpoilt } from '../pages/sound.ts';

const PAGE = 4096;
const TRIPLES = 3000;

const scratch = useScratch('of each');
let writer: Writer;
let into: Writer;
let held: Held;
const place = (name: string) => path.join(scratch.path, name);

beforeEach(() => {
  writer = openWriter(place('greylist.mdb'));
  putAtOnce(writer, 0, TRIPLES);
  into = openWriter(place('copy.mdb'));
  held = holdNewest(writer);
});
afterEach(() => {
  held.release();
  closeWriter(into);
  closeWriter(writer);
});

const load = (number: number) => {
  const page = Buffer.alloc(PAGE);
  readPage(writer.file, number, page, 0);
  return page;
};
/** All pages of a state: the root, and the leaves below it. */
function pagesOf({ main }: Meta): Set<number> {
  expect(main.depth).toBe(2);
  const root = load(main.root);
  return new Set([
    main.root,
    ...Array.from({ length: keysOn(root, 0) }, (_, i) => nodeChild(root, nodeAt(root, 0, i))),
  ]);
}
const zero = (page: Buffer) => page.fill(0);
const copy = (queued?: Map<string, number>) => copyState(writer.file, held.meta, into, () => {}, queued);
const leafOf = (meta: Meta) => [...pagesOf(meta)].at(-1)!;

function remove(from: number, to: number): void {
  const { path, instruction } = writer;
  transact(writer, (meta) => {
    for (let n = from; n < to; n++) {
      const length = writeTriple(instruction.key, 0, triple(n));
      expect(seekChecked(path, meta, instruction.key, length)).toBeGreaterThan(0);
      checkBeside(path, meta);
      removeRecord(writer, length);
    }
    return true;
  });
}

test('the copy says which pages it is of, and how far it is', () => {
  const parts: number[] = [];
  const { pages, records } = copyState(writer.file, held.meta, into, (part) => parts.push(part));
  expect(pages).toEqual(pagesOf(held.meta));
  expect(records).toBe(TRIPLES);
  expect(parts.at(-1)).toBe(1);
});

test('of an empty database too', () => {
  const empty = openWriter(place('empty.mdb'));
  const none = holdNewest(empty);
  const parts: number[] = [];
  const { pages, records } = copyState(empty.file, none.meta, into, (part) => parts.push(part));
  expect([pages.size, records]).toEqual([0, 0]);
  expect(parts.every((part) => part >= 0 && part <= 1)).toBe(true);
  expect(catchUp(empty.file, none.meta, pages, none.meta, into)).toEqual(new Set());
  none.release();
  closeWriter(empty);
});

test('what is queued is counted where it is new, also behind all others; what is no triple is left out', () => {
  const key = Buffer.alloc(200);
  const keyOf = (n: number) => key.toString('latin1', 0, writeTriple(key, 0, triple(n)));
  const last = { client: '255.255.255.255', sender: 'z', recipient: 'z' };
  const queued = new Map(
    [
      [keyOf(5), 7000], // on record
      [keyOf(TRIPLES + 1), 7001],
      [key.toString('latin1', 0, writeTriple(key, 0, last)), 7002],
      [key.toString('latin1', 0, writeHouse(key, 0, 'name')), 7003],
    ].sort(([a], [b]) => ((a as string) < (b as string) ? -1 : 1)) as [string, number][],
  );
  const { records } = copy(queued);
  expect(records).toBe(TRIPLES + 2);
  const found = everything(place('copy.mdb'));
  expect(found).toHaveLength(TRIPLES + 2);
  expect(found).toContainEqual(triple(5));
  expect(found).toContainEqual(triple(TRIPLES + 1, 7001));
  expect(found.at(-1)).toMatchObject({ ...last, firstSeen: 7002 });
  expect(verify(place('copy.mdb'), () => {})!.problems).toEqual([]);
});

test('one that is queued alone has its place, too', () => {
  const key = Buffer.alloc(200);
  const first = { client: '0.0.0.1', sender: 'a', recipient: 'a' };
  const queued = new Map([[key.toString('latin1', 0, writeTriple(key, 0, first)), 7000]]);
  expect(copy(queued).records).toBe(TRIPLES + 1);
  expect(everything(place('copy.mdb'))[0]).toMatchObject({ ...first, firstSeen: 7000 });
});

test('a part makes no copy: where a page or a record is damaged, it is refused', () => {
  const leaf = leafOf(held.meta);
  whileSpoilt(writer.file, leaf, zero, () => expect(copy).toThrow(`page ${leaf} bears another number`));
  const wrong = (page: Buffer) => {
    page[nodeData(page, nodeAt(page, 0, 3))]! ^= 1;
  };
  whileSpoilt(writer.file, leaf, wrong, () => expect(copy).toThrow('has a damaged record'));
});

test('to follow a state only pages are read that were changed in between, and all of those', () => {
  let { pages } = copy();
  for (const [from, to, firstSeen] of [
    [10, 11, 2000], // a change
    [TRIPLES, TRIPLES + 1, 1000], // something new
    [0, TRIPLES, 3000], // everything
    [5, 6, 3000], // something that is written anew as it was
    [20, 500, 0], // something that goes
    [500, 501, 0],
  ] as const) {
    const before = pagesOf(held.meta);
    if (firstSeen > 0) putAtOnce(writer, from, to, firstSeen);
    else remove(from, to);
    const next = holdNewest(writer);
    const after = pagesOf(next.meta);
    const follow = (): Pages => catchUp(writer.file, held.meta, pages, next.meta, into);
    const shared = [...after].filter((page) => before.has(page));
    const [added, gone] = [
      [...after].filter((page) => !before.has(page)),
      [...before].filter((page) => !after.has(page)),
    ];
    for (const page of [added.at(-1)!, gone.at(-1)!])
      whileSpoilt(writer.file, page, zero, () => expect(follow).toThrow(`page ${page} bears another number`));
    const untouched = shared.at(-1);
    if (untouched === undefined) pages = follow();
    else
      whileSpoilt(writer.file, untouched, zero, () => {
        pages = follow();
      });
    expect(pages).toEqual(after);
    held.release();
    held = next;
    expect(everything(place('copy.mdb'))).toEqual(everything(place('greylist.mdb')));
  }
});

test('where nothing has changed, nothing is written', () => {
  const { pages } = copy();
  const { txnid } = holdOf(into);
  putAtOnce(writer, 7, 8); // the same record on other pages
  const next = holdNewest(writer);
  catchUp(writer.file, held.meta, pages, next.meta, into);
  next.release();
  expect(holdOf(into).txnid).toBe(txnid);
});

function holdOf(writer: Writer): Meta {
  const { meta, release } = holdNewest(writer);
  release();
  return meta;
}
