// greylatch report: is greylisting worth it, and what does it cost? Reads the whole database, changes nothing.
import { defineCommand } from '../cli/command.ts';
import { JSON_OUTPUT, OPTIONS } from '../cli/options.ts';
import { FORGOTTEN, readForgotten } from '../store/records/forgotten.ts';
import { refuseDatabase } from './database.ts';
import { eachEntry, withRecords } from './records.ts';
import { newGathering } from './report/gather.ts';
import { pageOf } from './report/page.ts';
import { printed } from './report/print.ts';
import { forLocale, paintForOutput } from './text.ts';
import { LIVES, livesOf, WHERE } from './where.ts';
import { print, writeOut } from './write.ts';

export const reportCommand = defineCommand({
  name: 'report',
  describe: 'say whether greylisting is worth it, and what it costs',
  text: [
    'Reads all triples first seen in the time of --since: how many came back and passed, the delay they suffered, who ' +
      'waited longest, which mails changed from address to address, and who is close to the auto-whitelist. A triple may ' +
      'come back until the retry window ends, and is forgotten soon after that. So what was kept out is reported for ' +
      'the last retry window only; of the days before, filters keep how many triples they forgot.',
    'Give --delay, --retry-window, --max-age and --auto-whitelist as the filters have them. While filters only observe ' +
      '(--greylist observe), no mail has to come back, and the figures mean nothing.',
  ],
  options: {
    since: { kind: 'duration', default: '7d', describe: 'only what was first seen in this time' },
    ...WHERE,
    json: JSON_OUTPUT,
    html: {
      kind: 'path',
      describe:
        'write a page with plots to this file instead, which needs nothing but a browser; -: standard output',
    },
    delay: OPTIONS.delay,
    ...LIVES,
    'auto-whitelist': OPTIONS['auto-whitelist'],
  },
  positionals: {},
  examples: [
    ['report', 'the last seven days'],
    ['report --since 35d --html report.html', 'a page to look at, also on a phone'],
    ['report --json', 'the same for programs; all times are in seconds'],
  ],
  statuses: { 0: 'done' },
  run: (args) =>
    withRecords(args, async (records) => {
      const { since, json, html, delay, 'auto-whitelist': autoWhitelist } = args;
      if (html !== undefined) refuseDatabase(html, args.db);
      const now = records.now();
      const db = records.name;
      const gathering = newGathering({ now, since: now - since, delay, ...livesOf(args), autoWhitelist });
      await eachEntry(records, gathering.take, {
        onHouse: (name, text) => {
          if (name === FORGOTTEN) gathering.forgotten(readForgotten(text));
        },
      });
      const facts = gathering.facts();
      if (html !== undefined) writeOut(html, pageOf(db, facts));
      if (json) print({ db, ...facts });
      else if (html === undefined) print(forLocale(printed(db, facts, paintForOutput()), process.env));
      return 0;
    }),
});
