// Pages of LMDB that are known by the number with which each begins, whatever became of the meta pages. Only looks at bytes.
import { BRANCH, LEAF, pageFlags } from '../pages/format.ts';
import { u32 } from '../records/bytes.ts';

/** A page begins at a multiple of this, whatever their size is. */
export const LEAST_PAGE = 4096;
const LARGEST_PAGE = 65536;

/** How much of a file is looked at, in bytes. */
export const MOST = 4 * 2 ** 20;

/** How large the pages are of which one begins at `at`; 0: none begins there. */
export function pageSizeAt(bytes: Buffer, at: number): number {
  const flags = pageFlags(bytes, at);
  const number = u32(bytes, at);
  if (number === 0 || (flags !== LEAF && flags !== BRANCH)) return 0;
  for (let size = LEAST_PAGE; size <= LARGEST_PAGE; size *= 2) if (number * size === at) return size;
  return 0;
}

/** How large the pages are, by what most say that stand where they belong. */
export function pageSizeOfMost(bytes: Buffer): number {
  const votes = new Map([[LEAST_PAGE, 0]]);
  for (let at = LEAST_PAGE; at < bytes.length; at += LEAST_PAGE) {
    const size = pageSizeAt(bytes, at);
    if (size > 0) votes.set(size, (votes.get(size) ?? 0) + 1);
  }
  return [...votes].reduce((most, one) => (one[1] > most[1] ? one : most))[0];
}
