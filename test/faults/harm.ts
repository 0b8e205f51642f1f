// Acts of damage to a database and its lock file, each with random numbers that its seed repeats.
import {
  closeSync,
  fstatSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readSync,
  renameSync,
  symlinkSync,
  truncateSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { withFile } from '../../src/store/pages/file.ts';
import {
  keysOn,
  META_LAST_PAGE,
  META_MAIN,
  META_TREES,
  nodeAt,
  nodeData,
  nodeKey,
  TREE_FLAGS,
} from '../../src/store/pages/format.ts';
import { readHead } from '../../src/store/pages/head.ts';
import { readPage } from '../../src/store/pages/page.ts';
import type { Random } from '../support/random.ts';

const PAGE = 4096;

export type Harm = (database: string, random: Random) => void;

export function noise(random: Random, size: number): Buffer {
  return Buffer.from(Array.from({ length: size }, () => random.below(256)));
}

/** `size`: without the space that was taken for pages to come, where damage does nothing. */
function edit(database: string, work: (fd: number, pages: number, size: number) => void): void {
  const pages = pagesOf(database);
  const fd = openSync(database, 'r+');
  try {
    const size = Math.min(fstatSync(fd).size, pages * PAGE);
    work(fd, Math.floor(size / PAGE), size);
  } finally {
    closeSync(fd);
  }
}

function pagesOf(database: string): number {
  return withFile(database, (file) => readHead(file).lastPage + 1) ?? 0;
}

/** The numbers of some pages: about that part of all, at least one. */
function somePages(random: Random, pages: number, part: number): number[] {
  const chosen = [...Array(pages).keys()].filter(() => random.chance(part));
  return chosen.length > 0 ? chosen : [random.below(pages)];
}

const overwrite =
  (part: number, content: (random: Random) => Buffer): Harm =>
  (database, random) =>
    edit(database, (fd, pages) => {
      for (const page of somePages(random, pages, part)) writeSync(fd, content(random), 0, PAGE, page * PAGE);
    });

const meta =
  (...pages: number[]): Harm =>
  (database, random) =>
    edit(database, (fd) => {
      for (const page of pages) writeSync(fd, noise(random, PAGE), 0, PAGE, page * PAGE);
    });

const swap =
  (part: number): Harm =>
  (database, random) =>
    edit(database, (fd, pages) => {
      const [a, b] = [Buffer.alloc(PAGE), Buffer.alloc(PAGE)];
      for (const page of somePages(random, pages, part)) {
        const other = random.below(pages);
        readSync(fd, a, 0, PAGE, page * PAGE);
        readSync(fd, b, 0, PAGE, other * PAGE);
        writeSync(fd, b, 0, PAGE, page * PAGE);
        writeSync(fd, a, 0, PAGE, other * PAGE);
      }
    });

const zeros = () => Buffer.alloc(PAGE);
const random4k = (random: Random) => noise(random, PAGE);

/** A few bytes anywhere: the kind of damage that looks most like a sound page. */
const bits: Harm = (database, random) =>
  edit(database, (fd, _, size) => {
    for (let i = 0; i < 20; i++) writeSync(fd, noise(random, 1 + random.below(4)), 0, 1, random.below(size));
  });

/** What liblmdb takes from it at its word: a transaction's number, a page twice, a page in use. */
const freeList: Harm = (database, random) =>
  withFile(database, (file) => {
    const { free, main, txnid } = readHead(file);
    if (free.depth !== 1) return; // none, or one as only large files have it
    const page = Buffer.alloc(file.pageSize);
    readPage(file, free.root, page, 0);
    const node = nodeAt(page, 0, random.below(keysOn(page, 0)));
    const list = nodeData(page, node);
    const lies = [
      () => page.writeUInt32LE(txnid + 1 + random.below(1e9), nodeKey(node)),
      () => page.writeUInt32LE(0, nodeKey(node)),
      () => page.writeUInt32LE(main.root, list + 8),
      () => page.writeUInt32LE(free.root, list + 8),
      () => page.copy(page, list + 16, list + 8, list + 16),
    ];
    random.pick(lies)();
    writeSync(file.fd, page, 0, page.length, free.root * file.pageSize);
  });

/** What both meta pages say of how a tree's keys compare, and of how many values one may have: liblmdb goes by it. */
const kindOfTree: Harm = (database, random) =>
  edit(database, (fd) => {
    const at = random.pick([META_TREES, META_MAIN]) + TREE_FLAGS;
    for (const page of [0, 1])
      writeSync(fd, Buffer.of(0xff ^ (1 << random.below(8))), 0, 1, page * PAGE + at);
  });

/** A last page that is far away, in the newest state only: liblmdb maps all before it, or takes the disk for it. */
const lastPage: Harm = (database, random) => {
  const { txnid, lastPage } = withFile(database, readHead)!;
  const far = Buffer.alloc(6);
  far.writeUIntLE(lastPage + 2 ** (16 + random.below(31)), 0, 6);
  edit(database, (fd) => writeSync(fd, far, 0, 6, (txnid & 1) * PAGE + META_LAST_PAGE));
};

export const DAMAGE: Record<string, Harm> = {
  'truncated anywhere': (database, random) =>
    edit(database, (fd, _, size) => ftruncateSync(fd, random.below(size))),
  'truncated at a page': (database, random) =>
    edit(database, (fd, pages) => ftruncateSync(fd, random.below(pages) * PAGE)),
  'truncated to half': (database) => edit(database, (fd, _, size) => ftruncateSync(fd, size >> 1)),
  emptied: (database) => truncateSync(database),
  'one page random': overwrite(0, random4k),
  'some pages random': overwrite(0.02, random4k),
  'a tenth random': overwrite(0.1, random4k),
  'all random': overwrite(1, random4k),
  'one page zero': overwrite(0, zeros),
  'a tenth zero': overwrite(0.1, zeros),
  'all zero': overwrite(1, zeros),
  'pages swapped': swap(0.1),
  'a few bytes': bits,
  'the list of free pages': freeList,
  'the kind of a tree': kindOfTree,
  'the number of the last page': lastPage,
  'the first meta page': meta(0),
  'the second meta page': meta(1),
  'both meta pages': meta(0, 1),
  text: (database) =>
    edit(database, (fd) => {
      ftruncateSync(fd, 0);
      writeSync(fd, 'This is no database.\n'.repeat(500));
    }),
  'a directory': (database) => {
    unlinkSync(database);
    mkdirSync(database);
  },
  'a dangling link': (database) => {
    unlinkSync(database);
    symlinkSync('/nonexistent/greylist.mdb', database);
  },
};

/** In its place: a lock file that is cut off even for a moment is a SIGBUS for a filter within a transaction. */
function overwriteLock(database: string, bytes: Buffer): void {
  const fd = openSync(`${database}-lock`, 'r+');
  writeSync(fd, bytes, 0, bytes.length, 0);
  closeSync(fd);
}

/** What happens to the place rather than to the content: nothing may be set aside. */
export const UPHEAVAL: Record<string, Harm> = {
  removed: (database) => unlinkSync(database),
  renamed: (database) => renameSync(database, `${database}.old`),
  'lock random': (database, random) => overwriteLock(database, noise(random, PAGE)),
  'lock zero': (database) => overwriteLock(database, Buffer.alloc(PAGE)),
  'lock emptied': (database) => truncateSync(`${database}-lock`),
  'lock removed': (database) => unlinkSync(`${database}-lock`),
  'lock a directory': (database) => {
    unlinkSync(`${database}-lock`);
    mkdirSync(`${database}-lock`);
  },
};
