// Replays the attempts on record: what a filter with another client key and another delay would have done. Pure.
import type { Attempt, Mail } from './mails.ts';
import type { Triples } from './triples.ts';

/** The number of a triple's client under some client key: the same number, the same client. */
type ClassOf = (triple: number) => number;

/** When each class was first seen with one sender and recipient; -1: it has passed before. */
export type Sights = Map<number, number>;

const HAS_PASSED = -1;

/**
 * The classes of a chain of mails, for each client key. Pools are not on record: where a mail of the chain ever passed,
 * all its clients are taken for one pool; where none did, they may as well be a botnet, and count by their subnets.
 */
export function classesOf(
  triples: Triples,
  mails: readonly Mail[],
): Record<'address' | 'subnet' | 'pool', ClassOf> {
  const subnet: ClassOf = (triple) => triples.subnet[triple]!;
  const pool: ClassOf = mails.some(({ pass }) => pass > 0) ? () => 0 : subnet;
  return { address: (triple) => triples.client[triple]!, subnet, pool };
}

/**
 * The first attempt that would have passed; undefined where none on record would. `sights` is what earlier mails have
 * left, and is updated. A class passes when it was first seen more than `delay` seconds ago, and starts anew when it has
 * not passed within `retryWindow` seconds (0: never).
 */
export function firstPass(
  mail: Mail,
  classOf: ClassOf,
  sights: Sights,
  delay: number,
  retryWindow: number,
): Attempt | undefined {
  for (const attempt of mail.attempts) {
    const name = classOf(attempt.triple);
    const first = sights.get(name);
    if (first === HAS_PASSED) return attempt;
    if (first === undefined || (retryWindow > 0 && attempt.at - first > retryWindow)) {
      sights.set(name, attempt.at);
    } else if (attempt.at - first > delay) {
      sights.set(name, HAS_PASSED);
      return attempt;
    }
  }
  return undefined;
}
