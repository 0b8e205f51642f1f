// When each client would have got onto the auto-whitelist, by when its triples first passed. Pure.
import type { Triples } from '../history/triples.ts';

const NEVER = 0xffffffff;

/**
 * For each threshold, by client (`names` is a column of the triples): the time, in seconds since the epoch, of the pass that
 * made its come-backs more than the threshold. From then on the client passes at once.
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
