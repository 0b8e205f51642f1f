// What is on record as tables for people, or as JSON, a line for each record. Makes text; writes nothing.
import type { ClientEntry, Entry, TripleEntry } from '../../store/admin/entry.ts';
import type { Release } from '../../store/releases.ts';
import { lastOf } from '../entry.ts';
import {
  ago,
  day,
  daysAgo,
  jsonLines,
  localTime,
  paintForOutput,
  plural,
  span,
  table,
  visible,
} from '../text.ts';

/** Columns of numbers. */
const RIGHT = [1, 2];

/** The entries, all of them triples or clients; `all` is how many there are beyond the limit, too. */
export function entriesText(
  entries: readonly Entry[],
  all: number,
  what: 'triple' | 'client',
  now: number,
  json: boolean,
): string {
  if (json) return jsonLines(entries);
  const paint = paintForOutput();
  const heading = (row: number, _: number, cell: string) => (row === 0 ? paint('bold', cell) : cell);
  const rows =
    what === 'client' ? clientRows(entries as ClientEntry[], now) : tripleRows(entries as TripleEntry[], now);
  return (entries.length > 0 ? table(rows, RIGHT, heading) : '') + counted(entries.length, all, what);
}

/** The releases, the one that ends first on top. */
export function releasesText(releases: readonly Release[], limit: number, json: boolean): string {
  const sorted = releases.toSorted((a, b) => a.until - b.until);
  const some = limit > 0 ? sorted.slice(0, limit) : sorted;
  if (json) return jsonLines(some);
  const shown = (text: string | undefined) => (text === undefined ? '*' : visible(text));
  const rows = some.map(({ until, client, sender, recipient }) => [
    localTime(until),
    ...[client, sender, recipient].map(shown),
  ]);
  const head = ['until', 'client', 'sender', 'recipient'];
  return (rows.length > 0 ? table([head, ...rows]) : '') + counted(some.length, sorted.length, 'release');
}

/** A line: `3 triples`, or `3 of 5 triples (--limit)`. */
function counted(shown: number, all: number, what: string): string {
  return `${shown < all ? `${shown} of ${plural(all, what)} (--limit)` : plural(all, what)}\n`;
}

/** How long it has waited, or waited before it passed. In seconds. */
export function waitOf({ passed, wait, firstSeen }: TripleEntry, now: number): number {
  return passed ? wait : Math.max(0, now - firstSeen); // the clock may have been set back
}

function tripleRows(triples: readonly TripleEntry[], now: number): string[][] {
  const rows = triples.map((triple) => [
    triple.passed ? 'passed' : 'waiting',
    triple.passed && triple.wait === 0 ? '-' : span(waitOf(triple, now)), // imported, or released: nobody knows
    `${triple.deferrals}`,
    localTime(triple.firstSeen),
    ago(lastOf(triple), now),
    visible(triple.client),
    visible(triple.sender),
    visible(triple.recipient),
  ]);
  return [['state', 'waited', 'deferred', 'first', 'last', 'client', 'sender', 'recipient'], ...rows];
}

function clientRows(clients: readonly ClientEntry[], now: number): string[][] {
  const rows = clients.map(({ client, comeBacks, lastSeen }) => [
    visible(client),
    `${comeBacks}`,
    day(lastSeen),
    daysAgo(lastSeen, now),
  ]);
  return [['client', 'come-backs', 'last seen', ''], ...rows];
}
