// greylatch why: what the filter would answer now, and why. Changes nothing.
import { existsSync } from 'node:fs';
import { type FilterArguments, filterArguments, type Words } from '../cli/arguments.ts';
import { defineCommand } from '../cli/command.ts';
import { JSON_OUTPUT, OPTIONS, type OptionName } from '../cli/options.ts';
import { UsageError } from '../cli/values.ts';
import { policyFrom } from '../filter/policy.ts';
import { emptyRequest, type PolicyRequest, REQUEST_TYPE } from '../greylist/request.ts';
import { secretPath } from '../store/disk/secret.ts';
import { addressOf } from './import/client.ts';
import { openInput } from './input.ts';
import { withRecords } from './records.ts';
import { paintForOutput, table, visible } from './text.ts';
import { WHERE } from './where.ts';
import { explain } from './why/explain.ts';
import { requestsIn } from './why/requests.ts';
import { rowsOf } from './why/rows.ts';
import { print } from './write.ts';

const MOST_BYTES = 2 ** 20;

export const whyCommand = defineCommand({
  name: 'why',
  describe: 'say what the filter would answer to a request now, and each step that leads there',
  text: [
    'Takes the options of the filter: give those that its line in master.cf has. Changes nothing, and makes no database where there is none.',
    'The request is a file as in SMTPD_POLICY_README (with - standard input), or is made from --client, --sender and --recipient.',
  ],
  options: {
    ...OPTIONS,
    ...WHERE,
    client: { kind: 'attribute', describe: "the client's address" },
    sender: { kind: 'attribute', describe: 'the sender' },
    recipient: { kind: 'attribute', describe: 'the recipient' },
    name: { kind: 'attribute', default: 'unknown', describe: 'the verified name of the client' },
    helo: { kind: 'attribute', default: '', describe: 'what the client says after HELO' },
    json: { ...JSON_OUTPUT, describe: 'the same facts for programs, a line of JSON for each request' },
  },
  positionals: { request: { describe: 'a file with requests; -: standard input' } },
  examples: [
    [
      'why --client 192.0.2.1 --sender ann@example.org --recipient bob@example.net',
      'before or after a complaint',
    ],
    [
      'why --whitelist-clients /etc/postfix/postgrey_whitelist_clients request.txt',
      'a request as Postfix sends it',
    ],
  ],
  statuses: { 0: 'answered' },
  async run(args) {
    const settings = settingsOf(args);
    const requests = await requestsOf(args);
    return withRecords(args, async (records) => {
      const now = records.now();
      const warn = (text: string) => process.stderr.write(`greylatch: ${text}\n`);
      // So that the rest of a long list is read, and what is wrong in it reported, before the process ends.
      const later = (work: () => void) => void setImmediate(work);
      const policy = policyFrom(settings, { warn, now: () => now, later });
      const paint = paintForOutput();
      for (const [i, request] of requests.entries()) {
        const explanation = await explain(request, settings, policy, now, records.peek);
        if (args.json) {
          print(explanation);
          continue;
        }
        const rows = rowsOf(explanation, settings, now);
        const answer = rows.length - 1;
        const text = table(rows, [], (row, column, cell) =>
          row === answer && column === 1 ? paint('bold', cell) : cell,
        );
        print(`${i > 0 ? '\n' : ''}${text}`);
      }
      return 0;
    });
  },
});

type Args = Parameters<typeof whyCommand.run>[0];

/** The settings that the filter would make of the same options. */
function settingsOf(args: Args): FilterArguments {
  const words: Words = {};
  for (const name of Object.keys(OPTIONS) as OptionName[]) {
    const value = args[name] as string | number | boolean | string[] | undefined;
    const unit = OPTIONS[name].kind === 'milliseconds' ? 'ms' : '';
    if (Array.isArray(value)) words[name] = value;
    else if (value !== undefined && value !== false) words[name] = [`${value}${unit}`];
  }
  const settings = filterArguments(words);
  if (settings.privacy && !existsSync(secretPath(settings.db))) {
    throw new Error(`${secretPath(settings.db)} does not exist: no filter has run with --privacy yet`);
  }
  return settings;
}

async function requestsOf(args: Args): Promise<PolicyRequest[]> {
  const { request: file, client, sender, recipient, name, helo } = args;
  const given = client !== undefined || sender !== undefined || recipient !== undefined;
  if (file !== undefined && given) throw new UsageError('why: a file, or --client, --sender and --recipient');
  if (file !== undefined) {
    const { first, name } = await openInput(file, MOST_BYTES + 1);
    if (first.length > MOST_BYTES)
      throw new Error(`${name} is longer than 1 MiB; ask about fewer requests at a time`);
    return requestsIn(first, name);
  }
  if (client === undefined || sender === undefined || recipient === undefined) {
    throw new UsageError('why: name a file, or give --client, --sender and --recipient');
  }
  const address = addressOf(client);
  if (address === undefined)
    throw new UsageError(`--client ${visible(client)}: not an address; a verified name is given by --name`);
  return [
    {
      ...emptyRequest(),
      request: REQUEST_TYPE,
      protocol_state: 'RCPT',
      client_address: address,
      client_name: name,
      helo_name: helo,
      sender,
      recipient,
    },
  ];
}
