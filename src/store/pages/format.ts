// LMDB's file format (data version 2, as lmdb 3.5 writes it on 64-bit little-endian machines), as far as it must be understood
// to read a file that may be damaged. Only looks at bytes; opens nothing, writes nothing.
import { u16, u32, u48 } from '../records/bytes.ts';

// Why read LMDB's pages ourselves? liblmdb trusts its file: one bad page and it dies of a signal, which no
// program in Node can catch. What is read and checked here can at worst be wrong, never fatal.

/** A database inside the file: LMDB's own list of free pages, or ours. */
export interface Tree {
  depth: number;
  root: number;
  entries: number;
}

/** A meta page: one committed state of the file. */
export interface Meta {
  txnid: number;
  pageSize: number;
  lastPage: number;
  free: Tree;
  main: Tree;
  /** The boot in which it was written, as LMDB notes it: the first 32 bits of the kernel's boot id; 0: unknown. */
  bootId: number;
}

export const META_BYTES = 168;
/** Where our own mark is, in the page of the first meta page: see mark.ts. */
export const MARK_AT = 2048;
export const MARK_BYTES = 128;
export const PAGE_HEADER = 24;
export const BRANCH = 1;
export const LEAF = 2;
export const OVERFLOW = 4;
const META = 8;

/** MDB_MAGIC: a meta page begins with it, after its header, and so does the lock file. */
export const MAGIC = 0xbeefc0de;
export const MAGIC_AT = 24;
const DATA_VERSION = 2;
const NO_ROOT = 0xffffffffffff; // what `u48` makes of LMDB's "no page"
const MOST_DEPTH = 16;
/** A record of ours takes more than this on its page, in bytes. */
const LEAST_NODE = 16;

// The parts of a meta page that a commit changes, as offsets from the page's start.
export const META_TREES = 48;
const TREE_BYTES = 48;
export const TREE_FLAGS = 4; // before the depth
export const META_MAIN = META_TREES + TREE_BYTES; // after the tree of free pages
export const TREE_DEPTH = 6;
export const TREE_ENTRIES = 32;
export const TREE_ROOT = 40;
export const META_TREES_BYTES = 2 * TREE_BYTES;
export const META_LAST_PAGE = 144;
export const META_TXNID = 152;
export const META_BOOT_ID = 160;

// How the keys of a tree compare, and whether one may have several values: liblmdb believes it at every transaction, and dies of
// a wrong one. Numbers as keys in the list of free pages, plain bytes in ours.
const FLAG_BITS = 0xff; // above them are LMDB's notes about the file
const FREE_FLAGS = 8;
const MAIN_FLAGS = 0;

/** The transaction of the meta page at `at`; -1 where it is no meta page, or the number is impossible. */
export function metaTxn(b: Uint8Array, at: number): number {
  if (u32(b, at + MAGIC_AT) !== MAGIC || u16(b, at + META_TXNID + 6) !== 0) return -1;
  return u48(b, at + META_TXNID);
}

/** Reads the meta page at `at`, or says what is wrong with it; 'foreign' is the sound file of another version of LMDB. */
export function readMeta(b: Uint8Array, at: number): Meta | 'not LMDB' | 'foreign' | 'implausible' {
  if (u32(b, at + MAGIC_AT) !== MAGIC || (u16(b, at + 18) & META) === 0) return 'not LMDB';
  const version = u32(b, at + 28);
  if (version !== DATA_VERSION) return version === 1 || version === 999 ? 'foreign' : 'implausible';
  const pageSize = u32(b, at + META_TREES);
  const lastPage = u48(b, at + META_LAST_PAGE);
  const free = readTree(b, at + META_TREES, FREE_FLAGS, lastPage);
  const main = readTree(b, at + META_MAIN, MAIN_FLAGS, lastPage);
  const sizeSound = pageSize >= 4096 && pageSize <= 65536 && (pageSize & (pageSize - 1)) === 0;
  if (!sizeSound || !free || !main || lastPage < 1) return 'implausible';
  // How many may wait (--max-waiting) is judged by it.
  if (main.entries * LEAST_NODE > lastPage * pageSize) return 'implausible';
  const txnid = u48(b, at + META_TXNID);
  // liblmdb reads 64 bits of each number.
  if (u16(b, at + META_TXNID + 6) !== 0 || u16(b, at + META_LAST_PAGE + 6) !== 0) return 'implausible';
  return { txnid, pageSize, lastPage, free, main, bootId: u32(b, at + META_BOOT_ID) };
}

