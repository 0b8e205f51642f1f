// What the decision needs of a store, and nothing else. What has expired is as good as forgotten: a store never shows it.
// Two stand behind it: the database on this host (embedded/), and an engine that several MX hosts share (fleet/).

// The folders, each of which knows only those above it:
//   records/   what is kept, as bytes: keys, values, checks
//   disk/      files, directories and processes, whatever is in them
//   pages/     LMDB's file, read and checked without LMDB, which would die of damage
//   queue/     new triples on their way into the database
//   lmdb/      LMDB itself: opening it, transactions, and how they get to the disk
//   rescue/    what is set aside, salvaged, or put in the database's place
//   embedded/  the store of one host: who looks up and changes what, and keeps the file usable
//   admin/     what commands need: all records, many changes
//   fleet/     the store of several hosts, and what commands need of it
import type { Release } from './releases.ts';

/** What greylisting keys on: who sends (the SMTP client's address, or what stands for it), from whom, to whom. */
export interface Triple {
  client: string;
  sender: string;
  recipient: string;
}

/** Matches of one entry of a list that are not yet on record. */
export interface NewHits {
  file: string;
  /** The entry as it stands in the file, latin1. */
  text: string;
  count: number;
  /** Of the last one, in seconds since the epoch. */
  last: number;
}

/** What is on record of a triple and its client. */
export interface Sighting {
  /** Come-backs of the client: how often one of its triples passed. */
  comeBacks: number;
  /** The client was noted as seen within the last day. */
  clientFresh: boolean;
  /** When the triple was first seen, in seconds since the epoch; 0: never. */
  firstSeen: number;
  /** Whether the triple ever passed. */
  passed: boolean;
  /** The triple was noted as passing within the last day. */
  fresh: boolean;
  /** As many of the triple's deferrals are noted with their times as are kept. */
  full: boolean;
}

/** What a decision follows. */
export interface Rules {
  /** A triple passes when it was first seen more than this many seconds ago. */
  delay: number;
  /** A client with more come-backs than this passes at once; 0: no client does. */
  autoWhitelist: number;
}

/** What was decided of a triple. */
export interface Verdict {
  passes: boolean;
  /** Seconds since the first sight. */
  age: number;
  /** It passes for the first time: this mail was delayed. */
  delayed: boolean;
}

export interface Store {
  /**
   * A store that several hosts share decides by itself, in one step and by one clock. Undefined: not now, and what
   * follows are the methods below. With `idle`, nothing is stored. Throws nothing.
   */
  decide?(triple: Triple, now: number, rules: Rules, idle: boolean): Verdict | undefined;
  /** What is on record at time `now`. Changes nothing. Sees all that any process has committed. */
  look(triple: Triple, now: number): Sighting;
  /**
   * Stores `now` as the triple's first sight, unless an earlier one is on record, and returns the one that
   * holds: of all processes that meet a new triple at once, one wins and all learn its time.
   */
  remember(triple: Triple, now: number): number;
  /** Notes that the triple, first seen before, is deferred once more. The note may be taken a second later. */
  defer(triple: Triple, now: number): void;
  /**
   * Notes that the triple passed, and with `comeBack` counts one come-back of its client: none is lost,
   * however many processes count at once.
   */
  pass(triple: Triple, now: number, comeBack: boolean): void;
  /** Notes that a whitelisted client was seen. */
  greet(client: string, now: number): void;
  /**
   * What an administrator lets pass for a while, whatever is on record, as it was within the last second. To be asked
   * before mail is deferred.
   */
  releases(): readonly Release[];
  /** Adds to what is on record of the lists' entries, and notes since when these files are recorded. */
  noteHits(files: readonly string[], hits: readonly NewHits[], now: number): void;
  /** Does a little of what is due, if anything is: forgets what has expired. To be called between requests. */
  tidy(now: number): void;
  /** Leaves nothing open and nothing unwritten. May be called twice. */
  close(): void;
}

/** How long what is stored counts. */
export interface Lives {
  /** Seconds within which a triple has to come back, or it starts anew; 0: for ever. */
  retryWindow: number;
  /** Seconds after which a triple that passed, or a client, is forgotten if it was not seen again; 0: never. */
  maxAge: number;
}

/** How long what is stored counts, and how much of it there may be. */
export interface Limits extends Lives {
  /** How many triples may wait at a time; 0: no bound. */
  maxWaiting: number;
}

/** The latest time that can be on record, in seconds since the epoch. */
export const LAST_SECOND = 0xffffffff;

/** How coarse last-seen times are: within this many seconds, a known triple or client costs no write. */
export const FRESH = 86_400;

/**
 * Whether a triple's record still counts at `now`. A first sight in the future (the clock was wrong once) does
 * not: nobody is deferred longer for it. Times in seconds since the epoch; `lastPassed` 0: waiting.
 */
export function tripleCounts(firstSeen: number, lastPassed: number, now: number, lives: Lives): boolean {
  if (firstSeen === 0 || firstSeen > now) return false;
  if (lastPassed === 0) return lives.retryWindow === 0 || now - firstSeen <= lives.retryWindow;
  return lives.maxAge === 0 || now - lastPassed <= lives.maxAge + FRESH;
}

/** Whether a client's come-backs still count at `now`. */
export function clientCounts(lastSeen: number, now: number, { maxAge }: Lives): boolean {
  return maxAge === 0 || now - lastSeen <= maxAge + FRESH;
}
