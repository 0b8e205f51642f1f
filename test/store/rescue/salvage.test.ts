// What is saved from a damaged file: every record that is still whole, in its newest form, and none that is not.
import {
  chmodSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { TripleEntry } from '../../../src/store/admin/entry.ts';
import { flushLast } from '../../../src/store/lmdb/durable.ts';
import { native } from '../../../src/store/lmdb/native.ts';
import { openWriter } from '../../../src/store/lmdb/open.ts';
import { closeWriter, type Writer } from '../../../src/store/lmdb/writer.ts';
import { closeFile, openFile } from '../../../src/store/pages/file.ts';
import {
  keysOn,
  LEAF,
  META_TREES,
  nodeAt,
  nodeData,
  nodeKey,
  PAGE_HEADER,
  pageFlags,
} from '../../../src/store/pages/format.ts';
import { readHead } from '../../../src/store/pages/head.ts';
import { leaves } from '../../../src/store/pages/leaves.ts';
import { isKept, markedTxn } from '../../../src/store/pages/mark.ts';
import { verify } from '../../../src/store/pages/verify.ts';
import { MAX_KEY } from '../../../src/store/records/key.ts';
import * as record from '../../../src/store/records/record.ts';
import { type Saved, salvage, salvageInto } from '../../../src/store/rescue/salvage.ts';
import { openFiles } from '../../support/files.ts';
import { useScratch } from '../../support/scratch.ts';
import { everything, putAtOnce, triple } from '../filled.ts';

const TRIPLES = 6000;
const PAGE = 4096;

const scratch = useScratch('of each');
let into: Writer;
const place = (name: string) => path.join(scratch.path, name);
const damaged = () => place('damaged');

/** A file whose triples were all written anew, a part of them twice: older forms of them stand in its free pages. */
beforeEach(() => {
  const writer = openWriter(damaged());
  putAtOnce(writer, 0, TRIPLES, 1000);
  putAtOnce(writer, 0, TRIPLES, 2000);
  putAtOnce(writer, 0, 100, 3000);
  closeWriter(writer);
  into = openWriter(place('greylist.mdb'));
});
afterEach(() => closeWriter(into));

const newest = (n: number) => triple(n, n < 100 ? 3000 : 2000);

function change(work: (bytes: Buffer) => void): void {
  const bytes = readFileSync(damaged());
  work(bytes);
  writeFileSync(damaged(), bytes);
}

/** The numbers of the pages that hold the newest state's records. */
function leafNumbers(): number[] {
  const file = openFile(damaged())!;
  const numbers = [...leaves(file, readHead(file), { onDamage() {} })].map((page) => page.readUInt32LE(0));
  closeFile(file);
  return numbers;
}

function saveAll(from = damaged()): Saved {
  const work = salvage(from, into);
  for (;;) {
    const { done, value } = work.next();
    if (done) return value;
  }
}

const bySender = (entries: TripleEntry[]) => new Map(entries.map((entry) => [entry.sender, entry]));
const saved = () => bySender(everything(place('greylist.mdb')) as TripleEntry[]);
const all = () => bySender(Array.from({ length: TRIPLES }, (_, n) => newest(n)));

test('all of it, in the newest form, where nothing leads to it any more', () => {
  change((bytes) => bytes.fill(0xa5, 0, 2 * PAGE)); // both meta pages
  const { records, pages, of } = saveAll();
  expect(records).toBe(TRIPLES);
  expect(pages).toBe(of);
  expect(saved()).toEqual(all());
  expect(verify(place('greylist.mdb'), () => {})?.problems).toEqual([]);
});

test('what the database has already stays as it is', () => {
  putAtOnce(into, 0, 50, 9000);
  expect(saveAll().records).toBe(TRIPLES - 50);
  expect(saved().get(triple(49).sender)).toEqual(triple(49, 9000));
  expect(saved().get(triple(50).sender)).toEqual(newest(50));
  expect(saveAll().records).toBe(0); // all is there
});

test.each([2, 3, 4, 5])('after %d rounds too, wherever in the file the newest pages lie then', (rounds) => {
  const again = openWriter(place('again'));
  for (let round = 1; round <= rounds; round++) {
    putAtOnce(again, 0, 1000, round * 1000);
    flushLast(again); // then pages of before are used again
  }
  closeWriter(again);
  saveAll(place('again'));
  expect([...saved().values()].every(({ firstSeen }) => firstSeen === rounds * 1000)).toBe(true);
  expect(saved().size).toBe(1000);
});

test.each([4096, 8192, 16_384, 65_536])(
  'all of it, with pages of %d bytes too, whatever the meta pages say of that',
  (pageSize) => {
    const other = place('other');
    const addon = native();
    const { Env } = addon;
    // As a machine whose own pages are so large makes it.
    addon.Env = class extends Env {
      override open(options: Record<string, unknown>, flags: number, jsFlags: number): void {
        addon.Env = Env;
        super.open({ ...options, pageSize }, flags, jsFlags);
      }
    };
    const writer = openWriter(other);
    putAtOnce(writer, 0, 3000);
    closeWriter(writer);
    expect(verify(other, () => {})).toMatchObject({ problems: [], pageSize });
    const whole = readFileSync(other);
    for (const [i, spoil] of [
      () => {},
      (bytes: Buffer) => bytes.fill(0xa5, 0, pageSize),
      (bytes: Buffer) => bytes.fill(0xa5, 0, 2 * pageSize),
      (bytes: Buffer) => bytes.writeUInt32LE(pageSize === 8192 ? 4096 : 8192, META_TREES),
    ].entries()) {
      const bytes = Buffer.from(whole);
      spoil(bytes);
      writeFileSync(other, bytes);
      closeWriter(into);
      into = openWriter(place(`into ${i}`));
      expect(saveAll(other).records).toBe(3000);
    }
  },
);

test('records that cannot be put, or do not lie on their page, cost no others', () => {
  // Each has its check, as if it had been damaged before that was made.
  const page = leafNumbers()[3]!;
  const length = MAX_KEY + 1;
  change((bytes) => {
    const start = page * PAGE;
    const node = (i: number, offset: number, keyLength: number, size: number) => {
      const at = start + PAGE_HEADER + offset;
      bytes.writeUInt16LE(offset, start + PAGE_HEADER + 2 * i);
      bytes.writeUInt32LE(size, at);
      bytes.writeUInt16LE(0, at + 4);
      bytes.writeUInt16LE(keyLength, at + 6);
      return at;
    };
    bytes.fill(0, start + 20, start + PAGE);
    bytes.writeUInt16LE(10, start + 20);
    const put = (at: number, keyLength: number) =>
      record.writeTriple(bytes, at + 8, keyLength, at + 8 + keyLength, triple(TRIPLES));
    put(node(0, 100, 0, record.ONCE_SIZE), 0);
    put(node(1, 200, length, record.ONCE_SIZE), length);
    // The last is sound, and the one before it lies half beyond the page, where nothing but zeros would be found.
    const key = Buffer.from('\x04\x0a\x00\x00\x01');
    const good = node(4, 2000, key.length, record.CLIENT_SIZE);
    key.copy(bytes, nodeKey(good));
    record.writeClient(bytes, nodeKey(good), key.length, nodeData(bytes, good), {
      comeBacks: 7,
      lastSeen: 86_400,
    });
    const half = node(2, PAGE - PAGE_HEADER - 8 - 5 - 4, key.length, record.HOUSE_HEAD + 4);
    const own = Buffer.alloc(100);
    own.write('\x00none', 0, 'latin1');
    record.writeHouse(own, 0, 5, 5, record.HOUSE_HEAD + 4);
    own.copy(bytes, nodeKey(half), 0, 9);
    bytes.writeUInt16LE(PAGE - PAGE_HEADER - 4, start + PAGE_HEADER + 6); // a node of four bytes
  });
  const { records } = saveAll();
  expect(records).toBeGreaterThan(TRIPLES - 100);
  const found = everything(place('greylist.mdb'));
  expect(found.filter(({ kind }) => kind === 'client')).toEqual([
    { kind: 'client', client: '10.0.0.1', comeBacks: 7, lastSeen: 86_400 },
  ]);
  expect(found).toHaveLength(records);
  expect(verify(place('greylist.mdb'), () => {})?.problems).toEqual([]);
});

/** Whose records stand on the page. */
function sendersOn(page: number): Set<string> {
  const before = readFileSync(damaged());
  change((bytes) => bytes.fill(0, page * PAGE, (page + 1) * PAGE));
  const others = bySender(everything(damaged()) as TripleEntry[]);
  writeFileSync(damaged(), before);
  return new Set([...all().keys()].filter((sender) => !others.has(sender)));
}

/** All was saved as it was; but what stood on a page that is lost may be missing, or have an older form. */
function expectSaved(lost: Set<string>): void {
  expect(lost.size).toBeGreaterThan(10);
  const found = saved();
  for (const [sender, entry] of all()) {
    const was = found.get(sender);
    if (!lost.has(sender)) expect(was).toEqual(entry);
    else if (was !== undefined) expect(was.firstSeen).toBeLessThanOrEqual(entry.firstSeen);
  }
}

test.each<[string, (page: number) => void]>([
  ['is zeros', (page) => change((bytes) => bytes.fill(0, page * PAGE, (page + 1) * PAGE))],
  ['is rubbish', (page) => change((bytes) => bytes.fill(0xa5, page * PAGE, (page + 1) * PAGE))],
  ['is cut off with all behind it', (page) => truncateSync(damaged(), page * PAGE + 40)],
])('where a page %s, all others are saved', (_, spoil) => {
  const page = Math.max(...leafNumbers());
  const lost = sendersOn(page);
  spoil(page);
  saveAll();
  expectSaved(lost);
});

test('a record is believed by its check only', () => {
  // In every leaf, older ones too, one bit of each record is another.
  change((bytes) => {
    for (let page = 2 * PAGE; page < bytes.length; page += PAGE) {
      if (pageFlags(bytes, page) !== LEAF) continue;
      for (let i = 0; i < keysOn(bytes, page); i++) bytes[nodeData(bytes, nodeAt(bytes, page, i))]! ^= 1;
    }
  });
  const { records, pages } = saveAll();
  expect(pages).toBeGreaterThan(100);
  expect(records).toBe(0);
});

test('pages that lie about what is in them do no harm', () => {
  const [a, b, c] = leafNumbers();
  change((bytes) => {
    bytes.writeUInt16LE(0xffff, a! * PAGE + 20); // more records than a page can have
    bytes.writeUInt16LE(0xfffe, b! * PAGE + 24); // one that lies outside
    bytes.writeUInt32LE(0xffffffff, nodeAt(bytes, c! * PAGE, 0)); // one that is longer than the file
  });
  saveAll();
  const found = saved();
  for (const entry of found.values()) expect([1000, 2000, 3000]).toContain(entry.firstSeen);
  expect(found.size).toBeGreaterThanOrEqual(TRIPLES - 3);
  expect(verify(place('greylist.mdb'), () => {})?.problems).toEqual([]);
});

test('nothing is saved from rubbish, an empty file, or behind a link', () => {
  for (const content of [
    Buffer.alloc(10 * PAGE, 0xa5),
    Buffer.alloc(0),
    Buffer.from('Dear administrator,'),
  ]) {
    writeFileSync(damaged(), content);
    expect(salvage(damaged(), into).next()).toEqual({ done: true, value: { records: 0, pages: 0, of: 0 } });
  }
  symlinkSync(damaged(), place('link'));
  expect(() => salvage(place('link'), into).next()).toThrow('ELOOP');
  expect(() => salvage(place('none'), into).next()).toThrow('ENOENT');
});

test('nothing is saved into a database that is damaged itself: liblmdb would die of it', () => {
  const other = place('other');
  const writer = openWriter(other);
  putAtOnce(writer, 0, 1000, 1000);
  closeWriter(writer);
  const bytes = readFileSync(other);
  for (let page = 0; page < bytes.length; page += PAGE)
    if (pageFlags(bytes, page) === LEAF) bytes.fill(0, page, page + PAGE);
  writeFileSync(other, bytes);
  expect(() => salvageInto(other, damaged(), () => {})).toThrow(/^page \d+ /);
  expect(readFileSync(other).equals(bytes)).toBe(true);
});

test('into a database that an administrator names: it is shown how far it is, and all is on the disk afterwards', () => {
  const other = place('other');
  const shown: Saved[] = [];
  const last = salvageInto(other, damaged(), (saved) => shown.push({ ...saved }));
  expect(last.records).toBe(TRIPLES);
  expect(shown.at(-1)).toEqual(last);
  expect(shown.length).toBeGreaterThan(3);
  expect(openFiles().filter((name) => name.startsWith(other))).toEqual([]);
  const file = openFile(other)!;
  const { txnid } = readHead(file);
  expect([markedTxn(file), isKept(file)]).toEqual([txnid, true]);
  closeFile(file);
  expect(salvageInto(other, damaged(), () => {}).records).toBe(0);
  writeFileSync(damaged(), '');
  expect(salvageInto(other, damaged(), () => {})).toEqual({ records: 0, pages: 0, of: 0 });
  chmodSync(scratch.path, 0o777);
  expect(() => salvageInto(other, damaged(), () => {})).toThrow(/--into/);
});

test('it is done a few pages at a time, may be abandoned after each, and leaves nothing open', () => {
  const isOpen = () =>
    readdirSync('/proc/self/fd').some((fd) => {
      try {
        return readlinkSync(`/proc/self/fd/${fd}`) === damaged();
      } catch {
        return false; // the directory that is just read
      }
    });
  const work = salvage(damaged(), into);
  const first = { ...work.next().value };
  expect(first.pages).toBeLessThan(first.of / 2);
  expect(first.records).toBeGreaterThan(0);
  expect(saved().size).toBe(first.records); // on record, for everybody
  const second = { ...work.next().value };
  expect(second.pages).toBeGreaterThan(first.pages);
  expect(isOpen()).toBe(true);
  work.return(second);
  expect(isOpen()).toBe(false);
  // Whoever goes on begins anew.
  expect(saveAll().records).toBe(TRIPLES - second.records);
  expect(saved()).toEqual(all());
  expect(isOpen()).toBe(false);
});

test('a large file is looked through a part at a time, too: its size may be as wrong as all else', () => {
  truncateSync(damaged(), 100 * 2 ** 20);
  const work = salvage(damaged(), into);
  for (let part = 0; part < 6; part++)
    expect(work.next()).toEqual({ done: false, value: { records: 0, pages: 0, of: 0 } });
  expect(work.next().value.of).toBeGreaterThan(0);
  work.return({ records: 0, pages: 0, of: 0 });
  saveAll();
  expect(saved()).toEqual(all());
});
