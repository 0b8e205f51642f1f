// Hands the journal over to the engine: what this host decided by itself, each entry by a script that may run twice, and
// in any order.
import { setTimeout as sleep, setImmediate as turn } from 'node:timers/promises';
import type { Lives } from '../store.ts';
import type { Client } from './client.ts';
import type { Decided } from './decided.ts';
import { read, remove, strike, take } from './journal.ts';
import { keysOf } from './key.ts';
import { isOfOneKey } from './trouble.ts';

/** How long another process may take from opening the journal to writing to it, in milliseconds: the rest is read then. */
const GRACE = 1000;
const AT_ONCE = 100;

export interface Merged {
  /** Entries that the engine has now, and those that it would not take (a key that holds something else). */
  merged: number;
  refused: number;
}

/**
 * Hands over what is in the journal at `path`; undefined where there is none. Throws what the engine throws; the next call
 * goes on with what is left.
 */
export async function merge(client: Client, path: string, lives: Lives): Promise<Merged | undefined> {
  const taken = take(path, Date.now());
  if (taken === undefined) return undefined;
  const result: Merged = { merged: 0, refused: 0 };
  let done = 0; // bytes of it
  for (const last of [false, true]) {
    if (last) await sleep(GRACE);
    for (const piece of read(taken, done)) {
      await turn(); // decisions are not held up where all is struck out
      for (let i = 0; i < piece.length; i += AT_ONCE) {
        const some = piece.slice(i, i + AT_ONCE);
        const ends = await Promise.allSettled(some.map(({ decided }) => mergeOne(client, decided, lives)));
        const isDone = (end: PromiseSettledResult<number>) =>
          end.status === 'fulfilled' || isOfOneKey(end.reason);
        strike(
          taken,
          some.filter((_, n) => isDone(ends[n]!)),
        );
        for (const end of ends) {
          if (end.status === 'fulfilled') result.merged++;
          else if (isOfOneKey(end.reason)) result.refused++;
          else throw end.reason;
        }
        done = some.at(-1)!.at + some.at(-1)!.length;
      }
    }
  }
  remove(taken);
  return result;
}

/** Tells the engine of one decision. */
export function mergeOne(client: Client, decided: Decided, { retryWindow, maxAge }: Lives): Promise<number> {
  const { firstSeen, passed, comeBack } = decided;
  const now = Math.floor(Date.now() / 1000);
  const keys = keysOf(decided);
  // As ages: this host's clock may differ from the engine's.
  const since = (then: number) => Math.max(0, now - then);
  const age = passed > 0 ? since(passed) : -1;
  return client.merge(keys.triple, keys.client, retryWindow, maxAge, since(firstSeen), age, comeBack ? 1 : 0);
}
