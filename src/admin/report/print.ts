// The facts for people at a terminal. Makes text; writes nothing.
import { type Colour, grouped, localTimeAgo, type Paint, span, table } from '../text.ts';
import { bar, sparkline } from './chart.ts';
import type { Facts, Period } from './facts.ts';
import { lists, outcomes } from './lists.ts';
import { benefit, binName, caveats, cost, poolSums } from './words.ts';

const BAR = 40; // characters
const WIDTH = 100;

export function printed(db: string, facts: Facts, paint: Paint): string {
  const title = (text: string) => paint('bold', text);
  const lines = (colour: Colour, text: string) => text.replace(/^.+$/gm, (line) => paint(colour, line));
  const heading = (row: number, _column: number, cell: string) => (row === 0 ? paint('dim', cell) : cell);
  const triples = outcomes(facts);
  const { since, now } = facts;
  return [
    `${title('greylatch report')}  ${db}, first seen since ${localTimeAgo(since, now)}\n\n`,
    wrapped('Benefit  ', benefit(facts)),
    wrapped('Cost     ', cost(facts)),
    facts.advice === undefined ? '' : lines('yellow', wrapped('Advice   ', facts.advice)),
    `\n${title(triples.heading)}\n${indented(table(triples.rows, triples.right))}`,
    histogram(facts, title),
    periods(facts, title),
    ...lists(facts).map(
      (list) => `\n${title(list.heading)}\n${indented(table(list.rows, list.right, heading))}`,
    ),
    '\n',
    ...[...poolSums(facts), ...caveats(facts)].map((note) => lines('dim', wrapped('', note))),
  ].join('');
}

function histogram({ waits }: Facts, title: (text: string) => string): string {
  if (waits.mails === 0) return '';
  const most = Math.max(...waits.histogram.map(({ mails }) => mails));
  const rows = waits.histogram.map((bin) => [binName(bin), grouped(bin.mails), bar(bin.mails / most, BAR)]);
  return `\n${title('How long mail waited')}\n${indented(table(rows, [0, 1]))}`;
}

function periods({ periods, retryWindow }: Facts, title: (text: string) => string): string {
  const { unit, list } = periods;
  if (list.length < 2) return '';
  type Value = number | null | undefined;
  const row = (what: string, of: (period: Period) => Value, show: (n: number) => string, unit = '') => {
    const values = list.map(of);
    const known = values.filter((value) => value !== undefined && value !== null);
    const range =
      known.length === 0 ? '' : `${show(Math.min(...known))} to ${show(Math.max(...known))}${unit}`;
    return [what, sparkline(values), range];
  };
  const rows = [
    row('came back', ({ back }) => back, grouped, ' mails'),
    row('did not', ({ notBack }) => notBack, grouped, ' triples'),
    row('median wait', ({ median }) => median, span),
    row('95 % within', ({ percentile95 }) => percentile95, span),
  ];
  const forgotten = list.some(({ notBack }) => notBack === null);
  const note = forgotten ? `  (·: more than ${span(retryWindow)} ago, and forgotten)` : '';
  return `\n${title(`The last ${list.length} ${unit}s`)}${note}\n${indented(table(rows))}`;
}

function indented(lines: string): string {
  return lines.replace(/^(?=.)/gm, '  ');
}

function wrapped(label: string, text: string): string {
  const lines: string[] = [];
  let line = label;
  for (const word of text.split(' ')) {
    if (line.length + word.length > WIDTH && line.trim() !== '') {
      lines.push(line.trimEnd());
      line = ' '.repeat(label.length);
    }
    line += `${word} `;
  }
  return `${[...lines, line.trimEnd()].join('\n')}\n`;
}
