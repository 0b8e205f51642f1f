// The decision: what a request gets, from what is stored, the time and the settings. greylist.pl's, reply for
// reply. Knows of no file, no option and no process; RFC 6647 describes the method.
import type { Rules, Sighting, Store, Triple, Verdict } from '../store/store.ts';

/** What a triple gets, and what has to be stored. */
export type Judgement =
  | 'pass'
  | 'pass and note it'
  | 'pass and greet'
  | 'defer'
  | 'remember, then judge again';

/** What the triple gets, given what is on record. Times are in seconds since the epoch. Changes nothing. */
export function judge(seen: Sighting, now: number, settings: Rules): Judgement {
  const { autoWhitelist, delay } = settings;
  if (autoWhitelist > 0 && seen.comeBacks > autoWhitelist) {
    // Deferred before its client had earned that, it has come back as any other.
    if (seen.firstSeen > 0 && !seen.passed) return 'pass and note it';
    return seen.clientFresh ? 'pass' : 'pass and greet';
  }
  if (seen.firstSeen === 0) return 'remember, then judge again';
  if (now - seen.firstSeen <= delay) return 'defer';
  return autoWhitelist > 0 || !seen.fresh ? 'pass and note it' : 'pass';
}

/**
 * Decides about a triple at time `now`, with everything stored that has to be: first the auto-whitelist, then
 * the triple. Throws what the store throws where it cannot be decided; `onTrouble` is told where only a note
 * of the decision could not be taken.
 */
export function decide(
  triple: Triple,
  store: Store,
  now: number,
  settings: Rules,
  onTrouble: (error: unknown) => void,
): Verdict {
  const made = store.decide?.(triple, now, settings, false);
  if (made !== undefined) return made;
  let seen = store.look(triple, now);
  let judgement = judge(seen, now, settings);
  if (judgement === 'remember, then judge again') {
    seen = { ...seen, firstSeen: store.remember(triple, now) };
    judgement = judge(seen, now, settings);
  }
  const age = now - seen.firstSeen;
  try {
    if (judgement === 'pass and note it') store.pass(triple, now, settings.autoWhitelist > 0);
    else if (judgement === 'pass and greet') store.greet(triple.client, now);
    else if (judgement === 'defer' && age > 0 && !seen.full) store.defer(triple, now);
  } catch (error) {
    onTrouble(error);
  }
  return {
    passes: judgement !== 'defer',
    age,
    delayed: judgement === 'pass and note it' && !seen.passed,
  };
}

/** As `decide`, but nothing is stored: what the triple would get. */
export function foresee(triple: Triple, store: Store, now: number, settings: Rules): Verdict {
  const made = store.decide?.(triple, now, settings, true);
  if (made !== undefined) return made;
  const seen = store.look(triple, now);
  const judgement = judge(seen, now, settings);
  const fresh = judgement === 'remember, then judge again';
  return { passes: judgement.startsWith('pass'), age: fresh ? 0 : now - seen.firstSeen, delayed: false };
}
