// From the clients in a log to those on the auto-whitelist: under the key by which the filters look a client up, since under
// any other they would never find it.
import { filterArguments } from '../../cli/arguments.ts';
import { OPTIONS } from '../../cli/options.ts';
import { policyFrom } from '../../filter/policy.ts';
import { emptyRequest } from '../../greylist/request.ts';
import { tripleOf } from '../../greylist/triple.ts';
import type { ImportedClient } from '../import/record.ts';
import type { Learned } from './follow.ts';

const ORIGIN = 'learn';

/** The options of the filter that say what stands for a client on record. */
export const CLIENT_KEY = {
  'client-key': OPTIONS['client-key'],
  'ipv4-prefix': OPTIONS['ipv4-prefix'],
  'ipv6-prefix': OPTIONS['ipv6-prefix'],
  privacy: OPTIONS.privacy,
} as const;

export interface ClientKeyArguments {
  db: string;
  'client-key': string;
  'ipv4-prefix': number;
  'ipv6-prefix': number;
  privacy: boolean;
}

/** What stands for a client, by its address and its verified name. Throws UsageError. */
export function clientKeys(args: ClientKeyArguments): (client: string, name: string) => string {
  const settings = filterArguments({
    db: [args.db],
    'client-key': [args['client-key']],
    'ipv4-prefix': [`${args['ipv4-prefix']}`],
    'ipv6-prefix': [`${args['ipv6-prefix']}`],
    ...(args.privacy ? { privacy: ['true'] } : {}),
  });
  const policy = policyFrom(settings, { warn: () => {}, now: () => 0 });
  return (client, name) =>
    tripleOf({ ...emptyRequest(), client_address: client, client_name: name }, policy).client;
}

/** The clients, with as many come-backs as there were messages, but at least enough for the auto-whitelist. */
export function* whitelisted(
  learned: readonly Learned[],
  keyOf: (client: string, name: string) => string,
  threshold: number,
): Generator<ImportedClient> {
  const sums = new Map<string, { messages: number; lastSeen: number }>();
  for (const { client, name, messages, lastSeen } of learned) {
    const key = keyOf(client, name);
    const sum = sums.get(key) ?? { messages: 0, lastSeen: 0 };
    sums.set(key, { messages: sum.messages + messages, lastSeen: Math.max(sum.lastSeen, lastSeen) });
  }
  for (const [client, { messages, lastSeen }] of sums) {
    const comeBacks = Math.max(messages, threshold + 1);
    yield { kind: 'client', client, comeBacks, lastSeen, origin: ORIGIN };
  }
}
