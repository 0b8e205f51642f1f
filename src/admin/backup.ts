// greylatch backup: the database as it is now, in a file of its own.
import { statSync } from 'node:fs';
import { defineCommand } from '../cli/command.ts';
import { JSON_OUTPUT, OPTIONS } from '../cli/options.ts';
import { UsageError } from '../cli/values.ts';
import { checkPlace } from '../store/disk/place.ts';
import { copyTo } from '../store/rescue/replace.ts';
import { doesNotExist, explained, refuseDatabase } from './database.ts';
import { withBar } from './progress.ts';
import { bytes, plural } from './text.ts';
import { checkDirectory, print } from './write.ts';

export const backupCommand = defineCommand({
  name: 'backup',
  describe: 'write the database as it is now to a file, while filters run',
  text: [
    'The file is a database itself, without empty pages, one state as a whole with all that is on record (an export has no releases and no histories of deferrals), readable by its owner only; it is put in place in one step when it is complete. With --privacy, keep the .secret file beside the database as well.',
  ],
  options: { db: OPTIONS.db, json: JSON_OUTPUT },
  positionals: { file: { required: true, describe: 'the file to write; one that is there is replaced' } },
  examples: [['backup /var/backups/greylist.mdb', 'from cron']],
  statuses: { 0: 'written' },
  async run({ db, file, json }) {
    if (file === '-') throw new UsageError('backup: name a file; standard output will not do');
    refuseDatabase(file, db);
    checkDirectory(file);
    explained(file, () => checkPlace(file, ''), 'name another file');
    const records = await withBar('copying', (show) => explained(db, () => copyTo(db, file, show)));
    if (records === undefined) throw doesNotExist(db);
    const { size } = statSync(file);
    print(json ? { file, records, size } : `${file}: ${plural(records, 'record')}, ${bytes(size)}\n`);
    return 0;
  },
});
