// greylatch restore: puts a backup in the place of the database, which is set aside.
import { statSync } from 'node:fs';
import { defineCommand } from '../cli/command.ts';
import { JSON_OUTPUT, OPTIONS } from '../cli/options.ts';
import { DamageError } from '../store/damage.ts';
import { nameAside } from '../store/disk/files.ts';
import { restore } from '../store/rescue/replace.ts';
import { explained, explanation, refuseDatabase } from './database.ts';
import { withBar } from './progress.ts';
import { plural } from './text.ts';
import { print } from './write.ts';

export const restoreCommand = defineCommand({
  name: 'restore',
  describe: 'put a backup in the place of the database; the present one is set aside',
  text: [
    'What is on record is replaced, not merged: the present database stays beside the new one as FILE.before-restore-TIME (UTC). The command salvage, with --into FILE, adds to the restored records what only that one knows. Filters go over to the restored file by themselves, for which a request may wait a tenth of a second.',
  ],
  options: { db: OPTIONS.db, json: JSON_OUTPUT },
  positionals: { backup: { required: true, describe: 'a file that greylatch backup has written; it stays' } },
  examples: [['restore /var/backups/greylist.mdb', 'back to what was backed up, while filters run']],
  statuses: { 0: 'restored' },
  async run({ db, backup, json }) {
    refuseDatabase(backup, db, 'a backup');
    const found = explained(backup, () => statSync(backup, { throwIfNoEntry: false }));
    if (found?.isFile() === false) throw new Error(`${backup} is not a file; name a backup`);
    const aside = explained(db, () => nameAside(db, 'before-restore'));
    const { records, wasThere } = await withBar('restoring', (show) => {
      try {
        return restore(db, backup, aside, show);
      } catch (error) {
        // Damage is the backup's: a damaged database makes way. All else is about the database, or says what it is about.
        const about = error instanceof DamageError ? backup : db;
        throw explanation(
          about,
          error,
          'it cannot be restored; greylatch salvage copies what it still holds',
        );
      }
    });
    const kept = wasThere ? `; the database of before is now ${aside}` : '';
    print(
      json
        ? { db, records, aside: wasThere ? aside : undefined }
        : `${db}: ${plural(records, 'record')} restored${kept}\n`,
    );
    return 0;
  },
});
