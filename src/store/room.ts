// Nobody can fill the disk from outside: where too many triples wait, one goes for each that comes. No index of ages is
// kept for this; the oldest that waits on the newcomer's own leaf goes, which is a network's own, or a sample of all.

import type { Meta } from './format.ts';
import { keysOn, nodeAt, nodeData, nodeKey, nodeKeySize } from './format.ts';
import { isTriple, networkLength } from './key.ts';
import { hasPassed, mainNumber } from './record.ts';
import { checkBeside, type Path } from './tree.ts';
import { removeRecord, type Writer } from './writer.ts';

/** One network may take this part of what may wait in all. */
const SHARE = 1 / 16;

/**
 * Within the transaction that has just put a new triple, whose leaf `writer.path` leads to: forgets the oldest waiting
 * one there, if more than `most` wait (0: no bound), or too many from
 * the client's network. `others` tells how many
 * records are none of waiting triples. Returns whether one had to go.
 */
export function makeRoom(writer: Writer, meta: Meta, most: number, others: () => number): boolean {
  if (most === 0) return false;
  const { path, instruction } = writer;
  const full = meta.main.entries >= most && meta.main.entries - others() >= most;
  if (!full && ofNetwork(path, meta, instruction.key) < most * SHARE) return false;
  const oldest = oldestWaiting(path);
  if (oldest < 0) return false;
  checkBeside(path, meta);
  const length = nodeKeySize(path.pages, oldest);
  path.pages.copy(instruction.key, 0, nodeKey(oldest), nodeKey(oldest) + length);
  return removeRecord(writer, length);
}

/**
 * About how many records the key's network has: keys are in the order of networks, so those of one lie side by side,
 * and where a page holds nothing else, the page above tells how many there are of its kind.
 */
function ofNetwork({ pages, nodes, file }: Path, meta: Meta, key: Uint8Array): number {
  const network = networkLength(key, 0);
  let each = 1;
  for (let level = meta.main.depth - 1; level >= 0; level--) {
    const page = level * file.pageSize;
    const last = keysOn(pages, page) - 1;
    // The first node of a branch page bears no key.
    const first = level < meta.main.depth - 1 ? 1 : 0;
    const isOf = (i: number) => startsWith(pages, nodeAt(pages, page, i), key, network);
    if (first <= last && isOf(first) && isOf(last)) {
      each *= last + 1;
      continue;
    }
    let here = 1;
    const middle = nodes[level] ?? 0;
    for (let i = middle; i >= first && isOf(i); i--) here++;
    for (let i = middle + 1; i <= last && isOf(i); i++) here++;
    return each * here;
  }
  return each;
}

function startsWith(pages: Uint8Array, node: number, key: Uint8Array, length: number): boolean {
  if (nodeKeySize(pages, node) < length) return false;
  const at = nodeKey(node);
  for (let i = 0; i < length; i++) if (pages[at + i] !== key[i]) return false;
  return true;
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
