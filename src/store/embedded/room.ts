// --max-waiting, so that nobody can fill the disk from outside: where too many triples wait, an old one is forgotten for each
// new one. There is no index of ages: it is the oldest waiting triple on the new one's leaf, which holds triples of the same
// network, or a sample of all.
import { removeRecord } from '../lmdb/transaction.ts';
import type { Writer } from '../lmdb/writer.ts';
import { checkBeside } from '../pages/check.ts';
import type { DataFile } from '../pages/file.ts';
import { keysOn, type Meta, nodeAt, nodeData, nodeKey, nodeKeySize } from '../pages/format.ts';
import type { Path } from '../pages/tree.ts';
import { isTriple, networkLength } from '../records/key.ts';
import { hasPassed, mainNumber } from '../records/record.ts';

/** The part of --max-waiting that one network may have. */
const SHARE = 1 / 16;

/** How many records of a state are not of waiting triples, as far as is known. */
export type Others = (file: DataFile, meta: Meta) => number;

/** What one transaction has done so far, since the path shows every leaf as it was before. */
interface Batch {
  /** New triples that were put and stayed. */
  added: number;
  /** Those of the last one's network. Keys come in their order, and so one network after the other. */
  ofNetwork: number;
  /** How its keys begin. */
  network: Buffer;
  /** How many were forgotten. */
  gone: number;
  /** Keys of those that had expired and were put anew, latin1. */
  anew: Set<string>;
  /**
   * The number of the last one's leaf; what follows is of that leaf, or of the network there. Keys come in their order, so that
   * no leaf comes twice.
   */
  leaf: number;
  /** Nodes of waiting triples, the oldest last, of which each is taken out when it is forgotten; undefined: not looked for yet. */
  byAge: number[] | undefined;
  /** About how many records the network had, and the part of them that waited; undefined: not counted yet. */
  records: number | undefined;
  part: number | undefined;
}

export function newBatch(): Batch {
  return {
    added: 0,
    ofNetwork: 0,
    network: Buffer.alloc(0),
    gone: 0,
    anew: new Set(),
    leaf: -1,
    byAge: undefined,
    records: undefined,
    part: undefined,
  };
}

/**
 * To be called within the transaction that has just put a new triple, with a key of `length` bytes, on the leaf that
 * `writer.path` leads to. If more than `most` wait (0: no bound), it forgets the oldest waiting one on that leaf; if too many of
 * the client's network, the oldest of these there; where none is left, the new one. Returns whether it did.
 */
export function makeRoom(
  writer: Writer,
  meta: Meta,
  length: number,
  most: number,
  others: Others,
  batch: Batch,
): boolean {
  if (most === 0) return false;
  const { path, instruction } = writer;
  const entries = meta.main.entries + batch.added - batch.gone;
  const waiting = () => entries - others(writer.file, meta);
  const share = most * SHARE;
  const full = entries >= most && waiting() >= most;
  batch.added++;
  comeTo(batch, path, instruction.key);
  if (!full) {
    batch.records ??= recordsOfNetwork(path, meta, instruction.key);
    if (batch.records + batch.ofNetwork <= share || waiting() < share) return false;
    batch.part ??= waitingPart(path, instruction.key);
    if (batch.records * batch.part + batch.ofNetwork <= share) return false;
  }
  const oldest = oldestWaiting(path, batch, instruction.key, full ? 0 : networkLength(instruction.key));
  if (oldest < 0 && batch.added === 1) return false;
  checkBeside(path, meta);
  let size = length;
  if (oldest >= 0) {
    size = nodeKeySize(path.pages, oldest);
    path.pages.copy(instruction.key, 0, nodeKey(oldest), nodeKey(oldest) + size);
    batch.gone++;
  } else {
    batch.added--;
    batch.ofNetwork--;
  }
  return removeRecord(writer, size);
}

/** Counts a new triple, and forgets what is only of the leaf and the network before. */
function comeTo(batch: Batch, { numbers }: Path, key: Buffer): void {
  const leaf = numbers.at(-1) ?? -1;
  const length = networkLength(key);
  const isOther = batch.network.compare(key, 0, length) !== 0;
  if (leaf !== batch.leaf) batch.byAge = undefined;
  if (leaf !== batch.leaf || isOther) batch.records = batch.part = undefined;
  if (isOther) {
    batch.network = Buffer.from(key.subarray(0, length));
    batch.ofNetwork = 0;
  }
  batch.leaf = leaf;
  batch.ofNetwork++;
}

/**
 * About how many records the key's network has. Keys are in the order of networks, so those of one lie side by side; where
 * they fill whole pages, the page above tells how many such pages there are.
 */
function recordsOfNetwork({ pages, file }: Path, meta: Meta, key: Uint8Array): number {
  const network = networkLength(key);
  let each = 1;
  for (let level = meta.main.depth - 1; level >= 0; level--) {
    const page = level * file.pageSize;
    const last = keysOn(pages, page) - 1;
    // The first node of a branch page bears no key, and may lead to some of the network too.
    const first = level < meta.main.depth - 1 ? 1 : 0;
    let here = first;
    for (let i = first; i <= last; i++) if (startsWith(pages, nodeAt(pages, page, i), key, network)) here++;
    each *= here;
    if (here <= last) break;
  }
  return each;
}

/** The part of the network's records that waits, estimated from the path's leaf. */
function waitingPart({ pages, leaf }: Path, key: Uint8Array): number {
  const network = networkLength(key);
  let all = 0;
  let waiting = 0;
  for (let i = 0; leaf >= 0 && i < keysOn(pages, leaf); i++) {
    const node = nodeAt(pages, leaf, i);
    if (!startsWith(pages, node, key, network)) continue;
    all++;
    if (waits(pages, node)) waiting++;
  }
  return all === 0 ? 0 : waiting / all;
}

function startsWith(pages: Uint8Array, node: number, key: Uint8Array, length: number): boolean {
  if (nodeKeySize(pages, node) < length) return false;
  const at = nodeKey(node);
  for (let i = 0; i < length; i++) if (pages[at + i] !== key[i]) return false;
  return true;
}

function waits(pages: Uint8Array, node: number): boolean {
  return isTriple(pages, nodeKey(node), nodeKeySize(pages, node)) && !hasPassed(pages, nodeData(pages, node));
}

/**
 * The node of the oldest waiting triple on the path's leaf, of those whose keys begin with the first `length` bytes of `key`, and
 * which the batch has not put anew; -1: none. It is returned once.
 */
function oldestWaiting(path: Path, batch: Batch, key: Uint8Array, length: number): number {
  const { pages } = path;
  batch.byAge ??= waitingByAge(path);
  const { byAge, anew } = batch;
  for (let i = byAge.length - 1; i >= 0; i--) {
    const node = byAge[i]!;
    if (!startsWith(pages, node, key, length)) continue;
    byAge.splice(i, 1);
    if (!anew.has(nameOf(pages, node))) return node;
  }
  return -1;
}

function waitingByAge({ pages, leaf }: Path): number[] {
  const nodes: number[] = [];
  for (let i = 0; leaf >= 0 && i < keysOn(pages, leaf); i++) {
    const node = nodeAt(pages, leaf, i);
    if (waits(pages, node)) nodes.push(node);
  }
  const firstSeen = (node: number) => mainNumber(pages, nodeData(pages, node));
  return nodes.sort((a, b) => firstSeen(b) - firstSeen(a));
}

function nameOf(pages: Buffer, node: number): string {
  return pages.toString('latin1', nodeKey(node), nodeData(pages, node));
}
