// Checks what liblmdb will read when it puts or deletes a record, before it does: the pages from the root to the record's leaf
// (as a whole, where one might be split), and where records are deleted also the pages beside these. Changes nothing.
import { DamageError } from '../damage.ts';
import { MAX_KEY } from '../records/key.ts';
import {
  BRANCH,
  keyOf,
  keysOn,
  LEAF,
  type Meta,
  nodeAt,
  nodeChild,
  nodeDataSize,
  nodeFlags,
  PAGE_HEADER,
  wrongWithNodes,
} from './format.ts';
import { isFree } from './freelist.ts';
import { holdsRecord } from './leaves.ts';
import { loadWhole } from './page.ts';
import { descend, findRecord, type Path, seek } from './tree.ts';

/** As `descend`, and checks each page of the path as a whole. */
export function descendChecked(path: Path, meta: Meta, key: Uint8Array, keyLength: number): void {
  descend(path, meta, key, keyLength);
  checkWhole(path);
}

function checkWhole(path: Path): void {
  for (const number of path.numbers) checkInUse(path, number);
  const { pageSize } = path.file;
  for (; path.checked < path.numbers.length; path.checked++) {
    const kind = path.checked === path.numbers.length - 1 ? LEAF : BRANCH;
    const wrong = wrongWithNodes(path.pages, path.checked * pageSize, pageSize, kind);
    if (wrong !== '') throw new DamageError(`page ${path.numbers[path.checked]} ${wrong}`);
  }
}

/**
 * As `seek`, for a record of `size` bytes that will be put: checks each node that liblmdb will look at. Where the record
 * might not fit on its page, so that liblmdb splits the page, or might move others there, each page of the path is checked
 * as a whole.
 */
export function seekForPut(path: Path, meta: Meta, key: Uint8Array, length: number, size: number): number {
  const at = seek(path, meta, key, length);
  if (path.leaf < 0) return at;
  for (const number of path.numbers) checkInUse(path, number);
  if (at >= 0 && nodeDataSize(path.pages, path.exact) === size) return at; // it is written over the old one
  const leaf = path.numbers.at(-1)!;
  const slots = (path.leaf + PAGE_HEADER) >> 1;
  const room = path.words[slots - 1]! - path.words[slots - 2]!;
  const before = path.grown.get(leaf) ?? 0;
  const grown = before + ((8 + length + size + 1) & ~1) + 2;
  path.grown.set(leaf, grown);
  path.splits += splits(path, grown - room) - splits(path, before - room);
  if (at >= 0 || grown > room || path.shrunk.size > 0) checkWhole(path);
  return at;
}

/** How often, at most, a leaf that lacks so many bytes is split: each split gains half a page, less a key of MAX_KEY. */
function splits({ file }: Path, missing: number): number {
  return missing <= 0 ? 0 : Math.ceil(missing / (file.pageSize / 2 - MAX_KEY));
}

/** Throws DamageError for a page that is listed as free: liblmdb would hand it out, and aborts where it is the same page. */
function checkInUse({ free, txnid }: Path, number: number): void {
  if (free?.txnid === txnid && isFree(free, number))
    throw new DamageError(`lists page ${number} as free, which is in use`);
}

/** As `seek`, for any change: checks each page of the path as a whole, whatever liblmdb will do to it. */
export function seekChecked(path: Path, meta: Meta, key: Uint8Array, length: number): number {
  descendChecked(path, meta, key, length);
  path.splits++; // now that those of the state before are forgotten
  return findRecord(path, key, length);
}

/**
 * Checks the pages beside those of the path, to be called before a record is deleted: liblmdb then fills a page up from its
 * neighbours, or merges it with one. Throws DamageError.
 */
export function checkBeside(path: Path, meta: Meta): void {
  checkWhole(path);
  // Once for each leaf: the pages are those of the state before, whatever this transaction has deleted since.
  const leaf = path.numbers.at(-1);
  if (leaf === undefined || path.shrunk.has(leaf)) return;
  path.shrunk.add(leaf);
  path.splits += 4;
  const { depth } = meta.main;
  const { pageSize } = path.file;
  const page = Buffer.allocUnsafe(pageSize);
  for (let level = 1; level < depth; level++) {
    checkNext(path, meta, level, -1, page);
    checkNext(path, meta, level, 1, page);
  }
  // A leaf that was merged with its neighbour may be merged once more.
  const parent = (depth - 2) * pageSize;
  for (const step of [-2, 2]) {
    const node = path.nodes[depth - 2]! + step; // no number where the leaf is the root
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

function loadChecked(path: Path, number: number, page: Buffer, kind: number, meta: Meta): void {
  checkInUse(path, number);
  loadWhole(path.file, number, page, kind, meta);
}

const LEAST_KEY = Buffer.alloc(0);

/**
 * Checks what a look-up cannot see, though it would miss records for it: that the keys on each page of the path rise, and lie
 * between those that lead there; and each record of the leaf. To be called after `descendChecked`. Throws DamageError.
 */
export function checkOrder({ file, pages, numbers, nodes, leaf }: Path): void {
  let [low, high]: [Buffer, Buffer | undefined] = [LEAST_KEY, undefined];
  numbers.forEach((number, level) => {
    const page = level * file.pageSize;
    const isLeaf = page === leaf;
    const keys: Buffer[] = [];
    for (let i = 0; i < keysOn(pages, page); i++) {
      const node = nodeAt(pages, page, i);
      keys.push(keyOf(pages, node));
      if (isLeaf && (nodeFlags(pages, node) !== 0 || !holdsRecord(pages, node)))
        throw new DamageError(`page ${number} has a damaged record`);
    }
    if (!isLeaf) keys[0] = low; // it has none
    const isBelow = (key: Buffer, next: Buffer | undefined) => next === undefined || key.compare(next) < 0;
    if (low.compare(keys[0]!) > 0 || !keys.every((key, i) => isBelow(key, keys[i + 1] ?? high)))
      throw new DamageError(`page ${number} has keys out of order`);
    const way = nodes[level] ?? 0;
    low = keys[way]!;
    high = keys[way + 1] ?? high;
  });
}
