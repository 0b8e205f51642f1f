// Hands the journal over to the engine: what this host decided by itself, each entry by a script that may run twice, and
// in any order.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from './client.ts';
import type { Decided } from './decided.ts';
import { isTaken, read, remove, take } from './journal.ts';
import { keysOf } from './key.ts';
import { isOfOneKey } from './trouble.ts';

/** How long another process may take from opening the journal to writing to it, in milliseconds: it is read once more then. */
const GRACE = 1000;
const AT_ONCE = 100;

/** How long what is stored counts, as the scripts take it. */
export type Spans = readonly [retryWindow: number, maxAge: number];

export interface Merged {
  /** Entries that the engine has now, and those that it would not take (a key that holds something else). */
  merged: number;
  refused: number;
}

/**
 * Hands over what is in the journal at `path`; undefined where there is none. Throws what the engine throws; the next call
 * goes on with what is left, by `progress`, which the caller keeps from call to call.
 */
export async function merge(
  client: Client,
  path: string,
  lives: Spans,
  progress: { done: number },
): Promise<Merged | undefined> {
  if (!isTaken(path)) progress.done = 0;
  const taken = take(path, Date.now());
  if (taken === undefined) return undefined;
  const result: Merged = { merged: 0, refused: 0 };
  for (const last of [false, true]) {
    if (last) await sleep(GRACE);
    let skip = progress.done;
    for (const piece of read(taken)) {
      const fresh = piece.slice(Math.min(skip, piece.length));
      skip -= piece.length - fresh.length;
      for (let i = 0; i < fresh.length; i += AT_ONCE) {
        const some = fresh.slice(i, i + AT_ONCE);
        const ends = await Promise.allSettled(some.map((decided) => mergeOne(client, decided, lives)));
        for (const end of ends) {
          if (end.status === 'fulfilled') result.merged++;
          else if (isOfOneKey(end.reason)) result.refused++;
          else throw end.reason;
          progress.done++;
        }
      }
    }
  }
  remove(taken);
  progress.done = 0;
  return result;
}

/** Tells the engine of one decision. */
export function mergeOne(client: Client, decided: Decided, lives: Spans): Promise<number> {
  const { firstSeen, passed, comeBack } = decided;
  const now = Math.floor(Date.now() / 1000);
  const keys = keysOf(decided);
  // As ages: this host's clock may differ from the engine's.
  const since = (then: number) => Math.max(0, now - then);
  const age = passed > 0 ? since(passed) : -1;
  return client.merge(keys.triple, keys.client, ...lives, since(firstSeen), age, comeBack ? 1 : 0);
}
