// greylatch lists audit: what each entry of the administrator's lists is still good for, and which clients to add.
import { readFileSync } from 'node:fs';
import { defineCommand } from '../cli/command.ts';
import { JSON_OUTPUT, OPTIONS } from '../cli/options.ts';
import { CLIENTS } from '../lists/clients.ts';
import { readAtOnce } from '../lists/list.ts';
import { type Hits, hitsName, isHitsName, readHits } from '../store/records/hits.ts';
import { eachHouse } from './database.ts';
import {
  type AuditedFile,
  auditClients,
  auditRecipients,
  type HitsOf,
  type ListFile,
  widerClient,
} from './lists/audit.ts';
import { auditText } from './lists/print.ts';
import { newWanted } from './lists/wanted.ts';
import { eachEntry, withRecords } from './records.ts';
import { paintForOutput } from './text.ts';
import { WHERE } from './where.ts';
import { print } from './write.ts';

export const listsCommand = defineCommand({
  name: 'lists',
  describe: 'audit the whitelist files: which entries are hit, dead, shadowed or malformed, and whom to add',
  text: [
    "Name the files as the filter's command line does: a filter counts hits under the name that it was given. An entry is dead when it was not hit since recording began, and shadowed when a wider one matches in its place. A filter writes down once a minute, and when it leaves, which entries matched.",
    'The lines to add name clients of which at least five triples passed after a median wait above --delay, and none was left waiting beyond --retry-window. With --store they are from the records of all hosts; hits are always those of this host, in --db.',
  ],
  options: {
    ...WHERE,
    'whitelist-clients': OPTIONS['whitelist-clients'],
    'whitelist-recipients': OPTIONS['whitelist-recipients'],
    'only-recipients': OPTIONS['only-recipients'],
    delay: OPTIONS.delay,
    'retry-window': OPTIONS['retry-window'],
    json: JSON_OUTPUT,
  },
  positionals: { action: { required: true, choices: ['audit'], describe: 'audit' } },
  examples: [
    [
      'lists audit --whitelist-clients /etc/postfix/postgrey_whitelist_clients',
      'what a list is still good for',
    ],
    ['lists audit', 'only the clients to add'],
  ],
  statuses: { 0: 'printed, whatever was found' },
  async run(args) {
    // First, so that a missing file is reported before anything long is read.
    const clients = args['whitelist-clients'].map(listFile);
    const recipients = args['whitelist-recipients'].map(listFile);
    const only = args['only-recipients'].map(listFile);

    const hits = new Map<string, Hits | undefined>();
    const wanted = await withRecords(args, async (records) => {
      const found = newWanted(records.now(), { delay: args.delay, retryWindow: args['retry-window'] });
      await eachEntry(records, found.add);
      return found.all();
    });
    eachHouse(args.db, (name, text) => {
      if (isHitsName(name)) hits.set(name, readHits(text));
    });
    // The name of a record is bytes, so each character is cut to one.
    const hitsOf: HitsOf = (file, text) => hits.get(latin1(hitsName(file, text)));
    const files: AuditedFile[] = [
      ...auditClients(clients, hitsOf),
      ...auditRecipients(recipients, hitsOf),
      ...auditRecipients(only, hitsOf),
    ];
    const listed = clients.map(({ bytes }) => readAtOnce(CLIENTS, bytes));
    const missing = wanted.filter(({ line }) =>
      listed.every((list) => widerClient(list, line) === undefined),
    );

    const now = Math.floor(Date.now() / 1000);
    print(args.json ? { files, wanted: missing } : auditText(files, missing, now, paintForOutput()));
    return 0;
  },
});

function listFile(path: string): ListFile {
  try {
    return { path, bytes: readFileSync(path) };
  } catch (error) {
    throw new Error(`${path}: cannot be read: ${(error as Error).message}`);
  }
}

function latin1(text: string): string {
  return Buffer.from(text, 'latin1').toString('latin1');
}
