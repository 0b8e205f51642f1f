// What stands for client, sender and recipient on record, for commands that bring records from elsewhere: filters look them up
// under the keys that their own options ask for, and under any other would never find them.
import { filterArguments } from '../cli/arguments.ts';
import type { Values } from '../cli/command.ts';
import { OPTIONS } from '../cli/options.ts';
import { policyFrom } from '../filter/policy.ts';
import { parseAddress } from '../greylist/address.ts';
import type { ClientKeySettings } from '../greylist/client.ts';
import { emptyRequest } from '../greylist/request.ts';
import { tripleOf } from '../greylist/triple.ts';
import type { Triple } from '../store/store.ts';

/** The options of the filter that say what stands for a client. */
export const CLIENT_KEY = {
  'client-key': OPTIONS['client-key'],
  'ipv4-prefix': OPTIONS['ipv4-prefix'],
  'ipv6-prefix': OPTIONS['ipv6-prefix'],
  privacy: OPTIONS.privacy,
} as const;

/** The values of these options; a command about clients only has no --sender-key. */
export type KeyArguments = Values<typeof CLIENT_KEY> & { db: string; 'sender-key'?: string };

/** Of what is known of a request; `name` is the client's verified name. */
export type Keys = (known: { client: string; name?: string; sender?: string; recipient?: string }) => Triple;

/** Throws UsageError. The function throws where the key of --privacy cannot be read. */
export function keysFrom(args: KeyArguments): Keys {
  const settings = filterArguments({
    db: [args.db],
    'client-key': [args['client-key']],
    'ipv4-prefix': [`${args['ipv4-prefix']}`],
    'ipv6-prefix': [`${args['ipv6-prefix']}`],
    'sender-key': [args['sender-key'] ?? OPTIONS['sender-key'].default],
    ...(args.privacy ? { privacy: ['true'] } : {}),
  });
  const policy = policyFrom(settings, { warn: () => {}, now: () => 0 });
  return ({ client, name = '', sender = '', recipient = '' }) =>
    tripleOf(
      {
        ...emptyRequest(),
        client_address: addressWithin(client, policy),
        client_name: name,
        sender,
        recipient,
      },
      policy,
    );
}

/** The first address of a network that lies within one of the filters' subnets; else the text as it is. */
function addressWithin(client: string, { clientKey, ipv4Prefix, ipv6Prefix }: ClientKeySettings): string {
  const [, address, bits] = /^(.+)\/(\d{1,3})$/.exec(client) ?? [];
  const bytes = address === undefined || clientKey === 'address' ? undefined : parseAddress(address);
  if (bytes === undefined) return client;
  return Number(bits) >= (bytes.length === 4 ? ipv4Prefix : ipv6Prefix) ? address! : client;
}
