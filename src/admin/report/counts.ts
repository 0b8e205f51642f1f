// What became of triples and mails, counted: by outcome, by how long they waited, and period by period. Pure but for the local
// time zone.
import { type Mail, settledAfter } from '../history/mails.ts';
import { addTo, between, newTally, percentile, type Tally } from '../history/tally.ts';
import type { Triples } from '../history/triples.ts';
import type { Bin, Facts, Kept, Waits } from './facts.ts';
import type { GatherSettings } from './gather.ts';
import { newPeriods } from './periods.ts';

const MINUTE = 60;
const EDGES = [0, 1, 2, 5, 10, 15, 30, 60, 120, 240, 480, 1440].map((minutes) => minutes * MINUTE);

export function newCounter({ firstSeen }: Triples, settings: GatherSettings) {
  const { now, since, retryWindow } = settings;
  const triples = { seen: 0, passed: 0, imported: 0, elsewhere: 0, expired: 0, undecided: 0 };
  const waits = newTally();
  const periods = newPeriods(since, now, retryWindow === 0 ? 0 : now - retryWindow);
  const kept = newKept(settings);
  return {
    /** Counts a triple that passed, it is not known when. */
    imported(first: number): void {
      triples.seen++;
      triples.passed++;
      triples.imported++;
      kept.count(first, true);
    },
    /** Counts a mail, and its triples. */
    mail({ start, pass, triples: parts }: Mail): void {
      triples.seen += parts.length;
      for (const triple of parts) kept.count(firstSeen[triple]!, pass > 0);
      if (pass === 0) {
        periods.notBack(start);
        if (retryWindow > 0 && now - start > retryWindow) triples.expired++;
        else triples.undecided++;
        return;
      }
      triples.passed++;
      triples.elsewhere += parts.length - 1;
      addTo(waits, pass - start);
      periods.back(start, pass - start);
    },
    counts: (): Pick<Facts, 'triples' | 'kept' | 'waits' | 'periods'> => ({
      triples,
      kept: kept.kept(waits),
      waits: waitsOf(waits),
      periods: periods.periods(),
    }),
  };
}

/** Counts the triples that are old enough to have come back, and too young to have been forgotten. */
function newKept({ now, since, retryWindow }: GatherSettings) {
  const settled = settledAfter(retryWindow);
  const from = retryWindow === 0 ? since : Math.max(since, now - retryWindow);
  const until = now - settled;
  let all = 0;
  let notBack = 0;
  return {
    count(firstSeen: number, back: boolean) {
      if (firstSeen < from || firstSeen > until) return;
      all++;
      if (!back) notBack++;
    },
    kept(waits: Tally): Kept | undefined {
      if (all === 0) return undefined;
      const soonEnough = waits.count === 0 ? 1 : between(waits, 0, settled) / waits.count;
      return { from, until, triples: all, notBack, soonEnough };
    },
  };
}

function waitsOf(tally: Tally): Waits {
  const { count, sum } = tally;
  const histogram: Bin[] = EDGES.map((from, i) => ({
    from,
    to: EDGES[i + 1] ?? null,
    mails: between(tally, from, EDGES[i + 1] ?? Number.POSITIVE_INFINITY),
  }));
  const used = histogram.map(({ mails }) => mails > 0);
  return {
    mails: count,
    median: percentile(tally, 0.5),
    percentile95: percentile(tally, 0.95),
    worst: count === 0 ? undefined : tally.worst,
    sum,
    histogram: count === 0 ? [] : histogram.slice(used.indexOf(true), used.lastIndexOf(true) + 1),
  };
}
