// greylatch forget: deletes records and takes releases back, so that such mail is new again.
import { setTimeout as sleep } from 'node:timers/promises';
import { defineCommand } from '../cli/command.ts';
import { JSON_OUTPUT } from '../cli/options.ts';
import { addressTest, clientTest } from '../greylist/pattern.ts';
import { type Release, SEEN_WITHIN } from '../store/releases.ts';
import { mayTouch, YES } from './ask.ts';
import { type Editor, namesOf, withRecords } from './records.ts';
import { changeReleases } from './releases.ts';
import { describeSelection, needed, recordTest, SELECTION, type Selection, selectionOf } from './select.ts';
import { plural } from './text.ts';
import { WHERE } from './where.ts';
import { print } from './write.ts';

const NOT = 1;

export const forgetCommand = defineCommand({
  name: 'forget',
  describe: 'delete records, and take releases back: such mail is new again',
  text: [
    'Deletes the triples that match all of the options given; with --client alone also the come-backs of the client, so that it has to earn its place on the auto-whitelist anew. Releases whose options lie within those given are taken back.',
    'With filters that run with --privacy, records bear no addresses and cannot be found by them.',
  ],
  options: { ...WHERE, ...SELECTION, yes: YES, json: JSON_OUTPUT },
  positionals: {},
  examples: [
    ['forget --client 192.0.2.1', 'everything of a client'],
    ["forget --sender '*@spam.example.com' --yes", 'all of a sender domain, without asking'],
    ["forget --client '*' --yes", 'everything'],
  ],
  statuses: { 0: 'forgotten', [NOT]: 'you said no: nothing was changed' },
  async run(args) {
    const { yes, json } = args;
    const selection = needed(selectionOf(args), 'forget');
    return withRecords(args, async (records) => {
      const names = await namesOf(records, recordTest(selection));
      const doing = `delete ${plural(names.length, 'record')} (${describeSelection(selection)})`;
      if (!(await mayTouch(names.length, doing, yes))) return NOT;
      const done = await records.edit(async (editor) => ({
        releases: await takeBack(editor, selection),
        records: await editor.change(names.map((name) => ({ name, change: () => 'forget' as const }))),
      }));
      if (done.releases > 0) await sleep(SEEN_WITHIN); // from now on no filter lets any of it pass
      print(
        json
          ? done
          : `${plural(done.records, 'record')} deleted, ${plural(done.releases, 'release')} taken back\n`,
      );
      return 0;
    });
  },
});

/** Takes releases back; returns how many. */
async function takeBack(editor: Editor, selection: Selection): Promise<number> {
  let taken = 0;
  await changeReleases(editor, (before) => {
    const kept = before.filter((release) => !liesWithin(selection, release));
    taken = before.length - kept.length;
    return kept;
  });
  return taken;
}

/** Whether each pattern of the release matches, or is, the one given; a pattern that is not given matches all. */
function liesWithin({ client, sender, recipient }: Selection, release: Release): boolean {
  const within = (own: string | undefined, given: string | undefined, test: (text: string) => boolean) =>
    given === undefined || /^\*+$/.test(given) || (own !== undefined && (own === given || test(own)));
  return (
    within(release.client, client, clientTest(client ?? '')) &&
    within(release.sender, sender, addressTest(sender ?? '')) &&
    within(release.recipient, recipient, addressTest(recipient ?? ''))
  );
}
