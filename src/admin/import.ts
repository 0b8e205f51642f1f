// greylatch import: merges what another greylisting program, or another greylatch, has on record.
import { defineCommand } from '../cli/command.ts';
import { JSON_OUTPUT, OPTIONS } from '../cli/options.ts';
import { FORMATS, SNIFFED } from './import/format.ts';
import { keyed, newSums } from './import/keyed.ts';
import { importFrom, type Merge, type Outcome } from './import/run.ts';
import { openInput } from './input.ts';
import { CLIENT_KEY, keysFrom } from './keys.ts';
import { withBar } from './progress.ts';
import { type Records, withRecords } from './records.ts';
import { grouped, plural } from './text.ts';
import { LIVES, WHERE } from './where.ts';
import { print } from './write.ts';

const ALL = 0;
const PARTLY = 1;

/** Calls `work` with the function that merges into the records. */
export type Merging = <T>(records: Records, work: (merge: Merge) => Promise<T>) => Promise<T>;

export const importCommand = (merging: Merging) =>
  defineCommand({
    name: 'import',
    describe: 'merge what greylist.pl, postgrey, sqlgrey or another greylatch has on record',
    text: [
      'Reads files, or standard input, packed with gzip or not: the output of db_dump, with and without -p, for greylist.db of greylist.pl and for postgrey.db and postgrey_clients.db of postgrey; SQL dumps (sqlite3 .dump, mysqldump, pg_dump) and CSV of sqlgrey; and what greylatch export writes, which has no releases and no histories of deferrals (greylatch restore brings all that greylatch backup has kept).',
      'An import merges: a triple keeps its earliest first and its latest last time, and has passed if it did anywhere. Counts are kept by origin, so that an import may be repeated; counts of different origins add up. When several hosts are imported, name each by --origin.',
      'With --store it merges into the engine, which takes nothing that has expired: give --retry-window and --max-age as the filters have them. A host moves to the engine by "greylatch export | greylatch import --store URL -", and back the same way.',
      'Give --client-key, the prefixes, --sender-key and --privacy as the filters have them, or they would not find what is imported: addresses become subnets, for instance, and the counts of a subnet add up within a file. No file has the names by which --client-key pool knows a pool: there, only what comes from no pool is found. With --greylist suspicious the mail servers of pools pass anyway; without it, greylatch learn takes names from the logs of Postfix.',
      'greylist.pl does not say which triples passed: those count as passed whose client ever came back; of postgrey, those that were seen again after 300 s, its default delay, or later. postgrey and sqlgrey keep networks in the place of many addresses: filters with --client-key address do not find them, those with subnet do. postgrey whitelists a client at its 5th come-back, as filters do with --auto-whitelist 4. Of senders, postgrey keeps no extension, and # for numbers: such mail waits once more. While postgrey runs, db_dump needs -h DIRECTORY, or it misses what is still in memory. Keys of postgrey --privacy are hashes and cannot be imported. Times of sqlgrey in MySQL (CSV) and PostgreSQL have no zone: set TZ to that of their server.',
    ],
    options: {
      ...WHERE,
      ...LIVES,
      ...CLIENT_KEY,
      'sender-key': OPTIONS['sender-key'],
      format: { kind: 'choice', choices: FORMATS, describe: 'what the files are, where they do not show it' },
      origin: {
        kind: 'text',
        describe: 'who has counted; without it, what the file says of that, or else its format',
      },
      json: JSON_OUTPUT,
    },
    positionals: { files: { many: true, describe: 'what to read; none, or -: standard input' } },
    examples: [
      ['import greylist.dump', 'made by: db_dump /var/lib/postfix/greylist.db > greylist.dump'],
      [
        'import --client-key subnet -',
        'as in: db_dump -h /var/lib/postgrey postgrey.db | greylatch import --client-key subnet -',
      ],
      [
        'import --client-key pool --sender-key normalised greylist.dump',
        'where the filters have these options, as in master.cf.snippet',
      ],
      [
        'import --store redis://store.example -',
        'as in: greylatch export | greylatch import --store redis://store.example -',
      ],
      ['import --origin mx1 -', 'as in: ssh mx1 greylatch export | greylatch import --origin mx1 -'],
    ],
    statuses: { [ALL]: 'all was read', [PARTLY]: 'some lines could not be read; the rest was merged' },
    run(args) {
      const keys = keysFrom(args);
      return withRecords(args, (records) =>
        merging(records, async (merge) => {
          const { json, files } = args;
          let status = ALL;
          for (const file of files.length > 0 ? files : ['-']) {
            // Addresses come one to a key, and would only take memory.
            const sum = args['client-key'] === 'address' ? undefined : newSums();
            let networks = 0; // that filters would look for in vain
            const mergeKeyed: Merge = (found) => {
              if (sum === undefined) for (const { client } of found) if (client.includes('/')) networks++;
              return merge(keyed(found, keys, sum));
            };
            const input = await openInput(file, SNIFFED);
            const read = await withBar('importing', (show) => importFrom(input, args, mergeKeyed, show));
            // What a greylatch has exported has the keys of its filters already.
            const isOwn = read.format === 'json' || read.format === 'csv';
            const outcome = { ...read, networks: isOwn ? 0 : networks };
            if (outcome.problems.length > 0) status = PARTLY;
            print(
              json
                ? { file: input.name, ...outcome }
                : `${describe(input.name, { ...outcome, isEmpty: input.first.length === 0 })}\n`,
            );
          }
          return status;
        }),
      );
    },
  });

function describe(name: string, outcome: Outcome & { networks: number; isEmpty: boolean }): string {
  const { networks, isEmpty, format, triples, clients, created, changed, unchanged, expired, problems } =
    outcome;
  const lines = [
    isEmpty
      ? `${name} is empty, as what greylatch export writes where nothing is on record`
      : `${name} (${format}): ${plural(triples, 'triple')} and ${plural(clients, 'client')}`,
    `  ${grouped(created)} new, ${grouped(changed)} changed, ${grouped(unchanged)} known already`,
  ];
  if (expired > 0) lines.push(`  ${grouped(expired)} left out: too old by --retry-window or --max-age`);
  if (networks > 0)
    lines.push(`  ${grouped(networks)} of networks, which filters with --client-key address do not find`);
  for (const { what, count, line } of problems) {
    lines.push(
      `  line ${line} ${what}${count > 1 ? `, and so it is with ${plural(count - 1, 'line')} more` : ''}`,
    );
  }
  return lines.join('\n');
}
