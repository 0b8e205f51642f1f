// What the decision needs of a store, and nothing else. A store never shows what has expired.
// There are two: the database on this host (embedded/), and an engine that several MX hosts share (fleet/).

// The folders, each of which knows only those above it:
//   records/   what is kept, as bytes: keys, values, checks
//   disk/      files, directories and processes, whatever is in them
//   pages/     LMDB's files, read and checked without LMDB, which dies of damage
//   queue/     new triples on their way into the database: FILE-queue
//   lmdb/      LMDB itself: opening it, transactions, and when they reach the disk
//   rescue/    damaged files set aside and salvaged; another file in the database's place: compact, restore, backup
//   embedded/  the store of one host: which records are read and written, when, and how the file is kept usable
//   admin/     what commands need: all records, many changes
//   fleet/     the store of several hosts, and what commands need of it

// Words used throughout:
//   to wait       what a triple does until it passes for the first time
//   first sight   the first request for a triple: when it is on record as first seen
//   come-back     a triple that passes; a client with more than --auto-whitelist of them is on the auto-whitelist
//   house         records of the store's own, e.g. releases, or how far the sweep is
//   engine        the Redis or Valkey of --store; fleet: the hosts that share one
//   state         what one commit has made of the database; while a reader's slot holds it, LMDB re-uses none of its pages
//   mark          names the state that is safe on the disk: pages/mark.ts, lmdb/durable.ts
//   storm         so many new triples, or commits, that what saves work in calm times would cost more
//   to set aside  to rename a file, e.g. to FILE.damaged-TIME, so that a new one can be made in its place
import type { Release } from './releases.ts';

/** What greylisting keys on: the SMTP client (its address, or what stands for it), the sender and the recipient. */
export interface Triple {
  client: string;
  sender: string;
  recipient: string;
}

/** Matches of a list's entry that are not yet on record. */
export interface NewHits {
  file: string;
  /** The entry as it stands in the file, latin1. */
  text: string;
  count: number;
  /** When it matched last, in seconds since the epoch. */
  last: number;
}

/** What is on record of a triple and its client. */
export interface Sighting {
  /** The client's come-backs, which the auto-whitelist counts: how often one of its triples passed. */
  comeBacks: number;
  /** The client was noted as seen within the last day. */
  clientFresh: boolean;
  /** When the triple was first seen, in seconds since the epoch; 0: never. */
  firstSeen: number;
  /** Whether the triple ever passed. */
  passed: boolean;
  /** The triple was noted as passing within the last day. */
  fresh: boolean;
  /** As many of the triple's deferrals are noted as can be: no more are noted. */
  full: boolean;
}

/** The settings that a decision follows. */
export interface Rules {
  /** A triple passes when it was first seen more than this many seconds ago. */
  delay: number;
  /** A client with more come-backs than this passes at once; 0: no client does. */
  autoWhitelist: number;
}

/** What was decided about a triple. */
export interface Verdict {
  passes: boolean;
  /** Seconds since the first sight. */
  age: number;
  /** It passes for the first time: this mail was delayed. */
  delayed: boolean;
}

export interface Store {
  /**
   * A store that several hosts share decides by itself, in one step and by one clock. Where it returns undefined, it cannot
   * now, and the methods below are to be used. With `idle`, nothing is stored. Throws nothing.
   */
  decide?(triple: Triple, now: number, rules: Rules, idle: boolean): Verdict | undefined;
  /** What is on record at time `now`, whichever process has stored it. Changes nothing. */
  look(triple: Triple, now: number): Sighting;
  /**
   * Stores `now` as the triple's first sight, unless an earlier one is on record, and returns the one that is on record then:
   * of all processes that meet a new triple at once, one wins, and all get its time.
   */
  remember(triple: Triple, now: number): number;
  /** Notes that the triple, first seen before, is deferred once more. The note may be taken a second later. */
  defer(triple: Triple, now: number): void;
  /**
   * Notes that the triple passed; with `comeBack`, adds one to the come-backs of its client, of which none is lost however
   * many processes count at once.
   */
  pass(triple: Triple, now: number, comeBack: boolean): void;
  /** Notes that a whitelisted client was seen. */
  noteClient(client: string, now: number): void;
  /**
   * What an administrator lets pass for a while, whatever else is on record; at most a second old. To be asked before mail is
   * deferred.
   */
  releases(): readonly Release[];
  /** Adds the hits to those on record, and notes since when hits of these files are recorded. */
  noteHits(files: readonly string[], hits: readonly NewHits[], now: number): void;
  /** Forgets a little of what has expired, if that is due. To be called between requests. */
  tidy(now: number): void;
  /** Writes what is still to be written, and closes all files. May be called twice. */
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

/** How coarse last-seen times are: within this many seconds of one, a known triple or client costs no write. */
export const FRESH = 86_400;

/**
 * Whether a triple's record still counts at `now`, or has expired. One that was first seen in the future (the clock was wrong
 * once) does not count, so that nobody is deferred longer for it. Seconds since the epoch; `lastPassed` 0: waiting.
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
