// greylatch compact: gives back the space that the database does not use.
import { defineCommand } from '../cli/command.ts';
import { JSON_OUTPUT, OPTIONS } from '../cli/options.ts';
import { compact } from '../store/rescue/replace.ts';
import { doesNotExist, explained, sizeOf } from './database.ts';
import { withBar } from './progress.ts';
import { bytes } from './text.ts';
import { print } from './write.ts';

export const compactCommand = defineCommand({
  name: 'compact',
  describe: 'give the space back: the same records in a file without empty pages',
  text: [
    'Needs the space of the new file beside the old one while it works. Filters go on, and go over to the new file by themselves, for which a request may wait a tenth of a second; nothing that they have stored is lost. Owner and mode stay as they are.',
  ],
  options: { db: OPTIONS.db, json: JSON_OUTPUT },
  positionals: {},
  examples: [['compact', 'after a purge, or a flood of spam']],
  statuses: { 0: 'done' },
  async run({ db, json }) {
    const before = sizeOf(db);
    if (before === 0) throw doesNotExist(db);
    await withBar('compacting', (show) => explained(db, () => compact(db, show)));
    const after = sizeOf(db);
    print(json ? { before, after } : `${db}: ${bytes(before)}, now ${bytes(after)}\n`);
    return 0;
  },
});
