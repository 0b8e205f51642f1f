// Nobody can fill the disk from outside: where too many triples wait, one goes for each that comes. No index of ages is
// kept for this; the oldest that waits on the newcomer's own leaf goes, which is a network's own, or a sample of all.

import type { Meta } from './format.ts';
import { keysOn, nodeAt, nodeData, nodeKey, nodeKeySize } from './format.ts';
import { isTriple, networkLength } from './key.ts';
import { hasPassed, mainNumber } from './record.ts';
import { checkBeside, type Path } from './tree.ts';
import { removeRecord, type Writer } from './writer.ts';

/** So many leaves of one network under one branch page (some 2,000 triples) are too many, whatever the others have. */
const MOST_LEAVES = 40;

/**
 * Within the transaction that has just put a new triple, whose leaf `writer.path` leads to: forgets the oldest waiting
 * one there, if more than `most` wait (0: no bound) or the client's network is crowded. `others` tells how many
 * records are none of waiting triples. Returns whether one had to go.
 */
export function makeRoom(writer: Writer, meta: Meta, most: number, others: () => number): boolean {
  if (most === 0) return false;
  const { path, instruction } = writer;
  const full = meta.main.entries >= most && meta.main.entries - others() >= most;
  if (!full && !isCrowded(path, meta, instruction.key)) return false;
  const oldest = oldestWaiting(path);
  if (oldest < 0) return false;
  checkBeside(path, meta);
  const length = nodeKeySize(path.pages, oldest);
  path.pages.copy(instruction.key, 0, nodeKey(oldest), nodeKey(oldest) + length);
  return removeRecord(writer, length);
}

/** Whether the branch page above the leaf leads to leaves of the key's network only, and to many. */
function isCrowded(path: Path, meta: Meta, key: Uint8Array): boolean {
  if (meta.main.depth < 2) return false;
  const parent = (meta.main.depth - 2) * path.file.pageSize;
  const leaves = keysOn(path.pages, parent);
  if (leaves < MOST_LEAVES) return false;
  const network = networkLength(key, 0);
  // The first node of a branch page bears no key.
  return [1, leaves - 1].every((i) => {
    const node = nodeAt(path.pages, parent, i);
    const at = nodeKey(node);
    for (let b = 0; b < network; b++) if (path.pages[at + b] !== key[b]) return false;
    return nodeKeySize(path.pages, node) >= network;
  });
}

/** The node of the oldest waiting triple on the path's leaf; -1: none waits. */
function oldestWaiting({ pages, leaf }: Path): number {
  let oldest = -1;
  let seen = Number.POSITIVE_INFINITY;
  for (let i = 0; leaf >= 0 && i < keysOn(pages, leaf); i++) {
    const node = nodeAt(pages, leaf, i);
    const at = nodeData(pages, node);
    if (!isTriple(pages, nodeKey(node), nodeKeySize(pages, node)) || hasPassed(pages, at)) continue;
    if (mainNumber(pages, at) >= seen) continue;
    seen = mainNumber(pages, at);
    oldest = node;
  }
  return oldest;
}
