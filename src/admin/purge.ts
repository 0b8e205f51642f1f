// greylatch purge: forget what has expired, now. The filters do it by and by.
import { defineCommand } from '../cli/command.ts';
import { JSON_OUTPUT } from '../cli/options.ts';
import type { Name } from '../store/edit.ts';
import { RELEASES, readReleases, writeReleases } from '../store/releases.ts';
import type { Entry } from '../store/scan.ts';
import { clientCounts, type Limits, tripleCounts } from '../store/store.ts';
import { newBar } from './progress.ts';
import { eachEntry, LIVES, WHERE, withRecords } from './records.ts';
import { nameOf } from './release.ts';
import { plural } from './text.ts';

export const purgeCommand = defineCommand({
  name: 'purge',
  describe: 'forget what has expired, now; the filters do it by and by',
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
      const limits = { retryWindow: args['retry-window'], maxAge: args['max-age'], maxWaiting: 0 };
      const names: Name[] = [];
      await eachEntry(records, 'reading', (entry) => {
        if (hasExpired(entry, now, limits)) names.push(nameOf(entry));
      });
      const bar = newBar('forgetting');
      let done = 0;
      function* changes() {
        for (const name of names) {
          yield {
            name,
            // It may have come back meanwhile.
            change: (before: Entry | undefined) =>
              before !== undefined && hasExpired(before, now, limits) ? ('forget' as const) : undefined,
          };
          bar.show(++done / names.length);
        }
      }
      const forgotten = await records.edit(async (editor) => {
        await editor.changeJointly([
          {
            names: [{ house: RELEASES }],
            change([before]) {
              if (before?.kind !== 'house') return [undefined];
              const kept = readReleases(before.text).filter(({ until }) => until >= now);
              return [kept.length === 0 ? 'forget' : { kind: 'house', text: writeReleases(kept) }];
            },
          },
        ]);
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

/** What was first seen in the future may be right again when the clock is. */
function hasExpired(entry: Entry, now: number, limits: Limits): boolean {
  if (entry.kind === 'client') return !clientCounts(entry.lastSeen, now, limits);
  const { firstSeen, passed, lastPassed } = entry;
  return firstSeen <= now && !tripleCounts(firstSeen, passed ? lastPassed : 0, now, limits);
}
