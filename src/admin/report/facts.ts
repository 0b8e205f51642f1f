// What the report says, as plain data. Times are in seconds since the epoch, spans in seconds, texts latin1 as on record.
import type { KeyInForce } from '../history/triples.ts';

export interface Facts {
  now: number;
  /** First sights from then on are counted. */
  since: number;
  /** The filters' settings, as the command line says. */
  delay: number;
  retryWindow: number;
  autoWhitelist: number;
  /** What seems to stand for the client in the records. */
  clientKey: KeyInForce;
  triples: Outcomes;
  /** Triples that filters have forgotten since they did not come back, as far as it was counted; not in `triples`. */
  forgotten: Forgotten | undefined;
  /** How much of a time of which nothing is forgotten yet did not come back; undefined: too little to tell. */
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

/** Triples on record by what became of them; those that `forgotten` counts are on record no more. */
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

/** Of the whole days (UTC) from `from` on, by first sight. */
export interface Forgotten {
  from: number;
  triples: number;
}

/** Of the triples first seen from `from` to `until`: how many there were, and how many did not come back so far. */
export interface Kept {
  from: number;
  until: number;
  triples: number;
  notBack: number;
  /** Of the mails that came back at all, the part that had done so at the age of the youngest counted here. */
  soonEnough: number;
}

/** From the first sight to the pass, of mails that came back. undefined: there were none. */
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
  /** Triples that did not; null: filters have begun to forget those. */
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

/** Mails of which the attempts came from several clients within the retry window. */
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
