// Finding a key: from the root of a committed state down to a leaf, every page checked before it is used.
// Takes no lock and no reader's slot; what changes under it is noticed and read again.
import { DamageError } from './damage.ts';
import { type DataFile, readPage } from './file.ts';
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
  nodeKeySize,
  OVERFLOW,
  pageFlags,
  pageTxn,
  u32,
  u48,
  wrongWithHeader,
  wrongWithNodes,
} from './format.ts';
import { isRecord } from './record.ts';

/** A way from root to leaf, and the pages on it: kept between look-ups, read again only when they change. */
export interface Path {
  file: DataFile;
  pages: Buffer;
  /** The numbers of the pages, from the root down. */
  numbers: number[];
  /** How many of them, from the root down, have been checked inside as well. */
  checked: number;
  /** The state that the pages belong to. */
  txnid: number;
  /** When the first of them was read, in milliseconds since the epoch. */
  readAt: number;
  /** Where the leaf of the last descent lies in `pages`; -1: the tree is empty. */
  leaf: number;
}

export function newPath(file: DataFile): Path {
  const pages = Buffer.allocUnsafeSlow(4 * file.pageSize);
  return { file, pages, numbers: [], checked: 0, txnid: -1, readAt: 0, leaf: -1 };
}

/** Leads `path` to the leaf where `key` is, or would be, for a look-up. Throws DamageError. */
export function descend(path: Path, meta: Meta, key: Uint8Array, keyLength: number): void {
  const { depth, root } = meta.main;
  const { pageSize } = path.file;
  if (path.txnid !== meta.txnid) {
    path.txnid = meta.txnid;
    path.readAt = Date.now();
    forgetFrom(path, 0);
  }
  path.leaf = -1;
  if (depth * pageSize > path.pages.length) {
    path.pages = Buffer.allocUnsafeSlow(depth * pageSize);
    forgetFrom(path, 0);
  }
  let number = root;
  for (let level = 0; level < depth; level++) {
    const at = level * pageSize;
    const kind = level === depth - 1 ? LEAF : BRANCH;
    if (path.numbers[level] !== number) {
      forgetFrom(path, level); // should the page be bad, nothing of it stays
      loadPage(path.file, number, path.pages, at, kind, meta);
      path.numbers[level] = number;
    }
    if (kind === LEAF) path.leaf = at;
    else number = nodeChild(path.pages, nodeAt(path.pages, at, branchFor(path.pages, at, key, keyLength)));
  }
}

/** As `descend`, for a change: the pages are fit for liblmdb then. */
export function descendChecked(path: Path, meta: Meta, key: Uint8Array, keyLength: number): void {
  descend(path, meta, key, keyLength);
  const { pageSize } = path.file;
  for (; path.checked < path.numbers.length; path.checked++) {
    const kind = path.checked === path.numbers.length - 1 ? LEAF : BRANCH;
    const wrong = wrongWithNodes(path.pages, path.checked * pageSize, pageSize, kind);
    if (wrong !== '') throw new DamageError(`page ${path.numbers[path.checked]} ${wrong}`);
  }
}

function forgetFrom(path: Path, level: number): void {
  path.numbers.length = level;
  path.checked = Math.min(path.checked, level);
}

function loadPage(file: DataFile, number: number, into: Buffer, at: number, kind: number, meta: Meta): void {
  if (number < 2 || number > meta.lastPage)
    throw new DamageError(`points to a page that cannot be, ${number}`);
  readPage(file, number, into, at);
  const wrong = wrongWithHeader(into, at, number, kind, meta.txnid);
  if (wrong !== '') throw new DamageError(`page ${number} ${wrong}`);
}

/** The last node of a branch page whose key is not greater; the first node stands for "less than all". */
function branchFor(b: Buffer, page: number, key: Uint8Array, keyLength: number): number {
  let low = 1;
  let high = keysOn(b, page) - 1;
  while (low <= high) {
    const middle = (low + high) >> 1;
    if (compareNode(b, nodeAt(b, page, middle), key, keyLength) <= 0) low = middle + 1;
    else high = middle - 1;
  }
  return high;
}

/** Where the record of `key` lies in `path.pages`, given that `path` leads to its leaf; -1: nowhere. */
export function findRecord(path: Path, key: Uint8Array, keyLength: number): number {
  const { pages, leaf } = path;
  if (leaf < 0) return -1;
  let low = 0;
  let high = keysOn(pages, leaf) - 1;
  while (low <= high) {
    const middle = (low + high) >> 1;
    const node = nodeAt(pages, leaf, middle);
    const order = compareNode(pages, node, key, keyLength);
    if (order === 0) {
      const at = nodeData(pages, node);
      if (!isRecord(pages, nodeKey(node), keyLength, at, nodeDataSize(pages, node))) {
        throw new DamageError(`page ${u48(pages, leaf)} has a damaged record`);
      }
      return at;
    }
    if (order < 0) low = middle + 1;
    else high = middle - 1;
  }
  return -1;
}

