// Counts waits by length, for percentiles of any number of them in a quarter of a megabyte. Pure.
import { coarseWait, fineWait } from '../../store/records/coarse.ts';

/** Exact below nine hours, then in steps of 64 s, up to 24 days: as the waits in records. */
export interface Tally {
  counts: Uint32Array;
  count: number;
  /** Seconds. */
  sum: number;
  worst: number;
}

export function newTally(): Tally {
  return { counts: new Uint32Array(0x10000), count: 0, sum: 0, worst: 0 };
}

export function addTo(tally: Tally, seconds: number): void {
  tally.counts[Math.min(0xffff, coarseWait(seconds))]!++;
  tally.count++;
  tally.sum += seconds;
  tally.worst = Math.max(tally.worst, seconds);
}

/**
 * The least wait that at least this part (0 to 1) of all waits does not exceed, by nearest rank: a value that occurred.
 * Undefined where there are no waits.
 */
export function percentile({ counts, count }: Tally, part: number): number | undefined {
  if (count === 0) return undefined;
  let left = Math.max(1, Math.ceil(part * count));
  let code = 0;
  for (; left > counts[code]!; code++) left -= counts[code]!;
  return fineWait(code);
}

/** How many waits were in [from, to) seconds; both are below nine hours, or multiples of 64 s beyond. */
export function between({ counts }: Tally, from: number, to: number): number {
  const end = to === Number.POSITIVE_INFINITY ? counts.length : coarseWait(to);
  let sum = 0;
  for (let code = coarseWait(from); code < end; code++) sum += counts[code]!;
  return sum;
}
