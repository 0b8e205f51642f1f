// greylatch list: lists what is on record, filtered and sorted.
import { defineCommand } from '../cli/command.ts';
import { JSON_OUTPUT, OPTIONS } from '../cli/options.ts';
import type { ClientEntry, Entry, TripleEntry } from '../store/admin/entry.ts';
import type { Release } from '../store/releases.ts';
import { clientCounts, tripleCounts } from '../store/store.ts';
import { lastOf } from './entry.ts';
import { eachEntry, LIVES, livesOf, WHERE, withRecords } from './records.ts';
import { checkClient, loosely, mayConcern, recordTest, SELECTION, selectionOf } from './select.ts';
import {
  ago,
  asciiJson,
  day,
  daysAgo,
  localTime,
  paintForOutput,
  plural,
  span,
  table,
  visible,
} from './text.ts';

const STATES = ['waiting', 'passed', 'whitelisted', 'released'] as const;
const SORTS = ['first', 'last', 'wait'] as const;

export const listCommand = defineCommand({
  name: 'list',
  describe: 'list what is on record: triples, or with --state the clients of the auto-whitelist, or releases',
  text: [
    'A text without * and ? matches wherever it stands in an address; @example.org is all of a domain. What has expired is left out; the options of the filter say what has. Bytes that are not ASCII are shown as \\xNN, and may be given so; in JSON they are \\u00NN, and times are seconds since 1970.',
  ],
  options: {
    ...WHERE,
    ...SELECTION,
    state: {
      kind: 'choice',
      choices: STATES,
      describe: 'only triples that wait, or passed; whitelisted clients; what greylatch release lets pass',
    },
    sort: {
      kind: 'choice',
      choices: SORTS,
      default: 'last',
      describe: 'by first sight, by last sight, or by how long they waited; what is most comes first',
    },
    limit: { kind: 'count', default: '50', describe: 'how many are shown; 0: all' },
    ...LIVES,
    'auto-whitelist': OPTIONS['auto-whitelist'],
    json: { ...JSON_OUTPUT, describe: 'the same facts for programs, a line of JSON for each' },
  },
  positionals: {},
  examples: [
    ['list --state waiting --recipient bob@example.net', 'the mail that bob is waiting for'],
    ['list --client 192.0.2.0/24 --sort wait', 'who of a network waited longest'],
    ['list --state whitelisted --limit 0 --json', 'the auto-whitelist, for a program'],
    ['list --state released', 'what greylatch release lets pass, and until when'],
  ],
  statuses: { 0: 'listed, if only that there is nothing' },
  run: (args) =>
    withRecords(args, async (records) => {
      const { state, sort, limit, json } = args;
      const now = records.now();
      const selection = selectionOf(args);
      if (selection.client?.includes('/')) checkClient(selection);
      if (state === 'released') {
        const { releases } = await records.peek(ANYBODY);
        const inForce = releases.filter((one) => one.until >= now && mayConcern(one, selection));
        return listReleases(inForce, limit, json);
      }
      const lives = livesOf(args);
      const threshold = args['auto-whitelist'];
      const isMeant = recordTest(loosely(selection));
      const best = newBest<Entry>(limit, (entry) => rank(entry, sort, now));
      await eachEntry(records, (entry) => {
        if ((state === 'whitelisted') !== (entry.kind === 'client')) return;
        const wanted =
          entry.kind === 'client'
            ? threshold > 0 && entry.comeBacks > threshold && clientCounts(entry.lastSeen, now, lives)
            : state !== (entry.passed ? 'waiting' : 'passed') &&
              tripleCounts(entry.firstSeen, entry.lastPassed, now, lives);
        if (wanted && isMeant(entry)) best.add(entry);
      });
      const entries = best.all();
      if (json) process.stdout.write(jsonLines(entries));
      else {
        const paint = paintForOutput();
        const heading = (row: number, _: number, cell: string) => (row === 0 ? paint('bold', cell) : cell);
        const rows =
          state === 'whitelisted'
            ? clientRows(entries as ClientEntry[], now)
            : tripleRows(entries as TripleEntry[], now);
        if (entries.length > 0) process.stdout.write(table(rows, RIGHT, heading));
        const what = state === 'whitelisted' ? 'client' : 'triple';
        process.stdout.write(`${counted(entries.length, best.count(), what)}\n`);
      }
      return 0;
    }),
});

/** Any triple: `peek` returns the releases with it. */
const ANYBODY = { client: '', sender: '', recipient: '' };

/** Prints the releases, the one that ends first on top. */
function listReleases(releases: readonly Release[], limit: number, json: boolean): number {
  const sorted = releases.toSorted((a, b) => a.until - b.until);
  const some = limit > 0 ? sorted.slice(0, limit) : sorted;
  if (json) process.stdout.write(jsonLines(some));
  else {
    const shown = (text: string | undefined) => (text === undefined ? '*' : visible(text));
    const rows = some.map(({ until, client, sender, recipient }) => [
      localTime(until),
      ...[client, sender, recipient].map(shown),
    ]);
    if (rows.length > 0) process.stdout.write(table([['until', 'client', 'sender', 'recipient'], ...rows]));
    process.stdout.write(`${counted(some.length, sorted.length, 'release')}\n`);
  }
  return 0;
}

/** `3 triples`, or `3 of 5 triples (--limit)`. */
function counted(shown: number, all: number, what: string): string {
  return shown < all ? `${shown} of ${plural(all, what)} (--limit)` : plural(all, what);
}

const RIGHT = [1, 2];

function rank(entry: Entry, sort: (typeof SORTS)[number], now: number): number {
  if (entry.kind === 'client') return sort === 'last' ? entry.lastSeen : entry.comeBacks;
  if (sort === 'first') return entry.firstSeen;
  return sort === 'last' ? lastOf(entry) : waitOf(entry, now);
}

function waitOf({ passed, wait, firstSeen }: TripleEntry, now: number): number {
  return passed ? wait : now - firstSeen;
}

function tripleRows(triples: readonly TripleEntry[], now: number): string[][] {
  const rows = triples.map((triple) => [
    triple.passed ? 'passed' : 'waiting',
    span(waitOf(triple, now)),
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

function jsonLines(all: readonly (Entry | Release)[]): string {
  return all.map((one) => `${asciiJson(one)}\n`).join('');
}

/** Keeps the `limit` items (0: all) that rank highest, of any number. */
function newBest<T>(limit: number, rankOf: (item: T) => number) {
  let kept: { item: T; rank: number }[] = [];
  let count = 0;
  const settle = () => {
    kept.sort((a, b) => b.rank - a.rank);
    if (limit > 0) kept = kept.slice(0, limit);
  };
  return {
    add(item: T) {
      count++;
      kept.push({ item, rank: rankOf(item) });
      if (limit > 0 && kept.length >= 2 * limit + 1000) settle();
    },
    count: () => count,
    all(): T[] {
      settle();
      return kept.map(({ item }) => item);
    },
  };
}