function compareNode(b: Uint8Array, node: number, key: Uint8Array, keyLength: number): number {
  const size = nodeKeySize(b, node);
  const from = nodeKey(node);
  const shared = Math.min(size, keyLength);
  for (let i = 0; i < shared; i++) {
    const difference = b[from + i]! - key[i]!;
    if (difference !== 0) return difference;
  }
  return size - keyLength;
}

/**
 * Checks LMDB's list of free pages, which a write transaction reads and trusts: its pages, and that every
 * number in it is one that may be handed out. Throws DamageError.
 */
export function checkFreeList(file: DataFile, meta: Meta, scratch: Buffer): void {
  if (meta.free.depth > 0)
    readFreePage({ file, meta, visit: undefined }, scratch, meta.free.root, meta.free.depth);
}

/** As `checkFreeList`, and calls `visit` for each page: those that the list takes itself, and those it lists. */
export function eachFreePage(
  file: DataFile,
  meta: Meta,
  visit: (page: number, isList: boolean) => void,
): void {
  const scratch = Buffer.allocUnsafeSlow(16 * file.pageSize);
  if (meta.free.depth > 0) readFreePage({ file, meta, visit }, scratch, meta.free.root, meta.free.depth);
}

interface FreeWalk {
  file: DataFile;
  meta: Meta;
  visit: ((page: number, isList: boolean) => void) | undefined;
}

function readFreePage(walk: FreeWalk, scratch: Buffer, number: number, depth: number): void {
  const { file, meta } = walk;
  const { pageSize } = file;
  const page = scratch.subarray(0, pageSize);
  const kind = depth > 1 ? BRANCH : LEAF;
  loadPage(file, number, page, 0, kind, meta);
  const wrong = wrongWithNodes(page, 0, pageSize, kind);
  if (wrong !== '') throw new DamageError(`page ${number} ${wrong}`);
  walk.visit?.(number, true);
  const rest = scratch.subarray(pageSize);
  for (let i = 0; i < keysOn(page, 0); i++) {
    const node = nodeAt(page, 0, i);
    if (depth > 1) {
      readFreePage(walk, rest, nodeChild(page, node), depth - 1);
      continue;
    }
    if (nodeKeySize(page, node) !== 8) throw new DamageError(`page ${number} is no list of free pages`);
    const data = nodeData(page, node);
    const size = nodeDataSize(page, node);
    if ((nodeFlags(page, node) & BIG_DATA) !== 0) readBigList(walk, u48(page, data), size);
    else readList(walk, page, data, size, number);
  }
}

/** A list that fills pages of its own ("overflow pages"): one header, then numbers to the end. */
function readBigList(walk: FreeWalk, number: number, size: number): void {
  const { file, meta } = walk;
  const { pageSize } = file;
  const pages = Math.ceil((size + 24) / pageSize);
  if (number < 2 || number + pages - 1 > meta.lastPage) {
    throw new DamageError(`points to a page that cannot be, ${number}`);
  }
  const list = Buffer.allocUnsafeSlow(pages * pageSize);
  for (let i = 0; i < pages; i++) {
    readPage(file, number + i, list, i * pageSize);
    walk.visit?.(number + i, true);
  }
  const sound = u48(list, 0) === number && pageFlags(list, 0) === OVERFLOW && u32(list, 20) === pages;
  if (!sound || pageTxn(list, 0) > meta.txnid)
    throw new DamageError(`page ${number} is no list of free pages`);
  readList(walk, list, 24, size, number);
}

/** A count, then entries: a page number, or minus a length and the first page of a run, or 0 for a gap. */
function readList(walk: FreeWalk, b: Uint8Array, at: number, size: number, page: number): void {
  const { meta, visit } = walk;
  const count = u48(b, at);
  let sound = size >= 8 && (count + 1) * 8 <= size;
  for (let i = 1; sound && i <= count; i++) {
    let entry = at + i * 8;
    let run = 1;
    if (b[entry + 7]! >= 128) {
      run = 0x1000000000000 - u48(b, entry);
      entry += 8;
      if (++i > count) sound = false;
    }
    const first = u48(b, entry);
    if (first === 0) continue;
    if (first < 2 || first + run - 1 > meta.lastPage) sound = false;
    else if (visit !== undefined) for (let j = 0; j < run; j++) visit(first + j, false);
  }
  if (!sound) throw new DamageError(`page ${page} has a damaged list of free pages`);
}
