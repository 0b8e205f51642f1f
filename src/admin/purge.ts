// greylatch purge: forgets what has expired, now; filters do so little by little.
import { defineCommand } from '../cli/command.ts';
import { JSON_OUTPUT } from '../cli/options.ts';
import type { Name } from '../store/admin/change.ts';
import type { Entry } from '../store/admin/entry.ts';
import { hasExpired, nameOf } from './entry.ts';
import { newBar } from './progress.ts';
import { eachEntry, LIVES, livesOf, WHERE, withRecords } from './records.ts';
import { changeReleases } from './releases.ts';
import { plural } from './text.ts';

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
      const names: Name[] = [];
      await eachEntry(records, (entry) => {
        if (hasExpired(entry, now, lives)) names.push(nameOf(entry));
      });
      const bar = newBar('forgetting');
      let done = 0;
      function* changes() {
        for (const name of names) {
          yield {
            name,
            // Looked at again: it may have come back meanwhile.
            change: (before: Entry | undefined) =>
              before !== undefined && hasExpired(before, now, lives) ? ('forget' as const) : undefined,
          };
          bar.show(++done / names.length);
        }
      }
      const forgotten = await records.edit(async (editor) => {
        await changeReleases(editor, (before) => before.filter(({ until }) => until >= now));
        return editor.change(changes());
      });
      bar.end();
      process.stdout.write(
        args.json
          ? `${JSON.stringify({ records: forgotten })}\n`
          : `${plural(forgotten, 'expired record')} forgotten\n`,
      );
      return 0;
    }),
});
