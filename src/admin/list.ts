// greylatch list: lists what is on record, filtered and sorted.
import { defineCommand } from '../cli/command.ts';
import { JSON_OUTPUT, OPTIONS } from '../cli/options.ts';
import type { Entry } from '../store/admin/entry.ts';
import { lastOf, stateOf } from './entry.ts';
import { entriesText, releasesText, waitOf } from './list/print.ts';
import { eachEntry, withRecords } from './records.ts';
import { checkClient, loosely, mayConcern, recordTest, SELECTION, selectionOf } from './select.ts';
import { LIVES, livesOf, WHERE } from './where.ts';
import { print } from './write.ts';

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
      choices: ['waiting', 'passed', 'whitelisted', 'released'],
      describe: 'only triples that wait, or passed; whitelisted clients; what greylatch release lets pass',
    },
    sort: {
      kind: 'choice',
      choices: ['first', 'last', 'wait'],
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
      const { state, limit, json } = args;
      const now = records.now();
      const selection = selectionOf(args);
      if (selection.client?.includes('/')) checkClient(selection);
      if (state === 'released') {
        const { releases } = await records.peek(ANYBODY);
        const inForce = releases.filter((one) => one.until >= now && mayConcern(one, selection));
        print(releasesText(inForce, limit, json));
        return 0;
      }
      const isMeant = recordTest(loosely(selection));
      const isInState = stateTest(args, now);
      const best = newBest<Entry>(limit, (entry) => rank(entry, args.sort, now));
      await eachEntry(records, (entry) => {
        if (isInState(entry) && isMeant(entry)) best.add(entry);
      });
      const what = state === 'whitelisted' ? 'client' : 'triple';
      print(entriesText(best.all(), best.count(), what, now, json));
      return 0;
    }),
});

type Args = Parameters<typeof listCommand.run>[0];

/** Whether an entry is in the state of --state; without that, all triples are meant that have not expired. */
function stateTest(args: Args, now: number): (entry: Entry) => boolean {
  const { state, 'auto-whitelist': threshold } = args;
  const lives = livesOf(args);
  const meant: readonly string[] = state === undefined ? ['waiting', 'passed'] : [state];
  return (entry) => meant.includes(stateOf(entry, now, lives, threshold));
}

/** Any triple: `peek` returns the releases with it. */
const ANYBODY = { client: '', sender: '', recipient: '' };

function rank(entry: Entry, sort: Args['sort'], now: number): number {
  if (entry.kind === 'client') return sort === 'last' ? entry.lastSeen : entry.comeBacks;
  if (sort === 'first') return entry.firstSeen;
  return sort === 'last' ? lastOf(entry) : waitOf(entry, now);
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
