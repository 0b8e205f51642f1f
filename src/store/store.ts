// What the decision needs of a store, and nothing else: two questions and two changes. LMDB is behind it
// today; a networked store for several MX hosts can stand behind it tomorrow.
import type { Triple } from '../greylist/request.ts';

/** What is on record of a triple and its client. */
export interface Sighting {
  /** Come-backs of the client: how often one of its triples passed. */
  comeBacks: number;
  /** When the triple was first seen, in seconds since the epoch; 0: never. */
  firstSeen: number;
  /** Whether the triple ever passed. */
  passed: boolean;
}

export interface Store {
  /** Changes nothing. Sees all that any process has committed. */
  look(triple: Triple): Sighting;
  /**
   * Stores `now` as the triple's first sight, unless an earlier one is on record, and returns the one that
   * holds: of all processes that meet a new triple at once, one wins and all learn its time.
   */
  remember(triple: Triple, now: number): number;
  /**
   * Notes that the triple passed, and with `comeBack` counts one come-back of its client: none is lost,
   * however many processes count at once.
   */
  pass(triple: Triple, now: number, comeBack: boolean): void;
  /** Leaves nothing open and nothing unwritten. May be called twice. */
  close(): void;
}

/** The store cannot do its work now. The message says what is wrong and what to do. */
export class StoreError extends Error {
  override name = 'StoreError';
}
