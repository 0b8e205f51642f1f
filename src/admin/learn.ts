// greylatch learn: whitelists clients that have delivered accepted mail before greylisting was switched on.
import { statSync } from 'node:fs';
import { defineCommand } from '../cli/command.ts';
import { JSON_OUTPUT, OPTIONS } from '../cli/options.ts';
import { clientCounts } from '../store/store.ts';
import { attempt } from './attempt.ts';
import { linesOf } from './import/lines.ts';
import type { ImportedClient } from './import/record.ts';
import type { Merging } from './import.ts';
import { openInput } from './input.ts';
import { CLIENT_KEY, type Keys, keysFrom } from './keys.ts';
import { type Learned, newLearner } from './learn/follow.ts';
import { withBar } from './progress.ts';
import { withRecords } from './records.ts';
import { grouped, jsonLines, localTime, plural, span, table, visible } from './text.ts';
import { LIVES, livesOf, WHERE } from './where.ts';
import { print } from './write.ts';

export const learnCommand = (merging: Merging) =>
  defineCommand({
    name: 'learn',
    describe: "whitelist the clients that have delivered accepted mail, from Postfix's logs",
    text: [
      'Reads logs, packed with gzip or not, with time stamps of syslog or of RFC 3339, and follows each message from its client to the mailbox or next hop that took it. Left out are authenticated users, private addresses, bounces, and mail that was rejected, bounced or thrown away by a content filter.',
      'A log does not say what mynetworks was: relays of your own with public addresses are learned as well, which does no harm. Stamps without a year are taken for the latest that the time of the file allows, in the local time zone.',
      'Give --client-key, the prefixes, --privacy and --auto-whitelist as the filters have them, or they would not find what was learned; and --max-age, since who was not seen for so long is left out.',
    ],
    options: {
      ...WHERE,
      ...LIVES,
      'auto-whitelist': OPTIONS['auto-whitelist'],
      ...CLIENT_KEY,
      'dry-run': { kind: 'flag', describe: 'show who would be whitelisted, change nothing' },
      json: JSON_OUTPUT,
    },
    positionals: { files: { many: true, describe: "Postfix's logs; none, or -: standard input" } },
    examples: [
      ['learn --dry-run /var/log/mail.log*', 'see first who is in there'],
      ['learn -', 'as in: journalctl -o short-iso -u postfix@- | greylatch learn -'],
    ],
    statuses: { 0: 'done' },
    async run(args) {
      const { 'auto-whitelist': threshold, 'dry-run': dryRun, json, files } = args;
      if (threshold === 0) throw new Error('--auto-whitelist 0: no client is ever whitelisted');
      const keys = keysFrom(args);
      const found = await learnFrom(files.length > 0 ? files : ['-']);
      const now = Math.floor(Date.now() / 1000);
      const learned = found.filter(({ lastSeen }) => clientCounts(lastSeen, now, livesOf(args)));
      if (!dryRun) {
        await withRecords(args, (records) =>
          merging(records, (merge) => merge(whitelisted(learned, keys, threshold))),
        );
      }
      const old = found.length - learned.length;
      print(json ? jsonLines(learned) : `${listed(learned, old, dryRun)}${leftOut(old, args['max-age'])}`);
      return 0;
    },
  });

/** Reads the files, oldest first whatever their order: a message may begin in one log and end in the next. */
async function learnFrom(files: readonly string[]): Promise<Learned[]> {
  const age = (file: string) => attempt(() => statSync(file).mtimeMs) ?? 0;
  const learner = newLearner();
  for (const file of files.toSorted((a, b) => age(a) - age(b))) {
    const input = await openInput(file, 1);
    await withBar('reading', async (show) => {
      for await (const line of linesOf(input.chunks)) {
        learner.line(line, input.asOf);
        show(input.part());
      }
    });
  }
  return learner.clients();
}

/**
 * The clients under the filters' keys, with as many come-backs as there were messages, but at least enough for the
 * auto-whitelist.
 */
function* whitelisted(learned: readonly Learned[], keys: Keys, threshold: number): Generator<ImportedClient> {
  const sums = new Map<string, { messages: number; lastSeen: number }>();
  for (const { client, name, messages, lastSeen } of learned) {
    const key = keys({ client, name }).client;
    const sum = sums.get(key) ?? { messages: 0, lastSeen: 0 };
    sums.set(key, { messages: sum.messages + messages, lastSeen: Math.max(sum.lastSeen, lastSeen) });
  }
  for (const [client, { messages, lastSeen }] of sums) {
    const comeBacks = Math.max(messages, threshold + 1);
    yield { kind: 'client', client, comeBacks, lastSeen, origin: 'learn' };
  }
}

function listed(learned: readonly Learned[], old: number, dryRun: boolean): string {
  if (learned.length === 0) {
    return old > 0 ? '' : "0 clients: no mail was found that was delivered; are these logs of Postfix's?\n";
  }
  const rows = learned.map(({ messages, lastSeen, client, name }) => [
    grouped(messages),
    localTime(lastSeen),
    client,
    visible(name),
  ]);
  const done = dryRun ? 'would be whitelisted' : 'whitelisted';
  return `${table([['messages', 'last', 'client', 'name'], ...rows], [0])}${plural(learned.length, 'client')} ${done}\n`;
}

function leftOut(old: number, maxAge: number): string {
  return old > 0 ? `${plural(old, 'client')} left out: not seen for ${span(maxAge)} (--max-age)\n` : '';
}
