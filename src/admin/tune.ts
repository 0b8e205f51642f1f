// greylatch tune: what would other settings have done with the attempts on record? Reads the whole database, changes
// nothing.
import { defineCommand } from '../cli/command.ts';
import { JSON_OUTPUT, OPTIONS } from '../cli/options.ts';
import { eachEntry, withRecords } from './records.ts';
import { forLocale, paintForOutput } from './text.ts';
import { printed } from './tune/print.ts';
import { newReplay } from './tune/replays.ts';
import { WHERE } from './where.ts';
import { print } from './write.ts';

export const tuneCommand = defineCommand({
  name: 'tune',
  describe: 'say what other settings would have done with the attempts on record',
  text: [
    'Replays the times of all attempts on record with delays of 30 s to 15 min, the three client keys, and the ' +
      'auto-whitelist at 1, 2, 5 and 10: how long mail that came back would have waited, and how much of what never ' +
      'came back would have been let in. What the records cannot tell is said below the table. The setting in force ' +
      'is green on a terminal: give --delay, --retry-window and --auto-whitelist as the filters have them.',
  ],
  options: {
    ...WHERE,
    json: JSON_OUTPUT,
    delay: OPTIONS.delay,
    'retry-window': OPTIONS['retry-window'],
    'auto-whitelist': OPTIONS['auto-whitelist'],
  },
  positionals: {},
  examples: [
    ['tune', 'a table of 18 lines'],
    ['tune --delay 5m', 'where the filters run with --delay 5m'],
  ],
  statuses: { 0: 'done' },
  run: (args) =>
    withRecords(args, async (records) => {
      const { json, delay, 'retry-window': retryWindow, 'auto-whitelist': autoWhitelist } = args;
      const now = records.now();
      const db = records.name;
      const replay = newReplay({ now, delay, retryWindow, autoWhitelist });
      await eachEntry(records, replay.take);
      const tuning = replay.tuning();
      const paint = paintForOutput();
      print(json ? { db, ...tuning } : forLocale(printed(db, tuning, paint), process.env));
      return 0;
    }),
});
