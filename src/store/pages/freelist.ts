// Checks LMDB's list of free pages, which a write transaction reads and trusts: its pages, and that every page it lists may be
// handed out. Only reads.
import { DamageError } from '../damage.ts';
import { u16, u32, u48 } from '../records/bytes.ts';
import type { DataFile } from './file.ts';
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
} from './format.ts';
import { loadWhole, readPage } from './page.ts';

/** Which pages of the state `txnid` are free, or hold the list of them: one bit a page. */
export interface FreePages {
  txnid: number;
  bits: Uint8Array;
  count: number;
}

export function isFree({ bits }: FreePages, page: number): boolean {
  return (bits[page >> 3]! & (1 << (page & 7))) !== 0;
}

/**
 * Throws DamageError where a write transaction could not work with the list. `scratch` has room for a page of each level
 * of its tree; `visit` is called for each page that holds the list, and for each that it lists.
 */
export function checkFreeList(
  file: DataFile,
  meta: Meta,
  scratch: Buffer,
  visit?: FreeWalk['visit'],
): FreePages {
  const bits = new Uint8Array((meta.lastPage >> 3) + 1);
  const walk: FreeWalk = { file, meta, visit, bits, count: 0, last: 0 };
  if (meta.free.depth * file.pageSize > scratch.length)
    throw new DamageError('has a list of free pages that is too deep to be one');
  if (meta.free.depth > 0) readFreePage(walk, scratch, meta.free.root, meta.free.depth);
  return { txnid: meta.txnid, bits, count: walk.count };
}

interface FreeWalk {
  file: DataFile;
  meta: Meta;
  visit: ((page: number, isList: boolean) => void) | undefined;
  bits: Uint8Array;
  count: number;
  /** The transaction whose pages were read last: the list is in the order of transactions. */
  last: number;
}

/** Notes a page. Returns false where it was noted before: handed out twice, it would be overwritten while in use. */
function take(walk: FreeWalk, page: number, isList: boolean): boolean {
  const { bits, visit } = walk;
  const bit = 1 << (page & 7);
  const isNew = (bits[page >> 3]! & bit) === 0;
  bits[page >> 3]! |= bit;
  walk.count++;
  visit?.(page, isList);
  return isNew;
}

function readFreePage(walk: FreeWalk, scratch: Buffer, number: number, depth: number): void {
  const { file, meta } = walk;
  const { pageSize } = file;
  const page = scratch.subarray(0, pageSize);
  const kind = depth > 1 ? BRANCH : LEAF;
  loadWhole(file, number, page, kind, meta);
  if (!take(walk, number, true)) throw new DamageError(`lists page ${number} twice as free`);
  const rest = scratch.subarray(pageSize);
  for (let i = 0; i < keysOn(page, 0); i++) {
    const node = nodeAt(page, 0, i);
    if (depth > 1) {
      readFreePage(walk, rest, nodeChild(page, node), depth - 1);
      continue;
    }
    const freedBy = nodeKey(node);
    const sound = nodeKeySize(page, node) === 8 && u16(page, freedBy + 6) === 0;
    if (!sound || u48(page, freedBy) <= walk.last || u48(page, freedBy) > meta.txnid)
      throw new DamageError(`page ${number} is no list of free pages`);
    walk.last = u48(page, freedBy);
    const data = nodeData(page, node);
    const size = nodeDataSize(page, node);
    if ((nodeFlags(page, node) & BIG_DATA) !== 0) {
      if (u16(page, data + 6) !== 0) throw new DamageError(`page ${number} is no list of free pages`);
      readBigList(walk, u48(page, data), size);
    } else readList(walk, page, data, size, number);
  }
}

/** Part of the list that fills pages of its own ("overflow pages"): one header, then numbers to the end. */
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
    if (!take(walk, number + i, true)) throw new DamageError(`lists page ${number + i} twice as free`);
  }
  const sound =
    u48(list, 0) === number &&
    u16(list, 6) === 0 &&
    pageFlags(list, 0) === OVERFLOW &&
    u32(list, 20) === pages;
  if (!sound || pageTxn(list, 0) > meta.txnid)
    throw new DamageError(`page ${number} is no list of free pages`);
  readList(walk, list, 24, size, number);
}

/** Part of the list: a count, then entries: a page number, or minus a length and the first page of a run, or 0 for a gap. */
function readList(walk: FreeWalk, b: Uint8Array, at: number, size: number, page: number): void {
  const { meta } = walk;
  const count = u48(b, at);
  // liblmdb reads all 64 bits of each number, so those above 48 must be zero.
  let sound = u16(b, at + 6) === 0 && (count + 1) * 8 <= size;
  for (let i = 1; sound && i <= count; i++) {
    let entry = at + i * 8;
    let run = 1;
    if (u16(b, entry + 6) === 0xffff) {
      run = 0x1000000000000 - u48(b, entry); // a negative number
      entry += 8;
      if (++i > count) sound = false;
    }
    const first = u48(b, entry);
    const high = u16(b, entry + 6);
    if (first === 0 && high === 0) continue;
    if (high !== 0 || first < 2 || first + run - 1 > meta.lastPage) sound = false;
    else for (let j = 0; j < run; j++) if (!take(walk, first + j, false)) sound = false;
  }
  if (!sound) throw new DamageError(`page ${page} has a damaged list of free pages`);
}
