// Reading all records, for the administrator's commands: in the order of their keys, one state as a whole. Takes no
// lock while it reads; where it may write to the lock file, a reader's slot keeps the state's pages as they are.
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
import { newTriple } from './triples.ts';
import { begin, closeWriter, type Writer } from './writer.ts';

/** A record with its key read back, all texts latin1: a triple's, or a client's own. */
export type Entry =
  | ({ kind: 'triple'; client: string; sender: string; recipient: string } & TripleRecord)
  | ({ kind: 'client'; client: string } & ClientRecord);

/** The entries of the database at `path`, and how far the reading is (0 to 1) by the last one. */
export interface Scan {
  entries: Generator<Entry>;
  part(): number;
}

/**
 * Reads the database at `path`; undefined where there is none. Damaged pages are passed over (`onDamage` is told).
 * Throws StoreError or DamageError where it cannot be read. Finish the generator, or return it: it holds a reader's slot.
 * `onHouse` is told of the store's own records, which come before all others.
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
  let release = () => {};
  let meta: Meta;
  try {
    release = hold(path);
    meta = readHead(file);
  } catch (error) {
    release();
    closeFile(file);
    throw error;
  }
  function* entries(): Generator<Entry> {
    try {
      for (const page of leaves(file!, meta, onDamage)) {
        for (let i = 0; i < keysOn(page, 0); i++) {
          done++;
          const node = nodeAt(page, 0, i);
          if (queued.size > 0)
            yield* queuedEntries(queued, page.toString('latin1', nodeKey(node), nodeData(page, node)));
          const entry = entryAt(page, node, onHouse);
          if (entry !== undefined) yield entry;
        }
      }
      yield* queuedEntries(queued);
    } finally {
      release();
      closeFile(file!);
    }
  }
  return { entries: entries(), part: () => Math.min(1, done / Math.max(1, meta.main.entries)) };
}

/** The records that first sights will be; takes them from what is queued, as `sightsBefore` does. */
export function* queuedEntries(
  queued: Map<string, number>,
  name?: string,
): Generator<Entry & { kind: 'triple' }> {
  for (const [key, firstSeen] of sightsBefore(queued, name)) {
    const { client, tail } = readKey(Buffer.from(key, 'latin1')) ?? {};
    if (client === undefined || tail === undefined) continue;
    yield { kind: 'triple', client, ...tail, ...newTriple(firstSeen) };
  }
}

/** Takes a reader's slot on the newest state of a database, if that is allowed; returns what gives it back. */
export function hold(path: string): () => void {
  if (!existsSync(lockPath(path))) return () => {}; // nobody writes to it
  try {
    checkBeforeWriting(path);
    const writer = openWriter(path);
    try {
      const slot = holdNewest(writer);
      return () => {
        slot.release();
        closeWriter(writer);
      };
    } catch (error) {
      closeWriter(writer);
      throw error;
    }
  } catch {
    return () => {}; // a reader only: what is written over while it reads is seen by the pages' own checks
  }
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

/**
 * The leaves of a state in the order of their keys, each as a page of bytes; damaged pages are passed over. `enter` is
 * asked before a page is read, whether to.
 */
export function* leaves(
  file: DataFile,
  meta: Meta,
  onDamage: (what: string) => void,
  enter: (page: number) => boolean = () => true,
): Generator<Buffer> {
  function* below(number: number, depth: number): Generator<Buffer> {
    if (!enter(number)) return;
    const page = Buffer.allocUnsafe(file.pageSize);
    const wrong = wrongWithPage(file, number, page, depth > 1 ? BRANCH : LEAF, meta);
    if (wrong !== '') onDamage(`page ${number} ${wrong}`);
    else if (depth === 1) yield page;
    else
      for (let i = 0; i < keysOn(page, 0); i++) yield* below(nodeChild(page, nodeAt(page, 0, i)), depth - 1);
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
