// Reading all records, for the administrator's commands: in the order of their keys, some pages at a time, each time of the
// newest state. Takes no lock while it reads; where it may write to the lock file, a reader's slot keeps the state's pages
// as they are, and no longer: who asks may be waiting for somebody else, and the file would grow.
import { existsSync } from 'node:fs';
import { checkBeforeWriting } from './doubt.ts';
import { closeFile, type DataFile, openFile, readHead, wrongWithPage } from './file.ts';
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
} from './format.ts';
import { isHouse, readKey } from './key.ts';
import { lockPath } from './lock.ts';
import { native, READ_ONLY } from './native.ts';
import { openWriter } from './open.ts';
import { checkPlace } from './place.ts';
import { readQueue, sightsBefore } from './queue/read.ts';
import {
  type ClientRecord,
  isRecord,
  readClient,
  readHouse,
  readTriple,
  type TripleRecord,
} from './record.ts';
import type { Triple } from './store.ts';
import { newTriple } from './triples.ts';
import { begin, closeWriter, type Writer } from './writer.ts';

/** A record with its key read back, all texts latin1: a triple's, or a client's own. */
export type Entry = TripleEntry | ClientEntry;
export type TripleEntry = { kind: 'triple' } & Triple & TripleRecord;
export type ClientEntry = { kind: 'client'; client: string } & ClientRecord;

/** So many leaves are read at a time: a megabyte, some 15,000 records. */
const AT_ONCE = 256;

/** The entries of the database at `path`, and how far the reading is (0 to 1) by the last one. */
export interface Scan {
  entries: Generator<Entry>;
  part(): number;
}

/**
 * Reads the database at `path`; undefined where there is none. Damaged pages are passed over (`onDamage` is told).
 * Throws StoreError or DamageError where it cannot be read. Finish the generator, or return it: it holds files open.
 * `onHouse` is told of the store's own records, which come before all others. What is there all the time is met once; what
 * is changed meanwhile, as it was before or after.
 */
export function scan(
  path: string,
  onDamage: (what: string) => void = () => {},
  onHouse: (name: string, text: string) => void = () => {},
): Scan | undefined {
  checkPlace(path);
  const file = openFile(path);
  if (file === undefined) return undefined;
  let done = 0;
  const queued = readQueue(path); // before the state: what leaves the queue meanwhile is in that
  const slots = slotsOf(path);
  const close = () => {
    slots.close();
    closeFile(file);
  };
  let all: number;
  try {
    all = readHead(file).main.entries;
  } catch (error) {
    close();
    throw error;
  }

  /** Some leaves from the one on that has, or had, the key `after`; undefined: from the first on. */
  function next(after: Buffer | undefined): { pages: Buffer[]; isLast: boolean } {
    const release = slots.hold();
    try {
      const pages: Buffer[] = [];
      for (const page of leaves(file!, readHead(file!), { onDamage, after })) {
        pages.push(page);
        if (pages.length === AT_ONCE) return { pages, isLast: false };
      }
      return { pages, isLast: true };
    } finally {
      release();
    }
  }

  function* entries(): Generator<Entry> {
    try {
      let after: Buffer | undefined;
      for (let isLast = false; !isLast; ) {
        let pages: Buffer[];
        ({ pages, isLast } = next(after));
        for (const page of pages) {
          for (let i = 0; i < keysOn(page, 0); i++) {
            const node = nodeAt(page, 0, i);
            const key = page.subarray(nodeKey(node), nodeData(page, node));
            if (after !== undefined && Buffer.compare(key, after) <= 0) continue;
            after = key;
            done++;
            if (queued.size > 0) yield* queuedEntries(queued, key.toString('latin1'));
            const entry = entryAt(page, node, onHouse);
            if (entry !== undefined) yield entry;
          }
        }
      }
      yield* queuedEntries(queued);
    } finally {
      close();
    }
  }
  return { entries: entries(), part: () => Math.min(1, done / Math.max(1, all)) };
}

