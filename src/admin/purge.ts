// greylatch purge: forgets what has expired, now; filters do so little by little.
import { defineCommand } from '../cli/command.ts';
import { JSON_OUTPUT } from '../cli/options.ts';
import type { Change } from '../store/admin/change.ts';
import { hasExpired } from './entry.ts';
import { withBar } from './progress.ts';
import { namesOf, withRecords } from './records.ts';
import { changeReleases } from './releases.ts';
import { plural } from './text.ts';
import { LIVES, livesOf, WHERE } from './where.ts';
import { print } from './write.ts';

export const purgeCommand = defineCommand({
  name: 'purge',
  describe: 'forget what has expired, now; filters do so little by little',
  text: [
    'Give the options that the line of the filter in master.cf has. The file does not shrink: the space is used again, and greylatch compact gives it back.',
    'An engine (--store) forgets by itself, at the second; there, a purge is for windows shorter than those of the filters.',
  ],
  options: {
    ...WHERE,
    ...LIVES,
    json: JSON_OUTPUT,
  },
  positionals: {},
  examples: [
    ['purge', 'by the windows that filters have by default'],
    ['purge --retry-window 4h && greylatch compact', 'after a flood of spam'],
  ],
  statuses: { 0: 'purged' },
  run: (args) =>
    withRecords(args, async (records) => {
      const now = records.now();
      const lives = livesOf(args);
      const names = await namesOf(records, (entry) => hasExpired(entry, now, lives));
      // Looked at again: it may have come back meanwhile.
      const change: Change = (before) =>
        before !== undefined && hasExpired(before, now, lives) ? 'forget' : undefined;
      function* changes(show: (part: number) => void) {
        for (const [i, name] of names.entries()) {
          yield { name, change };
          show((i + 1) / names.length);
        }
      }
      const forgotten = await withBar('forgetting', (show) =>
        records.edit(async (editor) => {
          await changeReleases(editor, (before) => before.filter(({ until }) => until >= now));
          return editor.change(changes(show));
        }),
      );
      print(args.json ? { records: forgotten } : `${plural(forgotten, 'expired record')} forgotten\n`);
      return 0;
    }),
});
