// Functions on one entry on record that several commands need. Reads and changes nothing.
import type { Name } from '../store/admin/change.ts';
import type { Entry, TripleEntry } from '../store/admin/entry.ts';
import { clientCounts, type Lives, tripleCounts } from '../store/store.ts';

/** The name by which an editor finds the entry. */
export function nameOf(entry: Entry): Name {
  if (entry.kind === 'client') return { client: entry.client };
  const { client, sender, recipient } = entry;
  return { client, sender, recipient };
}

/** When the triple was last seen, as far as that is on record, in seconds since the epoch. */
export function lastOf({ firstSeen, lastPassed, wait, offsets }: TripleEntry): number {
  // The first pass is kept to the second, the last one to the hour.
  return Math.max(lastPassed, firstSeen + wait, firstSeen + (offsets.at(-1) ?? 0));
}

/**
 * Whether the entry no longer counts at `now`. A triple that was first seen in the future may count when the clock is
 * right.
 */
export function hasExpired(entry: Entry, now: number, lives: Lives): boolean {
  if (entry.kind === 'client') return !clientCounts(entry.lastSeen, now, lives);
  const { firstSeen, lastPassed } = entry;
  return firstSeen <= now && !tripleCounts(firstSeen, lastPassed, now, lives);
}

/** A triple waits or has passed; a client is whitelisted, or has come-backs, but not enough of them: `counted`. */
export type State = 'waiting' | 'passed' | 'whitelisted' | 'counted' | 'expired';

/** `autoWhitelist`: as the option. */
export function stateOf(entry: Entry, now: number, lives: Lives, autoWhitelist: number): State {
  if (hasExpired(entry, now, lives)) return 'expired';
  if (entry.kind === 'triple') return entry.passed ? 'passed' : 'waiting';
  return autoWhitelist > 0 && entry.comeBacks > autoWhitelist ? 'whitelisted' : 'counted';
}
