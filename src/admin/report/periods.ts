// The last days, or hours, one by one. Pure but for the local time zone.
import { addTo, newTally, percentile, type Tally } from '../history/tally.ts';
import type { Periods } from './facts.ts';

const HOUR = 3600;
const HOURLY = 2 * 86_400; // seconds; a longer time is shown by the day
const MOST = 60;

/** `completeFrom`: nothing that was first seen from then on was forgotten. All times in seconds since the epoch. */
export function newPeriods(since: number, now: number, completeFrom: number) {
  const unit = now - since <= HOURLY ? 'hour' : 'day';
  const starts = unit === 'hour' ? hours(since, now) : days(since, now);
  const counts = starts.map((start) => ({ start, waits: undefined as Tally | undefined, notBack: 0 }));
  function at(time: number) {
    let low = 0;
    let high = counts.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (counts[middle]!.start <= time) low = middle + 1;
      else high = middle;
    }
    return counts[low - 1]; // undefined: before the first that is shown
  }
  return {
    back(firstSeen: number, wait: number): void {
      const period = at(firstSeen);
      if (period === undefined) return;
      period.waits ??= newTally();
      addTo(period.waits, wait);
    },
    notBack(firstSeen: number): void {
      const period = at(firstSeen);
      if (period !== undefined) period.notBack++;
    },
    periods: (): Periods => ({
      unit,
      list: counts.map(({ start, waits, notBack }) => ({
        start,
        back: waits?.count ?? 0,
        notBack: Math.max(start, since) < completeFrom ? null : notBack,
        median: waits && percentile(waits, 0.5),
        percentile95: waits && percentile(waits, 0.95),
      })),
    }),
  };
}

function hours(since: number, now: number): number[] {
  const first = Math.floor(since / HOUR) * HOUR;
  return Array.from({ length: Math.floor((now - first) / HOUR) + 1 }, (_, i) => first + i * HOUR).slice(
    -MOST,
  );
}

/** Midnights, also where a day is longer or shorter because the clock is changed. */
function days(since: number, now: number): number[] {
  const today = new Date(now * 1000);
  const starts: number[] = [];
  for (let back = 0; back < MOST; back++) {
    const day = new Date(today.getFullYear(), today.getMonth(), today.getDate() - back);
    starts.unshift(day.getTime() / 1000);
    if (starts[0]! <= since) break;
  }
  return starts;
}
