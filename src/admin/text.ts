// How commands show facts to people: tables, times, sizes, colours. Makes text; writes nothing.
import { printable } from '../log/log.ts';

/** A terminal that is not dumb, and nobody who said NO_COLOR (which may be empty: then it says nothing). */
export function wantsColour(stream: { isTTY?: boolean }, env: NodeJS.ProcessEnv): boolean {
  return stream.isTTY === true && !env.NO_COLOR && env.TERM !== 'dumb';
}

/** Our characters beyond ASCII, for a locale without them; one for one, so that columns stay. */
const PLAIN: Record<string, string> = Object.fromEntries(
  [...'▁▂▃▄▅▆▇█▏▎▍▌▋▊▉·≥…'].map((character, i) => [character, [...'_.-=+*%#:::####.>~'][i]!]),
);

/** The text for people whose locale may be one without UTF-8: LANG=C, or none, as in cron. */
export function forLocale(text: string, { LC_ALL, LC_CTYPE, LANG }: NodeJS.ProcessEnv): string {
  if (/utf-?8/i.test(LC_ALL || LC_CTYPE || LANG || '')) return text;
  return text.replace(/[^\0-\x7f]/gu, (character) => PLAIN[character] ?? '?');
}

export type Colour = 'bold' | 'red' | 'green' | 'yellow' | 'cyan' | 'dim';

const CODES: Record<Colour, number> = { bold: 1, dim: 2, red: 31, green: 32, yellow: 33, cyan: 36 };

/** Puts a text in a colour, or leaves it as it is. */
export type Paint = (colour: Colour, text: string) => string;

/** A Paint that uses colours if `wanted`. */
export function newPaint(wanted: boolean): Paint {
  return (colour, text) => (wanted ? `\x1b[${CODES[colour]}m${text}\x1b[0m` : text);
}

/** The Paint for what goes to standard output. */
export function paintForOutput(): Paint {
  return newPaint(wantsColour(process.stdout, process.env));
}

/**
 * Rows as lines with aligned columns, two spaces apart, each line with its LF and none with spaces before that; columns whose
 * numbers are in `right` are aligned to the right. `paint` may put a padded cell into colour.
 */
export function table(
  rows: readonly (readonly string[])[],
  right: readonly number[] = [],
  paint: (row: number, column: number, cell: string) => string = (_row, _column, cell) => cell,
): string {
  // Not Math.max(...): of a list that has no limit, there are more rows than a function can have arguments.
  const columns = rows.reduce((most, row) => Math.max(most, row.length), 0);
  const widths = Array.from({ length: columns }, (_, i) =>
    rows.reduce((most, row) => Math.max(most, row[i]?.length ?? 0), 0),
  );
  const line = (row: readonly string[], number: number) =>
    row
      .map((cell, i) => {
        const last = i === row.length - 1 && !right.includes(i);
        const padded = right.includes(i) ? cell.padStart(widths[i]!) : last ? cell : cell.padEnd(widths[i]!);
        return paint(number, i, padded);
      })
      .join('  ')
      .trimEnd();
  return rows.map((row, i) => `${line(row, i)}\n`).join('');
}

const DAY = 86_400;
const UNITS = [
  [DAY, 'd'],
  [3600, 'h'],
  [60, 'min'],
  [1, 's'],
] as const;

/** A time span in at most two units: `45 s`, `1 h 5 min`, `3 d`. */
export function span(seconds: number): string {
  const at = UNITS.findIndex(([unit]) => seconds >= unit);
  if (at < 0) return '0 s';
  const [unit, name] = UNITS[at]!;
  const whole = `${Math.floor(seconds / unit)} ${name}`;
  const next = UNITS[at + 1];
  const rest = next === undefined ? 0 : Math.floor((seconds % unit) / next[0]);
  return rest === 0 || next === undefined ? whole : `${whole} ${rest} ${next[1]}`;
}

/** When that was, seen from `now`: `5 min ago`, `in 2 h`, `now`. Seconds since the epoch. */
export function ago(then: number, now: number): string {
  if (then === now) return 'now';
  return then < now ? `${span(now - then)} ago` : `in ${span(then - now)}`;
}

/** Local time to the second: `2026-11-24 21:28:25`. */
export function localTime(seconds: number): string {
  const date = new Date(seconds * 1000);
  const two = (n: number) => String(n).padStart(2, '0');
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  return `${day} ${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}

/** `2026-11-24 21:28:25 (5 min ago)` */
export function localTimeAgo(then: number, now: number): string {
  return `${localTime(then)} (${ago(then, now)})`;
}

/** A day in UTC, as which it is kept when a client was last seen: `2026-11-24`. */
export function day(seconds: number): string {
  return new Date(seconds * 1000).toISOString().slice(0, 10);
}

/** How long ago that day was: `today`, `yesterday`, `3 days ago`. */
export function daysAgo(then: number, now: number): string {
  const days = Math.floor(now / DAY) - Math.floor(then / DAY);
  return days <= 0 ? 'today' : days === 1 ? 'yesterday' : `${days} days ago`;
}

/** `812 bytes`, `14.2 MiB`. */
export function bytes(count: number): string {
  let size = count;
  let unit = 'bytes';
  for (const next of ['KiB', 'MiB', 'GiB', 'TiB']) {
    if (size < 1024) break;
    size /= 1024;
    unit = next;
  }
  return unit === 'bytes' ? `${count} bytes` : `${size.toFixed(1)} ${unit}`;
}

/** A whole number with its thousands separated: `1,234,567`. */
export function grouped(count: number): string {
  return String(count).replace(/\B(?=(\d{3})+$)/g, ',');
}

/** `1 record`, `2 records`. */
export function plural(count: number, one: string, many = `${one}s`): string {
  return `${grouped(count)} ${count === 1 ? one : many}`;
}

/** JSON in pure ASCII, of texts that are bytes: one that is not ASCII becomes \u00XX. */
export function asciiJson(value: object): string {
  return JSON.stringify(value).replace(/[\x7f-\xff]/g, (byte) => `\\u00${byte.charCodeAt(0).toString(16)}`);
}

/** A line of such JSON for each, with its LF. */
export function jsonLines(all: readonly object[]): string {
  return all.map((one) => `${asciiJson(one)}\n`).join('');
}

/** A line without control characters, which a terminal would obey: they become \xNN. */
export function tame(line: string): string {
  return line.replace(/[\x00-\x1f\x7f-\x9f]/g, printable);
}

/** An attribute, whatever its bytes: those that are not printable ASCII become \xNN; an empty one is shown as `''`. */
export function visible(text: string): string {
  return text === '' ? "''" : printable(text).replaceAll(' ', '\\x20');
}
