// greylatch verify: whether the database is sound. Reads all of it, changes nothing.
import { defineCommand } from '../cli/command.ts';
import { JSON_OUTPUT, OPTIONS } from '../cli/options.ts';
import { hold } from '../store/lmdb/hold.ts';
import { type Verified, verify } from '../store/pages/verify.ts';
import { foreign, wasDatabase } from '../store/rescue/ours.ts';
import { doesNotExist, explained, problemText } from './database.ts';
import { withBar } from './progress.ts';
import { grouped, plural } from './text.ts';
import { print } from './write.ts';

const SOUND = 0;
const DAMAGED = 1;

const MOST_PROBLEMS = 20;

export const verifyCommand = defineCommand({
  name: 'verify',
  describe: 'read the whole database and say whether it is sound',
  options: {
    db: OPTIONS.db,
    json: JSON_OUTPUT,
  },
  positionals: {},
  examples: [['verify --db /var/mta/greylist.mdb', 'also while filters run: it changes nothing']],
  statuses: { [SOUND]: 'the database is sound', [DAMAGED]: 'it is damaged' },
  async run({ db, json }) {
    const verified = await withBar('reading', (show) => explained(db, () => verify(db, show, hold)));
    if (verified === undefined) throw doesNotExist(db);
    const [first] = verified.problems;
    if (verified.pageSize === 0 && first !== undefined && !wasDatabase(db))
      throw new Error(foreign(db, first.what));
    const sound = first === undefined;
    print(json ? { db, sound, ...verified } : `${describe(db, verified)}\n`);
    return sound ? SOUND : DAMAGED;
  },
});

function describe(db: string, verified: Verified): string {
  const { problems, waiting, passed, clients, branches, leaves, free, lost, size, pageSize } = verified;
  const lines = [
    `${db}: ${problems.length === 0 ? 'sound' : 'DAMAGED'}`,
    `  ${plural(waiting, 'triple')} waiting, ${grouped(passed)} passed, ${plural(clients, 'client')} with come-backs`,
    `  ${grouped(size)} bytes in pages of ${grouped(pageSize)}: ${grouped(leaves)} with records, ${grouped(branches)} above them, ${grouped(free)} free`,
  ];
  if (lost > 0) lines.push(`  ${plural(lost, 'page')} that nothing accounts for (no harm; they stay unused)`);
  for (const problem of problems.slice(0, MOST_PROBLEMS)) {
    lines.push(`  ${problemText(problem)}`);
  }
  if (problems.length > MOST_PROBLEMS)
    lines.push(`  and ${plural(problems.length - MOST_PROBLEMS, 'more problem')}`);
  if (problems.length > 0)
    lines.push('A filter saves what it can by itself; by hand: greylatch salvage FILE --into NEW');
  return lines.join('\n');
}