/** The records that first sights will be; takes them from what is queued, as `sightsBefore` does. */
export function* queuedEntries(queued: Map<string, number>, name?: string): Generator<TripleEntry> {
  for (const [key, firstSeen] of sightsBefore(queued, name)) {
    const { client, tail } = readKey(Buffer.from(key, 'latin1')) ?? {};
    if (client === undefined || tail === undefined) continue;
    yield { kind: 'triple', client, ...tail, ...newTriple(firstSeen) };
  }
}

const NOTHING = () => {};

/** Reader's slots, where that is allowed: `hold` takes one on the newest state, and returns what gives it back. */
function slotsOf(path: string): { hold(): () => void; close(): void } {
  let writer: Writer | undefined;
  try {
    // Where there is no lock file, nobody writes to it.
    if (existsSync(lockPath(path))) {
      checkBeforeWriting(path);
      writer = openWriter(path);
    }
  } catch {
    // a reader only: what is written over while it reads is seen by the pages' own checks
  }
  return {
    hold() {
      try {
        return writer === undefined ? NOTHING : holdNewest(writer).release;
      } catch {
        return NOTHING;
      }
    },
    close() {
      if (writer !== undefined) closeWriter(writer);
      writer = undefined;
    },
  };
}

/** Takes a reader's slot on the newest state of a database, if that is allowed; returns what gives it back. */
export function hold(path: string): () => void {
  const slots = slotsOf(path);
  const release = slots.hold();
  return () => {
    release();
    slots.close();
  };
}

/** A state whose pages stay as they are until it is released. */
export interface Held {
  meta: Meta;
  release(): void;
}

/** Holds the newest state. Throws what `begin` throws. */
export function holdNewest(writer: Writer): Held {
  const meta = begin(writer);
  try {
    const pin = new (native().Txn)(writer.env, READ_ONLY);
    return { meta, release: () => pin.abort() };
  } finally {
    writer.env.abortTxn();
  }
}

export interface LeavesOptions {
  /** Told of damaged pages, which are passed over. */
  onDamage: (what: string) => void;
  /** Asked before a page is read, whether to. */
  enter?: (page: number) => boolean;
  /** Only from the leaf on that this key belongs to. */
  after?: Buffer | undefined;
}

/** The leaves of a state in the order of their keys, each as a page of bytes. */
export function* leaves(
  file: DataFile,
  meta: Meta,
  { onDamage, enter = () => true, after }: LeavesOptions,
): Generator<Buffer> {
  function* below(number: number, depth: number): Generator<Buffer> {
    if (!enter(number)) return;
    const page = Buffer.allocUnsafe(file.pageSize);
    const wrong = wrongWithPage(file, number, page, depth > 1 ? BRANCH : LEAF, meta);
    if (wrong !== '') onDamage(`page ${number} ${wrong}`);
    else if (depth === 1) yield page;
    else
      for (let i = 0; i < keysOn(page, 0); i++)
        if (!isBefore(page, i)) yield* below(nodeChild(page, nodeAt(page, 0, i)), depth - 1);
  }
  /** Whether all that node `i` of a branch leads to comes before `after`: the next node's key does, or is it. */
  function isBefore(page: Buffer, i: number): boolean {
    if (after === undefined || i + 1 >= keysOn(page, 0)) return false;
    const next = nodeAt(page, 0, i + 1);
    const start = nodeKey(next);
    return after.compare(page, start, start + nodeKeySize(page, next)) >= 0;
  }
  if (meta.main.depth > 0) yield* below(meta.main.root, meta.main.depth);
}

/** The entry of a leaf's node; undefined for the store's own records and for rubbish. */
function entryAt(
  page: Buffer,
  node: number,
  onHouse: (name: string, text: string) => void,
): Entry | undefined {
  const at = nodeData(page, node);
  const size = nodeDataSize(page, node);
  const key = page.subarray(nodeKey(node), at);
  if (!isRecord(page, nodeKey(node), nodeKeySize(page, node), at, size)) return undefined;
  if (isHouse(key)) {
    onHouse(key.toString('latin1', 1), readHouse(page, at, size));
    return undefined;
  }
  const read = readKey(key);
  if (read === undefined) return undefined;
  const { client, tail } = read;
  if (tail === undefined) return { kind: 'client', client, ...readClient(page, at) };
  return { kind: 'triple', client, ...tail, ...readTriple(page, at) };
}
