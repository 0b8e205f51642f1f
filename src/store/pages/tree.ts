// Finding a key: from the root of a committed state down to a leaf, every page checked before it is used. Takes no lock and no
// reader's slot; a page that is re-used meanwhile fails its check, and the caller looks again.
import { DamageError } from '../damage.ts';
import { isRecord } from '../records/record.ts';
import type { DataFile } from './file.ts';
import {
  BRANCH,
  keysOn,
  LEAF,
  type Meta,
  nodeAt,
  nodeChild,
  nodeDataSize,
  nodeKey,
  nodeKeySize,
  PAGE_HEADER,
} from './format.ts';
import type { FreePages } from './freelist.ts';
import { loadPage } from './page.ts';

/** The pages from the root to a leaf, kept between look-ups, and read again only when the state changes. */
export interface Path {
  file: DataFile;
  pages: Buffer;
  /** The same bytes as 16-bit numbers, to which all in LMDB's nodes is aligned: one step instead of two bytes to join. */
  words: Uint16Array;
  /** The numbers of the pages, from the root down. */
  numbers: number[];
  /** Which node of each page, from the root down, leads on. */
  nodes: number[];
  /** How many of the pages, from the root down, have been checked as a whole. */
  checked: number;
  /** How many bytes the transaction on this state has put on each leaf, by number; `pages` are as they were before it. */
  grown: Map<number, number>;
  /** How many pages that transaction may at most have to split, or fill up from others. */
  splits: number;
  /** The leaves from which that transaction has deleted something: how much room is left on which leaf is not known then. */
  shrunk: Set<number>;
  /** Which pages are free, as read for the last transaction; undefined: not known. */
  free: FreePages | undefined;
  /** The state that the pages belong to. */
  txnid: number;
  /** When the first of the pages was read, in milliseconds since the epoch. */
  readAt: number;
  /** Where the leaf of the last descent lies in `pages`; -1: the tree is empty. */
  leaf: number;
  /** Where the node with the key that was searched last lies in `pages`; -1: there is none. */
  exact: number;
}

export function newPath(file: DataFile): Path {
  const pages = Buffer.allocUnsafeSlow(4 * file.pageSize);
  return {
    file,
    pages,
    words: wordsOf(pages),
    numbers: [],
    nodes: [],
    checked: 0,
    grown: new Map(),
    splits: 0,
    shrunk: new Set(),
    free: undefined,
    txnid: -1,
    readAt: 0,
    leaf: -1,
    exact: -1,
  };
}

function wordsOf(pages: Buffer): Uint16Array {
  return new Uint16Array(pages.buffer, pages.byteOffset, pages.length >> 1);
}

/** To be called when a transaction begins: what another one in the same state would have changed does not count. */
export function forgetChanges(path: Path): void {
  path.grown.clear();
  path.splits = 0;
  path.shrunk.clear();
}

/** Leads `path` to the leaf where `key` is, or would be, for a look-up. Throws DamageError. */
export function descend(path: Path, meta: Meta, key: Uint8Array, keyLength: number): void {
  const { depth, root } = meta.main;
  const { pageSize } = path.file;
  if (path.txnid !== meta.txnid) {
    path.txnid = meta.txnid;
    path.readAt = Date.now();
    forgetChanges(path);
    forgetFrom(path, 0);
  }
  path.leaf = -1;
  path.nodes.length = Math.max(0, depth - 1);
  if (depth * pageSize > path.pages.length) {
    path.pages = Buffer.allocUnsafeSlow(depth * pageSize);
    path.words = wordsOf(path.pages);
    forgetFrom(path, 0);
  }
  let number = root;
  for (let level = 0; level < depth; level++) {
    const at = level * pageSize;
    const kind = level === depth - 1 ? LEAF : BRANCH;
    if (path.numbers[level] !== number) {
      forgetFrom(path, level); // first, so that nothing stays of a page that turns out to be bad
      loadPage(path.file, number, path.pages, at, kind, meta);
      path.numbers[level] = number;
    }
    if (kind === LEAF) path.leaf = at;
    else {
      // The first node stands for "less than all" and bears no key.
      const node = search(path, level, 1, key, keyLength);
      path.nodes[level] = node;
      number = nodeChild(path.pages, nodeAt(path.pages, at, node));
    }
  }
}

