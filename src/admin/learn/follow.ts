// Follows messages through Postfix's log, from the client that brought them to the mailbox or next hop that took them, and
// counts them for each client. Knows of no file and no store.
import { addressOf } from '../import/client.ts';
import { keep } from '../import/lines.ts';
import { isOwn } from './own.ts';
import { parseLogLine, stampTime } from './syslog.ts';

/** A client whose mail was accepted and delivered. */
export interface Learned {
  /** As Postfix spells it. */
  client: string;
  /** The verified name that it had last, or `unknown`. */
  name: string;
  messages: number;
  /** When its last message was delivered, in seconds since the epoch. */
  lastSeen: number;
}

interface Message {
  client: string;
  name: string;
  counted: boolean;
}

/** How many undelivered messages are remembered: more than any queue has in a day. */
const MOST_MESSAGES = 200_000;

// QUEUEID: client=name[address][:port], sasl_method=…, sasl_username=…, sasl_sender=…, orig_queue_id=…, orig_client=…
const CLIENT = /^client=([^\s[\]]+)\[(?:IPv6:)?([^\s[\]]+)\](?::\d+)?(?:, (.*))?$/;
const ORIGINAL = /(?:^|, )orig_client=([^\s[\]]+)\[(?:IPv6:)?([^\s[\]]+)\]/;
const DELIVERED = /, dsn=2[.\d]*, status=sent \((.*)/;
/** The programs that deliver; error(8), discard(8) and bounce(8) do not. */
const AGENTS = new Set(['local', 'virtual', 'lmtp', 'smtp', 'pipe']);
/** The reply of a content filter (amavis) that has accepted a message and thrown it away. */
const THROWN_AWAY = /\b(discarded|INFECTED|quarantined)\b/;

export function newLearner(mostMessages = MOST_MESSAGES) {
  const messages = new Map<string, Message>(); // by host and queue id, those mentioned last at the end
  const learned = new Map<string, Learned>();

  function arrived(id: string, text: string): void {
    const message = messageOf(text);
    messages.delete(id); // short queue ids are reused
    if (message === undefined) return;
    messages.set(keep(id), message);
    if (messages.size > mostMessages) messages.delete(messages.keys().next().value!);
  }

  function delivered(message: Message, time: number): void {
    const { client, name } = message;
    const known = learned.get(client);
    message.counted = true;
    learned.set(client, {
      client,
      name: name === 'unknown' && known !== undefined ? known.name : name,
      messages: (known?.messages ?? 0) + 1,
      lastSeen: Math.max(known?.lastSeen ?? 0, time),
    });
  }

  return {
    /** Takes a line of a log that was last written to at `asOf` (seconds since the epoch). Never throws. */
    line(line: string, asOf: number): void {
      const parsed = parseLogLine(line);
      if (parsed === undefined) return;
      const { stamp, host, program, queueId, text } = parsed;
      const id = `${host} ${queueId}`;
      if (program === 'smtpd' && text.startsWith('client=')) {
        arrived(id, text);
        return;
      }
      const message = messages.get(id);
      if (message === undefined) return;
      messages.delete(id);
      // A bounce, or an automatic reply: anybody gets those, so they do not show who writes to you.
      if (program === 'qmgr' && (text === 'removed' || text.startsWith('from=<>'))) return;
      messages.set(keep(id), message);
      if (message.counted || !AGENTS.has(program)) return;
      const said = DELIVERED.exec(text)?.[1];
      if (said === undefined || THROWN_AWAY.test(said)) return;
      const time = stampTime(stamp, asOf);
      if (time !== undefined) delivered(message, time);
    },
    /** The clients, those with the most messages first. */
    clients: (): Learned[] =>
      [...learned.values()].sort((a, b) => b.messages - a.messages || b.lastSeen - a.lastSeen),
  };
}

/** The client that brought the message; undefined where it is one of our own, or a content filter that hands mail back. */
function messageOf(text: string): Message | undefined {
  const match = CLIENT.exec(text);
  if (match === null) return undefined;
  let [, name, address, more = ''] = match as unknown as [string, string, string, string | undefined];
  if (/(?:^|, )sasl_username=/.test(more)) return undefined;
  // A message that a content filter hands back: a filter before the queue does so for its client, one after the queue for a
  // message that has been counted already.
  const original = ORIGINAL.exec(more);
  if (original !== null) {
    if (/(?:^|, )orig_queue_id=(?!NOQUEUE)/.test(more)) return undefined;
    [, name, address] = original as unknown as [string, string, string];
  }
  const client = addressOf(address);
  if (client === undefined || client === 'unknown' || isOwn(client)) return undefined;
  return { client: keep(client), name: keep(name), counted: false };
}
