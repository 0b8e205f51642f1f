// greylatch salvage: copies what a damaged file still holds into a database, by hand what filters do by themselves.
import { accessSync, constants, lstatSync, type Stats } from 'node:fs';
import { defineCommand } from '../cli/command.ts';
import { JSON_OUTPUT } from '../cli/options.ts';
import { salvageInto } from '../store/rescue/salvage.ts';
import { explained } from './database.ts';
import { withBar } from './progress.ts';
import { plural } from './text.ts';
import { print } from './write.ts';

const SAVED = 0;
const NOTHING = 1;

export const salvageCommand = defineCommand({
  name: 'salvage',
  describe: 'copy what a damaged file still holds into a database',
  options: {
    into: { kind: 'path', required: true, describe: 'the database; what it has already stays' },
    json: JSON_OUTPUT,
  },
  positionals: { damaged: { required: true, describe: 'the damaged file; it stays as it is' } },
  examples: [
    [
      'salvage greylist.mdb.damaged-20261124T020304Z --into greylist.mdb',
      'by hand what the filter does by itself',
    ],
  ],
  statuses: {
    [SAVED]: 'what could be read was copied',
    [NOTHING]: 'nothing could be read, as of what is no database',
  },
  async run({ damaged, into, json }) {
    const from = look(damaged);
    if (from?.isFile() !== true) throw new Error(`${damaged} is not a file; name the damaged database`);
    const there = explained(into, () => lstatSync(into, { throwIfNoEntry: false }));
    if (there?.ino === from.ino && there.dev === from.dev) {
      throw new Error(`${into} is the damaged file itself; name another one with --into`);
    }
    const { records, pages } = await withBar('saving', (show) =>
      explained(into, () => salvageInto(into, damaged, ({ pages, of }) => show(of === 0 ? 0 : pages / of))),
    );
    const told =
      pages === 0
        ? `nothing saved: no page of ${damaged} holds records; is it a database?`
        : `${plural(records, 'record')} saved from ${plural(pages, 'page')} of ${damaged} into ${into}`;
    print(json ? { damaged, into, records, pages } : `${told}\n`);
    return pages === 0 ? NOTHING : SAVED;
  },
});

/** Throws an Error for the user where it is there and cannot be read. */
function look(damaged: string): Stats | undefined {
  try {
    const found = lstatSync(damaged, { throwIfNoEntry: false });
    if (found !== undefined) accessSync(damaged, constants.R_OK);
    return found;
  } catch (error) {
    throw new Error(`${damaged} cannot be read: ${(error as Error).message}`);
  }
}
