// Mails, reconstructed from the triples of one sender and recipient: a mail that moved from address to address is one
// mail, and its wait is how long the recipient waited for it. Pure.
import { MOST_OFFSETS } from '../../store/records/record.ts';
import type { Triples } from './triples.ts';

export interface Attempt {
  /** Seconds since the epoch. */
  at: number;
  /** The triple's number. */
  triple: number;
}

export interface Mail {
  /** First sight, in seconds since the epoch. */
  start: number;
  /** When it passed; 0: it did not. */
  pass: number;
  /** The triples of its attempts: the one that passed, if any did, and those that were given up for it. */
  triples: number[];
  /** In the order of time; as many as are on record. */
  attempts: Attempt[];
}

const NEARLY_ALL = 6 * 3600;

/** The age, in seconds, at which nearly all mail that ever comes back has: what is older has been decided. */
export function settledAfter(retryWindow: number): number {
  return retryWindow === 0 ? NEARLY_ALL : Math.min(NEARLY_ALL, retryWindow / 4);
}

/**
 * The mails of a chain of triples, in the order of their starts. A triple that never passed belongs to the mail that
 * passed next from another client within the retry window (seconds; 0: for ever); if there is none, it is a mail that did
 * not come back.
 */
export function mailsOf(triples: Triples, root: number, retryWindow: number): Mail[] {
  const passed: number[] = [];
  const waiting: number[] = [];
  for (let i = root; i >= 0; i = triples.next[i]!) (triples.pass[i]! > 0 ? passed : waiting).push(i);
  if (passed.length + waiting.length === 1) return [mailOf(triples, [root], triples.pass[root]!)];
  const { firstSeen, pass } = triples;
  passed.sort((a, b) => pass[a]! - pass[b]!);
  waiting.sort((a, b) => firstSeen[a]! - firstSeen[b]!);
  const mails: Mail[] = [];
  let next = 0;
  for (const p of passed) {
    const parts = [p];
    for (; next < waiting.length && firstSeen[waiting[next]!]! <= pass[p]!; next++) {
      const w = waiting[next]!;
      if (retryWindow === 0 || pass[p]! - firstSeen[w]! <= retryWindow) parts.push(w);
      else mails.push(mailOf(triples, [w], 0));
    }
    mails.push(mailOf(triples, parts, pass[p]!));
  }
  for (; next < waiting.length; next++) mails.push(mailOf(triples, [waiting[next]!], 0));
  return mails.sort((a, b) => a.start - b.start);
}

function mailOf(triples: Triples, parts: number[], pass: number): Mail {
  const attempts: Attempt[] = [];
  for (const triple of parts) {
    const first = triples.firstSeen[triple]!;
    attempts.push({ at: first, triple });
    for (let k = 0; k < MOST_OFFSETS; k++) {
      const offset = triples.offsets[triple * MOST_OFFSETS + k]!;
      // Times of deferrals are kept to 5 %, so they may seem later than the pass.
      if (offset > 0 && (pass === 0 || first + offset < pass)) attempts.push({ at: first + offset, triple });
    }
  }
  if (parts.length > 1) attempts.sort((a, b) => a.at - b.at);
  if (pass > 0) attempts.push({ at: pass, triple: parts[0]! });
  return { start: attempts[0]!.at, pass, triples: parts, attempts };
}
