// How many waiting triples the sweep has forgotten, by the day on which they were first seen: mail that greylisting kept out,
// of which there is no other record any more. One record of the house. Pure.
import { fromJson } from './json.ts';

/** The name of the record. */
export const FORGOTTEN = 'forgotten';

/** Triples by the day, in days since the epoch (UTC). */
export type ForgottenDays = Readonly<Record<string, number>>;

const DAY = 86_400;
/** A little more than --max-age: these are compared with what passed, which is kept for so long. */
const MOST_DAYS = 40;

/** The day of a time in seconds since the epoch. */
export function dayOf(time: number): number {
  return Math.floor(time / DAY);
}

export function readForgotten(text: string | undefined): ForgottenDays {
  return fromJson<ForgottenDays>(text, {});
}

/** The record's text with those of `more`, by their days, added. `now` in seconds since the epoch. */
export function addForgotten(before: ForgottenDays, more: ReadonlyMap<number, number>, now: number): string {
  const days = new Map(Object.entries(before).map(([day, count]) => [Number(day), count]));
  for (const [day, count] of more) days.set(day, (days.get(day) ?? 0) + count);
  const today = dayOf(now);
  // Days after today, counted while the clock was wrong, would never be dropped; and the record has room for MOST_DAYS.
  const kept = [...days].filter(([day]) => day > today - MOST_DAYS && day <= today);
  return JSON.stringify(Object.fromEntries(kept));
}

/** How many were first seen since then, counting whole days only, and when the first of these days began. */
export function forgottenSince(
  days: ForgottenDays,
  since: number,
): { from: number; triples: number } | undefined {
  const counted = Object.entries(days).filter(([day]) => Number(day) * DAY >= since);
  if (counted.length === 0) return undefined;
  const from = Math.min(...counted.map(([day]) => Number(day))) * DAY;
  return { from, triples: counted.reduce((sum, [, count]) => sum + count, 0) };
}
