// The facts as rows of text, with the head as first row: the same for the terminal and for the page.
import { daysAgo, grouped, localTime, span } from '../text.ts';
import type { Facts, Leader } from './facts.ts';
import { name, percent } from './words.ts';

export interface List {
  heading: string;
  rows: string[][];
  /** Columns of numbers. */
  right: number[];
}

/** What became of the triples. */
export function outcomes({ triples, forgotten, retryWindow }: Facts): List {
  const { seen, passed, elsewhere, expired, undecided } = triples;
  const row = (what: string, count: number, note: string) => [
    what,
    grouped(count),
    percent(count, seen),
    note,
  ];
  const window = span(retryWindow);
  const rows = [
    ['on record', grouped(seen), '', ''],
    row('passed', passed, ''),
    row('came back elsewhere', elsewhere, 'the mail passed from another client'),
    row('never came back', expired, 'older than the retry window, and not forgotten yet'),
    row('not decided', undecided, retryWindow === 0 ? 'may come back at any time' : `younger than ${window}`),
  ];
  if (forgotten !== undefined) {
    const from = localTime(forgotten.from).slice(0, 16);
    const note = `never came back, first seen since ${from}; not on record any more`;
    rows.push(['forgotten', grouped(forgotten.triples), '', note]);
  }
  return { heading: 'Triples', rows, right: [1, 2] };
}

/** All lists that have anything in them. */
export function lists(facts: Facts): List[] {
  return [
    leaders('Sender domains that waited longest', 'domain', facts.domains),
    leaders('Clients that waited longest', 'client', facts.clients),
    leaders('Recipients most affected', 'recipient', facts.recipients),
    pools(facts),
    near(facts),
  ].filter(({ rows }) => rows.length > 1);
}

function leaders(heading: string, what: string, list: Leader[]): List {
  const rows = [
    [what, 'mails', 'longest', 'in all'],
    ...list.map(({ name: text, mails, worst, waited }) => [
      name(text),
      grouped(mails),
      span(worst),
      span(waited),
    ]),
  ];
  return { heading, rows, right: [1, 2, 3] };
}

function pools({ pools }: Facts): List {
  const rows = [
    ['sender domain', 'mails', 'clients each', 'waited', 'with pool key'],
    ...pools.domains.map(({ name: domain, mails, clients, waited, saved }) => [
      name(domain),
      grouped(mails),
      clients.toFixed(1),
      span(waited),
      span(waited - saved),
    ]),
  ];
  return { heading: 'Mails that changed from client to client', rows, right: [1, 2, 3, 4] };
}

function near({ whitelist, autoWhitelist, now }: Facts): List {
  const rows = [
    ['client', 'come-backs', 'to go', 'last seen'],
    ...whitelist.near.map(({ client, comeBacks, lastSeen }) => [
      name(client),
      grouped(comeBacks),
      grouped(autoWhitelist + 1 - comeBacks),
      daysAgo(lastSeen, now),
    ]),
  ];
  return { heading: 'Close to the auto-whitelist', rows, right: [1, 2, 3] };
}
