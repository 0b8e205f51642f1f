// The page's plots: SVG without a view box, with widths in per cent and heights in pixels, so that text and lines keep their
// size from a phone to a wide screen.
import { grouped, localTime, span } from '../text.ts';
import type { Bin, Period, Periods } from './facts.ts';
import { escaped } from './markup.ts';
import { binName } from './words.ts';

const HEIGHT = 150; // pixels
const BOTTOM = 22; // below the axis, for its labels
const LABELS = 6;

const shown = (n: number) => String(Math.round(n * 100) / 100);

/** A bar for each bin, one below the other. */
export function histogramOf(bins: readonly Bin[]): string {
  const most = Math.max(...bins.map(({ mails }) => mails));
  const rows = bins.map((bin) => {
    const width = shown(bin.mails === 0 ? 0 : Math.max(0.5, (100 * bin.mails) / most));
    return (
      `<div class="bin"><span>${escaped(binName(bin))}</span>` +
      `<svg role="img" aria-label="${grouped(bin.mails)} mails" height="16"><rect class="back" width="${width}%" height="16" rx="2"/></svg>` +
      `<span class="n">${grouped(bin.mails)}</span></div>`
    );
  });
  return `<div class="bins">\n${rows.join('\n')}\n</div>`;
}

/** What came back and what did not, stacked. */
export function outcomesByPeriod({ unit, list }: Periods): string {
  const most = Math.max(1, ...list.map(({ back, notBack }) => back + (notBack ?? 0)));
  const bars = list.map((period, i) => {
    const { back, notBack } = period;
    const low = (back / most) * HEIGHT;
    const high = ((notBack ?? 0) / most) * HEIGHT;
    const text = `${label(period, unit)}: ${grouped(back)} came back, ${notBack === null ? 'the rest is forgotten' : `${grouped(notBack)} did not`}`;
    return `<g><title>${escaped(text)}</title>${rect('back', i, list.length, HEIGHT - low, low)}${rect('not', i, list.length, HEIGHT - low - high, high)}</g>`;
  });
  const name = `Mails that came back and triples that did not, by the ${unit}; at most ${grouped(most)}`;
  const scale = [most, Math.floor(most / 2)].map(
    (value): Tick => [HEIGHT - (value / most) * HEIGHT, grouped(value)],
  );
  return `${figure(name, scale, [...bars, ...axis(list, unit)])}${legend([
    ['back', 'came back'],
    ['not', 'did not, so far'],
  ])}`;
}

/** The median wait and the 95th percentile, on a logarithmic scale. */
export function waitsByPeriod({ unit, list }: Periods): string {
  const values = list.flatMap(({ median, percentile95 }) => [median ?? 0, percentile95 ?? 0]);
  const ticks = [60, 300, 1800, 3 * 3600, 86_400, 7 * 86_400];
  const top = ticks.find((tick) => tick >= Math.max(...values)) ?? Math.max(...values);
  const y = (seconds: number) =>
    HEIGHT - (Math.log(Math.max(seconds, 30) / 30) / Math.log(top / 30)) * HEIGHT;
  const line = (kind: string, of: (period: Period) => number | undefined) =>
    list.flatMap((period, i) => {
      const value = of(period);
      if (value === undefined) return [];
      const before = i === 0 ? undefined : of(list[i - 1]!);
      const at = `${shown(middle(i, list.length))}%`;
      const dot = `<circle class="${kind}" cx="${at}" cy="${shown(y(value))}" r="3"><title>${escaped(`${label(period, unit)}: ${span(value)}`)}</title></circle>`;
      if (before === undefined) return [dot];
      return [
        `<line class="${kind}" x1="${shown(middle(i - 1, list.length))}%" y1="${shown(y(before))}" x2="${at}" y2="${shown(y(value))}"/>`,
        dot,
      ];
    });
  const lines = [...line('slow', (p) => p.percentile95), ...line('back', (p) => p.median)];
  const scale = ticks.filter((tick) => tick <= top).map((tick): Tick => [y(tick), span(tick)]);
  const name = `Median wait and 95th percentile by the ${unit}`;
  return `${figure(name, scale, [...lines, ...axis(list, unit)])}${legend([
    ['back', 'half of the mails waited no longer'],
    ['slow', '95 % waited no longer'],
  ])}`;
}

type Tick = [y: number, text: string];

/** The scale is a picture of its own, so that the plot stays beside it at any width. */
function figure(name: string, scale: Tick[], parts: string[]): string {
  const height = HEIGHT + BOTTOM;
  const texts = scale.map(
    ([y, text]) => `<text x="44" y="${shown(y + 4)}" text-anchor="end">${escaped(text)}</text>`,
  );
  const grid = scale.map(([y]) => `<line class="grid" x1="0" x2="100%" y1="${shown(y)}" y2="${shown(y)}"/>`);
  return `<div class="framed"><svg aria-hidden="true" height="${height}">${texts.join('')}</svg>
<svg role="img" aria-label="${escaped(name)}" height="${height}">
${[...grid, ...parts].join('\n')}
</svg></div>`;
}

function legend(entries: [kind: string, text: string][]): string {
  return `<p class="legend">${entries.map(([kind, text]) => `<span><i class="${kind}"></i>${escaped(text)}</span>`).join(' ')}</p>`;
}

function middle(i: number, count: number): number {
  return (100 * (i + 0.5)) / count;
}

function rect(kind: string, i: number, count: number, y: number, height: number): string {
  const width = 80 / count;
  return `<rect class="${kind}" x="${shown(middle(i, count) - width / 2)}%" y="${shown(y)}" width="${shown(width)}%" height="${shown(height)}"/>`;
}

/** The axis, with as many labels as a phone has room for; the last period always has one. */
function axis(list: Period[], unit: Periods['unit']): string[] {
  const step = Math.ceil(list.length / LABELS);
  const labels = list.flatMap((period, i) => {
    if ((list.length - 1 - i) % step !== 0) return [];
    const anchor =
      list.length > LABELS && i === list.length - 1
        ? ' text-anchor="end" x="100%"'
        : ` text-anchor="middle" x="${shown(middle(i, list.length))}%"`;
    return [`<text${anchor} y="${HEIGHT + 16}">${escaped(short(period, unit))}</text>`];
  });
  return [`<line class="axis" x1="0" x2="100%" y1="${HEIGHT}" y2="${HEIGHT}"/>`, ...labels];
}

/** `11-24`, or `13:00`. */
function short({ start }: Period, unit: Periods['unit']): string {
  return unit === 'day' ? localTime(start).slice(5, 10) : localTime(start).slice(11, 16);
}

function label({ start }: Period, unit: Periods['unit']): string {
  return unit === 'day' ? localTime(start).slice(0, 10) : localTime(start).slice(0, 16);
}