/** Whether the sound meta page at `at` has the same trees as `meta`. */
export function hasTreesOf(b: Uint8Array, at: number, { free, main, lastPage }: Meta): boolean {
  return (
    u48(b, at + META_LAST_PAGE) === lastPage &&
    isTree(b, at + META_TREES, FREE_FLAGS, free) &&
    isTree(b, at + META_MAIN, MAIN_FLAGS, main)
  );
}

function isTree(b: Uint8Array, at: number, flags: number, { depth, root, entries }: Tree): boolean {
  return (
    // Both in one step, for every look-up takes it.
    (u32(b, at + TREE_FLAGS) & (0xffff0000 | FLAG_BITS)) === ((depth << 16) | flags) &&
    (depth === 0 || (u48(b, at + TREE_ROOT) === root && u48(b, at + TREE_ENTRIES) === entries))
  );
}

function readTree(b: Uint8Array, at: number, flags: number, lastPage: number): Tree | undefined {
  if ((u16(b, at + TREE_FLAGS) & FLAG_BITS) !== flags) return undefined;
  const depth = u16(b, at + TREE_DEPTH);
  const root = u48(b, at + TREE_ROOT);
  const high = u16(b, at + TREE_ROOT + 6);
  if (depth === 0) return root === NO_ROOT && high === 0xffff ? { depth, root: 0, entries: 0 } : undefined;
  if (high !== 0) return undefined;
  if (depth > MOST_DEPTH || root < 2 || root > lastPage) return undefined;
  return { depth, root, entries: u48(b, at + TREE_ENTRIES) };
}

export function keysOn(b: Uint8Array, page: number): number {
  return u16(b, page + 20) >> 1;
}

/** The offset of node `i` of the page at `page`. */
export function nodeAt(b: Uint8Array, page: number, i: number): number {
  return page + PAGE_HEADER + u16(b, page + PAGE_HEADER + 2 * i);
}

// A node: size of its data or its child's number (4 bytes), flags (2), size of its key (2), key, data.
export function nodeKey(node: number): number {
  return node + 8;
}

export function nodeKeySize(b: Uint8Array, node: number): number {
  return u16(b, node + 6);
}

export function nodeData(b: Uint8Array, node: number): number {
  return node + 8 + u16(b, node + 6);
}

/** The key itself, as part of the page. In a branch, the first node has none. */
export function keyOf(page: Buffer, node: number): Buffer {
  return page.subarray(nodeKey(node), nodeData(page, node));
}

export function nodeDataSize(b: Uint8Array, node: number): number {
  return u32(b, node);
}

export function nodeFlags(b: Uint8Array, node: number): number {
  return u16(b, node + 4);
}

export function nodeChild(b: Uint8Array, node: number): number {
  return u48(b, node);
}

export function pageTxn(b: Uint8Array, page: number): number {
  return u48(b, page + 8);
}

export function pageFlags(b: Uint8Array, page: number): number {
  return u16(b, page + 18);
}

/** A node's flag: its data lies on overflow pages (only in LMDB's own list of free pages). */
export const BIG_DATA = 1;

/**
 * What is wrong with the header of the page at `page`, '' for nothing: it has to be page `number`, of `kind`, not newer than
 * `newest`. That is enough for a look-up, which rubbish inside the page cannot harm: no record is believed without its check.
 */
export function wrongWithHeader(
  b: Uint8Array,
  page: number,
  number: number,
  kind: number,
  newest: number,
): string {
  if (u48(b, page) !== number || u16(b, page + 6) !== 0) return 'bears another number';
  if (pageTxn(b, page) > newest || u16(b, page + 14) !== 0) return 'is newer than the newest transaction';
  return pageFlags(b, page) === kind ? '' : 'is of another kind';
}

/**
 * What is wrong with the inside of the page of `pageSize` bytes at `page`, '' for nothing: every node has to lie within it.
 * After both checks, liblmdb can safely work on the page.
 */
export function wrongWithNodes(b: Uint8Array, page: number, pageSize: number, kind: number): string {
  const room = pageSize - PAGE_HEADER;
  const lower = u16(b, page + 20);
  const upper = u16(b, page + 22);
  if (lower > upper || upper > room || lower & 1) return 'has impossible bounds';
  if (lower === 0 || (kind === BRANCH && lower < 4)) return 'is empty';
  for (let i = 0; i < lower; i += 2) {
    const offset = u16(b, page + PAGE_HEADER + i);
    if (offset < upper || offset + 8 > room || offset & 1) return 'has a node outside it';
    const node = page + PAGE_HEADER + offset;
    let size = 8 + u16(b, node + 6);
    if (kind === LEAF) size += (nodeFlags(b, node) & BIG_DATA) !== 0 ? 24 : nodeDataSize(b, node);
    if (offset + size > room) return 'has a node that is too long';
  }
  return '';
}
