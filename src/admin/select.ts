// Which records, or which mail, a command is about: --client, --sender and --recipient as a test of each record. Pure.
import type { Option } from '../cli/options.ts';
import { UsageError } from '../cli/values.ts';
import { addressTest, clientTest, isNetwork, type Test } from '../greylist/pattern.ts';
import type { Entry } from '../store/admin/entry.ts';

export interface Selection {
  client?: string;
  sender?: string;
  recipient?: string;
}

export const SELECTION = {
  client: {
    kind: 'attribute',
    describe: 'an address, a network (192.0.2.0/24), or a name; * and ? match any',
  },
  sender: { kind: 'attribute', describe: 'an address, @DOMAIN, or a pattern with * and ?' },
  recipient: { kind: 'attribute', describe: 'the same for the recipient' },
} as const satisfies Record<string, Option>;

const NAMES = ['client', 'sender', 'recipient'] as const;

/** The options that were given. */
export function selectionOf(args: Partial<Record<(typeof NAMES)[number], string | undefined>>): Selection {
  return Object.fromEntries(
    NAMES.filter((name) => args[name] !== undefined).map((name) => [name, args[name]]),
  );
}

/** A test of entries. A client's own record has no sender and no recipient: it matches only where neither is given. */
export function recordTest(selection: Selection): (entry: Entry) => boolean {
  const { client, sender, recipient } = selection;
  const ofClient = client === undefined ? anything : clientTest(client);
  const ofSender = sender === undefined ? anything : addressTest(sender);
  const ofRecipient = recipient === undefined ? anything : addressTest(recipient);
  return (entry) => {
    if (!ofClient(entry.client)) return false;
    if (entry.kind === 'client') return sender === undefined && recipient === undefined;
    return ofSender(entry.sender) && ofRecipient(entry.recipient);
  };
}

const anything: Test = () => true;

/**
 * The selection of a command that only looks: a text without * and ?, and without @ in front, matches any part of an
 * address.
 */
export function loosely(selection: Selection): Selection {
  const isExact = (name: string, text: string) =>
    text === '' || /[*?]|^@/.test(text) || (name === 'client' && isNetwork(text));
  return Object.fromEntries(
    Object.entries(selection).map(([name, text]) => [name, isExact(name, text) ? text : `*${text}*`]),
  );
}

/**
 * Whether a release may concern the mail that is selected: its patterns match the selection loosely, or the other way round.
 */
export function mayConcern(release: Selection, selection: Selection): boolean {
  const loose = loosely(selection);
  return NAMES.every((name) => {
    const [own, asked] = [release[name], selection[name]];
    if (own === undefined || asked === undefined) return true;
    const test = name === 'client' ? clientTest : addressTest;
    return test(loose[name]!)(own) || test(own)(asked);
  });
}

/** For messages: `--client 192.0.2.1 --sender @example.org`. */
export function describeSelection(selection: Selection): string {
  return NAMES.filter((name) => selection[name] !== undefined)
    .map((name) => `--${name} ${selection[name] === '' ? "''" : Buffer.from(selection[name]!, 'latin1')}`)
    .join(' ');
}

/** Throws UsageError where the client is neither an address, nor a network, nor a name or pattern. */
export function checkClient({ client }: Selection): void {
  if (client === undefined || /[*?]/.test(client) || isNetwork(client)) return;
  if (client === '' || /[/:]|^[\d.]+$/.test(client))
    throw new UsageError(
      `--client ${client}: write an address, a network (192.0.2.0/24), or a name; * and ? match any characters`,
    );
}

/** Throws UsageError where no option is given, or one that would match nothing, or more than was meant. */
export function needed(selection: Selection, command: string): Selection {
  if (NAMES.every((name) => selection[name] === undefined))
    throw new UsageError(`${command}: say which, with --client, --sender or --recipient`);
  checkClient(selection);
  for (const name of ['sender', 'recipient'] as const) {
    const text = selection[name];
    if (text !== undefined && text !== '' && !/[@*]/.test(text)) {
      throw new UsageError(`--${name} ${text}: write an address, @DOMAIN, or a pattern with *`);
    }
  }
  return selection;
}
