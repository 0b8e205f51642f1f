// When each client would have got onto the auto-whitelist, by the first passes of its triples. Pure.
import type { Triples } from '../history/triples.ts';

const NEVER = 0xffffffff;

/**
 * For each threshold, the time by `names` (a column of the triples) from which on a client passes at once: that of its
 * pass which made its come-backs more than the threshold, in seconds since the epoch.
 */
export function whitelistTimes(
  { length, pass }: Triples,
  names: Uint32Array,
  thresholds: readonly number[],
): Uint32Array[] {
  const passed: number[] = [];
  let most = 0;
  for (let i = 0; i < length; i++) {
    if (pass[i]! > 0) passed.push(i);
    most = Math.max(most, names[i]!);
  }
  const times = thresholds.map(() => new Uint32Array(most + 1).fill(NEVER));
  const order = Uint32Array.from(passed).sort((a, b) => names[a]! - names[b]! || pass[a]! - pass[b]!);
  let comeBacks = 0;
  for (const [at, i] of order.entries()) {
    comeBacks = at > 0 && names[order[at - 1]!] === names[i] ? comeBacks + 1 : 1;
    const n = thresholds.indexOf(comeBacks - 1);
    if (n >= 0) times[n]![names[i]!] = pass[i]!;
  }
  return times;
}
