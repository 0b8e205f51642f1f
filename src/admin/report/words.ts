// Words and sentences that the report's text and its page share.
import { plural, span, visible } from '../text.ts';
import type { Bin, Facts } from './facts.ts';

const MOST_NAME = 44;

/** `26 %`, `0.4 %`; `100 %` only for all of it. */
export function percent(part: number, whole: number): string {
  if (whole === 0) return '-';
  const value = (100 * part) / whole;
  if (value === 0 || value === 100) return `${value} %`;
  return value < 9.95 || value > 99
    ? `${Math.min(99.9, Math.max(0.1, value)).toFixed(1)} %`
    : `${value.toFixed(0)} %`;
}

/** An attribute that fits into a column. */
export function name(text: string): string {
  const shown = visible(text);
  return shown.length <= MOST_NAME ? shown : `${shown.slice(0, MOST_NAME - 1)}…`;
}

export function binName({ from, to }: Bin): string {
  if (to === null) return `over ${span(from)}`;
  return from === 0 ? `under ${span(to)}` : `${span(from)} to ${span(to)}`;
}

/** The time span, or `-` where there is none. */
export function spanOrNone(seconds: number | undefined): string {
  return seconds === undefined ? '-' : span(seconds);
}

/** What greylisting kept out, in one sentence. */
export function benefit({ kept, now, waits }: Facts): string {
  if (kept === undefined) {
    return 'Too early to say what was kept out: nothing on record is old enough, and young enough not to be forgotten.';
  }
  const { from, until, triples, notBack, soonEnough } = kept;
  const when = `${span(now - until)} to ${span(now - from)} ago`;
  const sure =
    waits.mails === 0 ? '' : ` (of what does come back, ${percent(soonEnough, 1)} has by that age)`;
  return `${percent(notBack, triples)} of the ${plural(triples, 'triple')} first seen ${when} did not come back${sure}.`;
}

/** What it costs, in one sentence. */
export function cost({ waits }: Facts): string {
  if (waits.mails === 0) return 'No mail on record was delayed and came back.';
  const { median, percentile95, worst } = waits;
  return `${plural(waits.mails, 'mail')} came back: half of them within ${span(median!)}, 95 % within ${span(percentile95!)}, the last after ${span(worst!)}.`;
}

/** What other client keys would have saved, as far as the records can tell. */
export function poolSums({ pools, waits }: Facts): string[] {
  const { mails, neverPassed, savedByPool, savedBySubnet } = pools;
  const lines: string[] = [];
  if (mails > 0 || savedByPool > 0)
    lines.push(
      `Of the ${span(waits.sum)} that all mail waited, --client-key subnet would have saved ${span(savedBySubnet)}, pool up to ${span(savedByPool)}.`,
    );
  if (neverPassed > 0)
    lines.push(
      `${plural(neverPassed, 'sender and recipient', 'pairs of sender and recipient')} came from several clients and never passed: botnets, or pools that gave up.`,
    );
  return lines;
}

/** What the numbers do not show. */
export function caveats({ triples, retryWindow, pools }: Facts): string[] {
  const notes = [
    'Mail from auto-whitelisted clients leaves no triple, and is not counted. A sender that gave up and wrote again later looks like one long wait.',
  ];
  if (retryWindow > 0)
    notes.unshift(
      `Filters forget what did not come back within ${span(retryWindow)} (--retry-window), and keep what did: only the last ${span(retryWindow)} show both.`,
    );
  if (triples.imported > 0)
    notes.push(
      `${plural(triples.imported, 'triple')} passed without a wait on record (imported, or released).`,
    );
  if (pools.mails + pools.neverPassed > 0)
    notes.push(
      'The names of clients are not on record: any two clients with the same sender and recipient are taken for a pool, so what it would have saved is an upper bound.',
    );
  return notes;
}
