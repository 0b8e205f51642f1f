// Saves what a damaged file still holds: the records of every leaf page that can be recognised, wherever it lies and
// whether or not anything leads to it. Only reads the damaged file; believes a record only by its check.
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { DamageError } from '../damage.ts';
import { checkPlace } from '../disk/place.ts';
import { flushLast, keepOrGiveUp } from '../lmdb/durable.ts';
import { ONLY_NEW } from '../lmdb/instruction.ts';
import { openWriter } from '../lmdb/open.ts';
import { putNode, transactBatch } from '../lmdb/transaction.ts';
import { closeWriter, type Writer } from '../lmdb/writer.ts';
import {
  LEAF,
  nodeAt,
  nodeData,
  nodeDataSize,
  nodeKeySize,
  PAGE_HEADER,
  pageFlags,
  pageTxn,
} from '../pages/format.ts';
import { holdsRecord } from '../pages/leaves.ts';
import { firstProblem } from '../pages/verify.ts';
import { u16 } from '../records/bytes.ts';
import { MAX_KEY } from '../records/key.ts';
import { MOST, pageSizeOfMost } from './numbers.ts';

export interface Saved {
  /** Records now in the new database. */
  records: number;
  /** Leaf pages of the damaged file that were read so far, and how many there are. */
  pages: number;
  of: number;
}

const CHUNK_PAGES = 256;
/** Bytes looked at in one step: much less than a second's reading. The file may say that it is larger than the disk. */
const LOOK = 16 * 2 ** 20;
const BATCH_PAGES = 16; // some 1,000 records a transaction, on as many leaves as one should change (see MOST_LEAVES)

/**
 * Copies the records of the damaged file at `from` into `writer`'s database, the newest page first. What that database has
 * already stays as it is, so that an older record never replaces a newer one. Yields after every batch, and before that now
 * and then while it looks for the pages (`of` is 0); it may be abandoned then.
 */
export function* salvage(from: string, writer: Writer): Generator<Saved, Saved> {
  const saved: Saved = { records: 0, pages: 0, of: 0 };
  const fd = openSync(from, constants.O_RDONLY | constants.O_NOFOLLOW);
  try {
    const pageSize = pageSizeOf(fd);
    const { pages, txns } = yield* leafPages(fd, pageSize, saved);
    const order = Uint32Array.from(pages.keys()).sort((a, b) => txns[b]! - txns[a]!);
    const page = Buffer.alloc(pageSize);
    saved.of = order.length;
    for (let start = 0; start < order.length; start += BATCH_PAGES) {
      const meta = transactBatch(writer, () => {
        for (const i of order.subarray(start, start + BATCH_PAGES)) {
          page.fill(0, readSync(fd, page, 0, pageSize, pages[i]! * pageSize));
          saved.records += copyPage(page, pageSize, writer);
          saved.pages++;
        }
      });
      keepOrGiveUp(writer, meta);
      yield saved;
    }
    return saved;
  } finally {
    closeSync(fd);
  }
}

/**
 * Runs `salvage` into the database `into`, and flushes it. Calls `show` after each batch. Throws what `openWriter` throws, and
 * DamageError where `into` is damaged itself.
 */
export function salvageInto(into: string, from: string, show: (saved: Saved) => void): Saved {
  checkPlace(into, ' with --into');
  const problem = firstProblem(into); // as a whole now, for pages are not checked before they are written to
  if (problem !== undefined) throw new DamageError(problem);
  const writer = openWriter(into);
  try {
    let saved: Saved = { records: 0, pages: 0, of: 0 };
    for (saved of salvage(from, writer)) show(saved);
    flushLast(writer);
    return saved;
  } finally {
    closeWriter(writer);
  }
}

/** How large its pages are. What the meta pages say of that may be damaged, and one bit of it would cost half the records. */
function pageSizeOf(fd: number): number {
  const start = Buffer.alloc(MOST);
  return pageSizeOfMost(start.subarray(0, readSync(fd, start, 0, MOST, 0)));
}

/** The numbers of all pages that look like leaves, and the transactions by which they were written. */
function* leafPages(
  fd: number,
  pageSize: number,
  saved: Saved,
): Generator<Saved, { pages: number[]; txns: number[] }> {
  const pages: number[] = [];
  const txns: number[] = [];
  const chunk = Buffer.alloc(CHUNK_PAGES * pageSize);
  const { size } = fstatSync(fd);
  for (let at = 0; at < size; at += chunk.length) {
    const got = readSync(fd, chunk, 0, chunk.length, at);
    for (let page = 0; page + PAGE_HEADER <= got; page += pageSize) {
      if (pageFlags(chunk, page) !== LEAF) continue;
      pages.push((at + page) / pageSize);
      txns.push(pageTxn(chunk, page));
    }
    if ((at + chunk.length) % LOOK === 0) yield saved;
  }
  return { pages, txns };
}

/** Puts every sound record of the page into the database; returns how many were new to it. */
function copyPage(page: Buffer, pageSize: number, writer: Writer): number {
  const room = pageSize - PAGE_HEADER;
  const count = Math.min(u16(page, 20), room) >> 1;
  let records = 0;
  for (let i = 0; i < count; i++) {
    const node = nodeAt(page, 0, i);
    const length = nodeKeySize(page, node);
    const end = nodeData(page, node) + nodeDataSize(page, node);
    // What lies behind the page's end is no number, and no smaller than anything.
    if (length === 0 || length > MAX_KEY || !(end <= pageSize)) continue;
    if (holdsRecord(page, node) && putNode(writer, page, node, ONLY_NEW)) records++;
  }
  return records;
}