function forgetFrom(path: Path, level: number): void {
  path.numbers.length = level;
  path.checked = Math.min(path.checked, level);
}

/**
 * The last node of the page at `level`, from `first` on, whose key is not greater than `key`; `first - 1` where there is none.
 * Looks at the same nodes as liblmdb, and throws DamageError where one does not lie within the page.
 */
function search(path: Path, level: number, first: number, key: Uint8Array, keyLength: number): number {
  const { pages, words } = path;
  const { pageSize } = path.file;
  const page = level * pageSize + PAGE_HEADER;
  const slots = page >> 1;
  const room = pageSize - PAGE_HEADER;
  const lower = words[slots - 2]!;
  const upper = words[slots - 1]!;
  if (lower > upper || upper > room || lower & 1 || lower < 2 + 2 * first) throw bad(path, level, 'bounds');
  let low = first;
  let high = (lower >> 1) - 1;
  path.exact = -1;
  while (low <= high) {
    const middle = (low + high) >> 1;
    const offset = words[slots + middle]!;
    if (offset < upper || offset + 8 > room || offset & 1) throw bad(path, level, 'a node outside it');
    const node = page + offset;
    const at = node >> 1;
    const size = words[at + 3]!;
    // In a branch (`first` is 1), the number of the child stands where a leaf has the data's size.
    const data = first === 0 ? words[at]! + words[at + 1]! * 0x10000 : 0;
    if (offset + 8 + size + data > room) throw bad(path, level, 'a node that is too long');
    const shared = size < keyLength ? size : keyLength;
    let order = 0;
    for (let i = 0; i < shared; i++) {
      order = pages[node + 8 + i]! - key[i]!;
      if (order !== 0) break;
    }
    if (order === 0) order = size - keyLength;
    if (order === 0) {
      path.exact = node;
      return middle;
    }
    if (order < 0) low = middle + 1;
    else high = middle - 1;
  }
  return high;
}

function bad(path: Path, level: number, what: string): DamageError {
  return new DamageError(`page ${path.numbers[level]} has ${what}`);
}

/** Where the record of `key` lies in `path.pages`, once `path` leads to its leaf; -1: there is none. */
export function findRecord(path: Path, key: Uint8Array, keyLength: number): number {
  const { pages, words, leaf, file } = path;
  if (leaf < 0) return -1;
  const level = leaf / file.pageSize;
  search(path, level, 0, key, keyLength);
  const node = path.exact;
  if (node < 0) return -1;
  const at = node + 8 + keyLength;
  // A node with flags is not ours, and liblmdb would treat it differently.
  const flags = words[(node >> 1) + 2]!;
  if (flags !== 0 || !isRecord(pages, node + 8, keyLength, at, nodeDataSize(pages, node)))
    throw bad(path, level, 'a damaged record');
  return at;
}

/** Where the record of `key` lies in `path.pages`; -1: there is none. Pages that the path has already are not read again. */
export function seek(path: Path, meta: Meta, key: Uint8Array, length: number): number {
  descend(path, meta, key, length);
  return findRecord(path, key, length);
}

/** The first key of the leaf after the path's, or a lower key that leads to that leaf; undefined: there is no further leaf. */
export function keyOfNextLeaf(path: Path): Buffer | undefined {
  const { pageSize } = path.file;
  for (let level = path.nodes.length - 1; level >= 0; level--) {
    const at = level * pageSize;
    const next = path.nodes[level]! + 1;
    if (next >= keysOn(path.pages, at)) continue;
    const node = nodeAt(path.pages, at, next);
    return Buffer.from(path.pages.subarray(nodeKey(node), nodeKey(node) + nodeKeySize(path.pages, node)));
  }
  return undefined;
}
