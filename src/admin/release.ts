// greylatch release: lets mail that somebody is waiting for pass at its next attempt.
import { setTimeout as sleep } from 'node:timers/promises';
import { defineCommand } from '../cli/command.ts';
import { JSON_OUTPUT } from '../cli/options.ts';
import { UsageError } from '../cli/values.ts';
import type { Entry } from '../store/admin/entry.ts';
import { type Release, SEEN_WITHIN } from '../store/releases.ts';
import { mayTouch, YES } from './ask.ts';
import { type Editor, namesOf, withRecords } from './records.ts';
import { changeReleases } from './releases.ts';
import { describeSelection, needed, recordTest, SELECTION, selectionOf } from './select.ts';
import { localTime, plural } from './text.ts';
import { LIVES, WHERE } from './where.ts';
import { print } from './write.ts';

const NOT = 1;
const LONGEST = 30 * 86_400; // seconds
/** Seconds, longer than any delay: a triple that was first seen so long ago passes. */
const LONG_AGO = 86_400;

export const releaseCommand = defineCommand({
  name: 'release',
  describe: 'let mail pass at its next attempt: what waits already, and for a while what is still to come',
  text: [
    'Mail that matches all of the options given passes: triples that wait now, at their next attempt, whenever that comes; and during the time of --for any other mail, even if it was never seen before. An address means that address only; @example.org is all of a domain; * and ? match any characters. --client may also be a pattern for the verified name of the client.',
    'A released triple counts as one that has passed. greylatch forget takes a release back. With --store it holds on all hosts, whose filters look once a second for releases.',
    'With filters that run with --privacy, only what is still to come can be released: what is on record bears no addresses.',
  ],
  options: {
    ...WHERE,
    ...SELECTION,
    for: {
      kind: 'duration',
      default: '1h',
      describe: 'how long mail that was not seen yet passes, 30d at most',
    },
    yes: YES,
    ...LIVES,
    json: JSON_OUTPUT,
  },
  positionals: {},
  examples: [
    ['release --recipient bob@example.net --sender @shop.example.com', 'a mail that bob is waiting for'],
    ['release --client 192.0.2.0/24 --for 1d', 'whatever a network sends until tomorrow'],
  ],
  statuses: { 0: 'released', [NOT]: 'you said no: nothing was changed' },
  async run(args) {
    const { for: seconds, yes, json } = args;
    const selection = needed(selectionOf(args), 'release');
    if (seconds > LONGEST) throw new UsageError('--for: 30d at most; for ever, use --whitelist-clients');
    const isMeant = recordTest(selection);
    return withRecords(args, async (records) => {
      const waits = (entry: Entry) => entry.kind === 'triple' && !entry.passed;
      // Where there is no database yet, nothing waits.
      const names = records.isThere()
        ? await namesOf(records, (entry) => waits(entry) && isMeant(entry))
        : [];
      const doing = `release ${plural(names.length, 'triple')} on record (${describeSelection(selection)})`;
      if (!(await mayTouch(names.length, doing, yes))) return NOT;
      const now = records.now();
      const until = now + seconds;
      const done = await records.edit(async (editor) => {
        await addRelease(editor, { ...selection, until }, now);
        return editor.change(names.map((name) => ({ name, change: (before) => released(before, now) })));
      });
      await sleep(SEEN_WITHIN); // from now on it holds with every filter
      print(
        json
          ? { records: done, until }
          : `${plural(done, 'waiting triple')} released; what is still to come passes until ${localTime(until)}\n`,
      );
      return 0;
    });
  },
});

/** The triple as passed, but not as having waited, so that `report` does not count its wait. */
function released(before: Entry | undefined, now: number): Entry | undefined {
  if (before?.kind !== 'triple' || before.passed) return undefined;
  const firstSeen = Math.min(before.firstSeen, now - LONG_AGO);
  return { ...before, firstSeen, passed: true, lastPassed: now, wait: 0, offsets: [] };
}

/** Adds the release; one that differs only in when it ends is replaced. */
async function addRelease(editor: Editor, release: Release, now: number): Promise<void> {
  const same = JSON.stringify({ ...release, until: 0 });
  await changeReleases(editor, (before) => [
    ...before.filter((one) => one.until >= now && JSON.stringify({ ...one, until: 0 }) !== same),
    release,
  ]);
}
