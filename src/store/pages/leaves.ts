// The leaves of a state, one after another, each read and checked as a whole. Takes no lock: where pages are not to change
// meanwhile, see ../lmdb/hold.ts.
import { isRecord } from '../records/record.ts';
import type { DataFile } from './file.ts';
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
import { wrongWithPage } from './page.ts';

interface LeavesOptions {
  /** Called for each damaged page, which is passed over. */
  onDamage: (what: string) => void;
  /** Returns whether to read a page and all below it. */
  enter?: (page: number) => boolean;
  /** Yields only from the leaf on where this key belongs. */
  after?: Buffer | undefined;
}

/** Whether the leaf's node holds a sound record of ours. */
export function holdsRecord(page: Uint8Array, node: number): boolean {
  const at = nodeData(page, node);
  return isRecord(page, nodeKey(node), nodeKeySize(page, node), at, nodeDataSize(page, node));
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
  /** Whether all below node `i` of a branch comes before `after`: the next node's key comes before it, or is it. */
  function isBefore(page: Buffer, i: number): boolean {
    if (after === undefined || i + 1 >= keysOn(page, 0)) return false;
    const next = nodeAt(page, 0, i + 1);
    const start = nodeKey(next);
    return after.compare(page, start, start + nodeKeySize(page, next)) >= 0;
  }
  if (meta.main.depth > 0) yield* below(meta.main.root, meta.main.depth);
}
