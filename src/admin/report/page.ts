// The facts as one page that needs nothing but a browser: no scripts, and no fonts or images from elsewhere. Makes text;
// writes nothing.
import { grouped, localTime, localTimeAgo } from '../text.ts';
import type { Facts } from './facts.ts';
import { lists, outcomes } from './lists.ts';
import { escaped, paragraph, section, tableOf } from './markup.ts';
import { histogramOf, outcomesByPeriod, waitsByPeriod } from './plots.ts';
import { STYLE } from './style.ts';
import { benefit, caveats, cost, percent, poolSums, spanOrNone } from './words.ts';

// So that even where an escape is missing, the browser runs nothing and loads nothing.
const POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

export function pageOf(db: string, facts: Facts): string {
  const { now, since, advice, waits, periods, retryWindow } = facts;
  const { heading, rows, right } = outcomes(facts);
  const forgotten = periods.list.some(({ notBack }) => notBack === null) && retryWindow > 0;
  return `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="${POLICY}">
<meta name="referrer" content="no-referrer">
<title>greylatch report</title>
<style>${STYLE}</style>
</head>
<body>
<main>
<h1>Is greylisting worth it?</h1>
${paragraph(`${db}, ${localTime(now)}; first seen since ${localTimeAgo(since, now)}`, 'soft')}
${paragraph(benefit(facts), 'lead')}
${paragraph(cost(facts), 'lead')}
${advice === undefined ? '' : paragraph(`Advice: ${advice}`, 'hint')}
${tiles(facts)}
<div class="columns">
${section('How long mail waited', waits.mails === 0 ? '' : histogramOf(waits.histogram))}
${section(heading, tableOf([['', 'triples', 'share', ''], ...rows], right))}
${section(
  `By the ${periods.unit}`,
  periods.list.length < 2 ? '' : outcomesByPeriod(periods),
  forgotten ? paragraph('Older days show only what came back: the rest is forgotten.', 'soft') : '',
)}
${section(`Waits by the ${periods.unit}`, periods.list.length < 2 || waits.mails === 0 ? '' : waitsByPeriod(periods))}
${lists(facts)
  .map((list) => section(list.heading, tableOf(list.rows, list.right)))
  .join('\n')}
</div>
<div class="notes">
${[...poolSums(facts), ...caveats(facts)].map((note) => paragraph(note)).join('\n')}
</div>
</main>
</body>
</html>
`;
}

function tiles({ triples, kept, waits, whitelist }: Facts): string {
  const tile = (value: string, what: string) =>
    `<div class="tile"><b>${escaped(value)}</b><span>${escaped(what)}</span></div>`;
  return `<div class="tiles">
${tile(grouped(triples.seen), 'triples on record')}
${tile(kept === undefined ? '-' : percent(kept.notBack, kept.triples), 'did not come back')}
${tile(spanOrNone(waits.median), 'median wait')}
${tile(spanOrNone(waits.percentile95), '95 % waited no longer')}
${tile(spanOrNone(waits.worst), 'longest wait')}
${tile(grouped(whitelist.whitelisted), 'clients auto-whitelisted')}
</div>`;
}
