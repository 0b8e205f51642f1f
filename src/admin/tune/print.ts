// The replays for people: a table, and what it cannot tell. Makes text; writes nothing.
import { settledAfter } from '../history/mails.ts';
import { type Paint, plural, span, table } from '../text.ts';
import { type Outcome, type Tuning, type Wait, WHITELISTS } from './replays.ts';

/** Columns before those of the first threshold, and columns for each. */
const HEAD = 2;
const EACH = 3;

export function printed(db: string, tuning: Tuning, paint: Paint): string {
  const { mails, notBack, outcomes } = tuning;
  const head = [
    ['', '', ...WHITELISTS.flatMap((n) => ['', `N = ${n}`, ''])],
    ['delay', 'key', ...WHITELISTS.flatMap(() => ['half', '95 %', 'let in'])],
  ];
  const rows = rowsOf(outcomes);
  const cells = rows.map((row) => [
    brief(row[0]!.delay),
    row[0]!.clientKey,
    ...row.flatMap(({ median, percentile95, letIn }) => [
      wait(median),
      wait(percentile95),
      share(letIn, notBack),
    ]),
  ]);
  const shown = table(
    [...head, ...cells],
    Array.from({ length: EACH * WHITELISTS.length }, (_, i) => HEAD + i),
    (row, column, cell) => {
      if (row < head.length) return paint('dim', cell);
      const outcome = rows[row - head.length]![Math.max(0, Math.floor((column - HEAD) / EACH))]!;
      return column >= HEAD && isInForce(outcome, tuning) ? paint('green', cell) : cell;
    },
  );
  return [
    `${paint('bold', 'greylatch tune')}  ${db}: ${plural(mails, 'mail')} that came back, ${plural(notBack, 'triple')} that did not\n\n`,
    shown,
    '\n',
    inForce(tuning),
    ...notes(tuning).map((note) => `${note}\n`),
  ].join('');
}

function rowsOf(outcomes: readonly Outcome[]): Outcome[][] {
  const rows = new Map<string, Outcome[]>();
  for (const outcome of outcomes) {
    const id = `${outcome.delay} ${outcome.clientKey}`;
    rows.set(id, [...(rows.get(id) ?? []), outcome]);
  }
  return [...rows.values()].sort((a, b) => a[0]!.delay - b[0]!.delay);
}

function isInForce(outcome: Outcome, { delay, autoWhitelist, clientKey }: Tuning): boolean {
  return (
    outcome.delay === delay && outcome.autoWhitelist === autoWhitelist && outcome.clientKey === clientKey
  );
}

function inForce(tuning: Tuning): string {
  const outcome = tuning.outcomes.find((one) => isInForce(one, tuning));
  if (outcome === undefined) return '';
  const { delay, clientKey, autoWhitelist, median, percentile95 } = outcome;
  return `In force: ${brief(delay)}, ${clientKey}, N = ${autoWhitelist}: half ${wait(median)}, 95 % ${wait(percentile95)}\n\n`;
}

function wait(value: Wait | undefined): string {
  return value === undefined ? '-' : `${value.atLeast ? '≥' : ''}${brief(value.seconds)}`;
}

function share(letIn: number, of: number): string {
  if (of === 0) return '-';
  if (letIn === 0) return '0 %';
  const value = (100 * letIn) / of;
  return value < 1 ? '<1 %' : `${letIn < of ? Math.min(99, Math.round(value)) : 100} %`;
}

/** `45s`, `5m02`, `1h30`, `2d4h`: as short as a table of many columns needs it. */
export function brief(seconds: number): string {
  const two = (n: number) => String(Math.floor(n)).padStart(2, '0');
  if (seconds < 60) return `${seconds}s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)}m${seconds % 60 === 0 ? '' : two(seconds % 60)}`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)}h${two((seconds % 3600) / 60)}`;
  return `${Math.floor(seconds / 86_400)}d${Math.floor((seconds % 86_400) / 3600)}h`;
}

/** What the table says, and what it cannot. */
function notes({ delay, retryWindow, autoWhitelist, clientKey, early, cut }: Tuning): string[] {
  const lines = [
    'half, 95 %: so many of the mails would have waited no longer. let in: of what did not come back, what had tried',
    '  again, or had got onto the auto-whitelist, and would have passed. Left out are triples younger than',
    `  ${span(settledAfter(retryWindow))}, which may still come back${retryWindow > 0 ? `; and what did not come back within ${span(retryWindow)} is forgotten little by little` : ''}.`,
    `Delays up to the ${span(delay)} in force are exact to the 5 % to which attempts are kept. ≥: with a longer delay, some mails`,
    '  would have had to come again after their last attempt on record, and nobody knows when they would have.',
    'pool: names of clients are not on record. Clients with the same sender and recipient, of whom one came back, are',
    '  taken for a pool: its waits are a lower bound. Its auto-whitelist counts by subnet, as that of the key subnet.',
    'N: --auto-whitelist. Counts the first pass of each triple only, so that a filter would come to it a little sooner.',
  ];
  if (clientKey === 'hidden')
    lines.push(
      'Clients are hashes (--privacy): "address" is whatever key is in force, and subnets cannot be told.',
    );
  if (clientKey === 'subnet' || clientKey === 'pool')
    lines.push(
      `The records were made with --client-key ${clientKey}: what a finer key would do is not in them.`,
    );
  if (autoWhitelist > 0 && autoWhitelist < 10)
    lines.push(
      `Mail that passes by the auto-whitelist (${autoWhitelist} in force) leaves no record: columns beyond ${autoWhitelist} lack it.`,
    );
  if (early > 0)
    lines.push(
      `${plural(early, 'mail')} passed sooner than after ${span(delay)}: is that the --delay of the filters?`,
    );
  if (cut > 0)
    lines.push(`${plural(cut, 'triple')} may have had more attempts than the five whose times are kept.`);
  return lines;
}
