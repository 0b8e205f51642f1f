// The decision: what a request gets, from what is stored, the time and the settings. greylist.pl's, reply for
// reply. Knows of no file, no option and no process; RFC 6647 describes the method.
import type { Sighting, Store } from '../store/store.ts';
import { type PolicyRequest, type Triple, tripleOf } from './request.ts';

export interface Settings {
  /** A triple passes when it was first seen more than this many seconds ago. */
  delay: number;
  /** A client with more come-backs than this passes at once; 0: no client does. */
  autoWhitelist: number;
  /** The action that defers, as in access(5), e.g. `defer_if_permit Service is unavailable`. */
  deferral: string;
}

/** What a request gets, and what has to be stored first. */
export type Judgement = 'pass' | 'pass and note it' | 'defer' | 'remember, then judge again';

/** The action that leaves the mail to the restrictions that follow, see access(5). */
export const DUNNO = 'dunno';

/** What the triple gets, given what is on record. Times are in seconds since the epoch. Changes nothing. */
export function judge(seen: Sighting, now: number, settings: Settings): Judgement {
  const { autoWhitelist, delay } = settings;
  if (autoWhitelist > 0 && seen.comeBacks > autoWhitelist) return 'pass';
  // A first sight in the future (the clock was wrong once) counts as one now: nobody waits longer for it.
  if (seen.firstSeen === 0 || seen.firstSeen > now) return 'remember, then judge again';
  if (now - seen.firstSeen <= delay) return 'defer';
  return autoWhitelist > 0 || !seen.passed ? 'pass and note it' : 'pass';
}

/**
 * The action for a request at time `now`, with everything stored that has to be: first the auto-whitelist,
 * then the triple. Throws what the store throws.
 */
export function decide(request: PolicyRequest, store: Store, now: number, settings: Settings): string {
  if (request.sasl_username !== '') return DUNNO; // one of our own users: RFC 6647, section 5
  const triple = tripleOf(request);
  let seen = store.look(triple);
  let judgement = judge(seen, now, settings);
  if (judgement === 'remember, then judge again') {
    seen = { ...seen, firstSeen: store.remember(triple, now) };
    judgement = judge(seen, now, settings);
  }
  if (judgement === 'defer') return settings.deferral;
  if (judgement === 'pass and note it') note(store, triple, now, settings);
  return DUNNO;
}

function note(store: Store, triple: Triple, now: number, settings: Settings): void {
  store.pass(triple, now, settings.autoWhitelist > 0);
}
