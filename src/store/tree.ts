// Finding a key: from the root of a committed state down to a leaf, every page checked before it is used.
// Takes no lock and no reader's slot; what changes under it is noticed and read again.
import { DamageError } from './damage.ts';
import { type DataFile, readPage } from './file.ts';
import {
  BRANCH,
  keysOn,
  LEAF,
  type Meta,
  nodeAt,
  nodeChild,
  nodeData,
  nodeDataSize,
  nodeKey,
  nodeKeySize,
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
  /** Which node of each page, from the root down, leads on. */
  nodes: number[];
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
  return { file, pages, numbers: [], nodes: [], checked: 0, txnid: -1, readAt: 0, leaf: -1 };
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
  path.nodes.length = Math.max(0, depth - 1);
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
    else {
      const node = branchFor(path.pages, at, key, keyLength);
      path.nodes[level] = node;
      number = nodeChild(path.pages, nodeAt(path.pages, at, node));
    }
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

/** Reads page `number` and checks its header. Throws DamageError. */
export function loadPage(
  file: DataFile,
  number: number,
  into: Buffer,
  at: number,
  kind: number,
  meta: Meta,
): void {
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

/** The bytes of the record that `findRecord` has found at `at`. */
export function recordSize({ pages, leaf }: Path, at: number): number {
  for (let i = 0; i < keysOn(pages, leaf); i++) {
    const node = nodeAt(pages, leaf, i);
    if (nodeData(pages, node) === at) return nodeDataSize(pages, node);
  }
  return 0;
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

/** Where the record of `key` lies in `path.pages`; -1: nowhere. Pages that the path has are not read again. */
export function seek(path: Path, meta: Meta, key: Uint8Array, length: number): number {
  descend(path, meta, key, length);
  return findRecord(path, key, length);
}

/** As `seek`, for a record that is about to be put. */
export function seekChecked(path: Path, meta: Meta, key: Uint8Array, length: number): number {
  descendChecked(path, meta, key, length);
  return findRecord(path, key, length);
}

/**
 * Checks the pages beside those of the path: where records are deleted, liblmdb fills up a page from its neighbours
 * or merges it with one. `path` must have been led by `descendChecked`. Throws DamageError.
 */
export function checkBeside(path: Path, meta: Meta): void {
  const { depth } = meta.main;
  const { pageSize } = path.file;
  const page = Buffer.allocUnsafe(pageSize);
  for (let level = 1; level < depth; level++) {
    checkNext(path, meta, level, -1, page);
    checkNext(path, meta, level, 1, page);
  }
  // A leaf that was merged with its neighbour may be merged once more.
  const parent = (depth - 2) * pageSize;
  for (const node of depth < 2 ? [] : [path.nodes[depth - 2]! - 2, path.nodes[depth - 2]! + 2]) {
    if (node >= 0 && node < keysOn(path.pages, parent))
      loadChecked(path, nodeChild(path.pages, nodeAt(path.pages, parent, node)), page, LEAF, meta);
  }
}

/** Checks the page that lies beside the path's at `level`, and those that lead there. */
function checkNext(path: Path, meta: Meta, level: number, step: 1 | -1, page: Buffer): void {
  const { pageSize } = path.file;
  for (let above = level - 1; above >= 0; above--) {
    const at = above * pageSize;
    const node = path.nodes[above]! + step;
    if (node < 0 || node >= keysOn(path.pages, at)) continue;
    let number = nodeChild(path.pages, nodeAt(path.pages, at, node));
    for (let down = above + 1; down <= level; down++) {
      loadChecked(path, number, page, down === meta.main.depth - 1 ? LEAF : BRANCH, meta);
      if (down < level) number = nodeChild(page, nodeAt(page, 0, step > 0 ? 0 : keysOn(page, 0) - 1));
    }
    return;
  }
}

function loadChecked({ file }: Path, number: number, page: Buffer, kind: number, meta: Meta): void {
  loadPage(file, number, page, 0, kind, meta);
  const wrong = wrongWithNodes(page, 0, file.pageSize, kind);
  if (wrong !== '') throw new DamageError(`page ${number} ${wrong}`);
}

/** The key with which the leaf behind the path's begins, or a lower one that leads there; undefined: it is the last. */
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
