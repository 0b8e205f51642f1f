// The decision, by what is on record, the time and the settings: greylist.pl's, reply for reply. Knows of no file, no option
// and no process. RFC 6647 describes the method. (An engine that hosts share decides by the same rules in Lua:
// store/fleet/script.ts. Who is not greylisted at all, exceptions.ts says.)
import type { Rules, Sighting, Store, Triple, Verdict } from '../store/store.ts';

/** What is decided about a triple, and what is noted with it: that it passed, or only that its client was seen. */
export type Judgement =
  | 'pass'
  | 'pass and note it'
  | 'pass and note the client'
  | 'defer'
  | 'remember, then judge again';

/** The judgement, by what is on record. Times are in seconds since the epoch. Changes nothing. */
export function judge(seen: Sighting, now: number, settings: Rules): Judgement {
  const { autoWhitelist, delay } = settings;
  if (autoWhitelist > 0 && seen.comeBacks > autoWhitelist) {
    // It was deferred before its client got onto the auto-whitelist: now it has come back, as any other triple.
    if (seen.firstSeen > 0 && !seen.passed) return 'pass and note it';
    return seen.clientFresh ? 'pass' : 'pass and note the client';
  }
  if (seen.firstSeen === 0) return 'remember, then judge again';
  if (now - seen.firstSeen <= delay) return 'defer';
  return autoWhitelist > 0 || !seen.fresh ? 'pass and note it' : 'pass';
}

/**
 * Decides about a triple at time `now`, first by the auto-whitelist, then by the triple's own record, and stores what has to
 * be stored. Throws what the store throws where it cannot decide; where only the decision could not be noted, `onTrouble` is
 * called instead.
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
    else if (judgement === 'pass and note the client') store.noteClient(triple.client, now);
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

/** What `decide` would decide; stores nothing. */
export function foresee(triple: Triple, store: Store, now: number, settings: Rules): Verdict {
  const made = store.decide?.(triple, now, settings, true);
  if (made !== undefined) return made;
  const seen = store.look(triple, now);
  const judgement = judge(seen, now, settings);
  const fresh = judgement === 'remember, then judge again';
  return { passes: judgement.startsWith('pass'), age: fresh ? 0 : now - seen.firstSeen, delayed: false };
}
