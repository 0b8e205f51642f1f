// What the report says, as plain data. Times are in seconds since the epoch, spans in seconds, texts latin1 as on record.
import type { KeyInForce } from '../history/triples.ts';

export interface Facts {
  now: number;
  /** Triples first seen from then on are counted. */
  since: number;
  /** The filters' settings, as given on the command line. */
  delay: number;
  retryWindow: number;
  maxAge: number;
  autoWhitelist: number;
  /** What seems to stand for the client in the records. */
  clientKey: KeyInForce;
  triples: Outcomes;
  /** Triples that filters have forgotten because they did not come back, as far as counted; not in `triples`. */
  forgotten: Forgotten | undefined;
  /** How much did not come back, in a time of which nothing is forgotten yet; undefined: there is too little to tell. */
  kept: Kept | undefined;
  waits: Waits;
  periods: Periods;
  /** Who waited longest in all. */
  domains: Leader[];
  clients: Leader[];
  recipients: Leader[];
  pools: Pools;
  whitelist: Whitelist;
  advice: string | undefined;
}

/** Triples on record, by what became of them; those that `forgotten` counts are no longer on record. */
export interface Outcomes {
  seen: number;
  passed: number;
  /** Passed, but the wait is not on record (an import). Part of `passed`. */
  imported: number;
  /** Not passed, but the same sender and recipient did from another client. */
  elsewhere: number;
  /** Not passed, and older than the retry window: never came back. */
  expired: number;
  /** Not passed, and younger. */
  undecided: number;
}

/** Forgotten triples that were first seen on the whole days (UTC) from `from` on. */
export interface Forgotten {
  from: number;
  triples: number;
}

/** The triples first seen from `from` to `until`: how many there were, and how many have not come back so far. */
export interface Kept {
  from: number;
  until: number;
  triples: number;
  notBack: number;
  /** The part of the mails that came back at all which had done so by the age of the youngest triple counted here. */
  soonEnough: number;
}

/** Seconds from first sight to pass, of mails that came back. Undefined: there were none. */
export interface Waits {
  mails: number;
  median: number | undefined;
  percentile95: number | undefined;
  worst: number | undefined;
  sum: number;
  histogram: Bin[];
}

export interface Bin {
  from: number;
  /** null: no end. */
  to: number | null;
  mails: number;
}

/** By the local day, or hour, of the first sight. */
export interface Periods {
  unit: 'day' | 'hour';
  list: Period[];
}

export interface Period {
  start: number;
  /** Mails that came back. */
  back: number;
  /** Triples that did not come back; null: filters have begun to forget those of the period. */
  notBack: number | null;
  median: number | undefined;
  percentile95: number | undefined;
}

export interface Leader {
  name: string;
  mails: number;
  /** Seconds in all, and the longest. */
  waited: number;
  worst: number;
}

/** Mails whose attempts came from several clients within the retry window. */
export interface Pools {
  mails: number;
  waited: number;
  /** What --client-key subnet, and pool at most, would have saved of all waits. */
  savedBySubnet: number;
  savedByPool: number;
  /** Senders and recipients that came from several clients and never passed. */
  neverPassed: number;
  domains: PoolDomain[];
}

export interface PoolDomain {
  name: string;
  mails: number;
  /** Clients a mail, on average. */
  clients: number;
  waited: number;
  saved: number;
}

export interface Whitelist {
  /** Clients with more come-backs than the threshold, and with some, but no more than that. */
  whitelisted: number;
  counted: number;
  /** Closest first. */
  near: { client: string; comeBacks: number; lastSeen: number }[];
}
