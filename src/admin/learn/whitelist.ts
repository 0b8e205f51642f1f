// From the clients in a log to those on the auto-whitelist, under the filters' keys.
import type { ImportedClient } from '../import/record.ts';
import type { Keys } from '../keys.ts';
import type { Learned } from './follow.ts';

const ORIGIN = 'learn';

/** The clients, with as many come-backs as there were messages, but at least enough for the auto-whitelist. */
export function* whitelisted(
  learned: readonly Learned[],
  keys: Keys,
  threshold: number,
): Generator<ImportedClient> {
  const sums = new Map<string, { messages: number; lastSeen: number }>();
  for (const { client, name, messages, lastSeen } of learned) {
    const key = keys({ client, name }).client;
    const sum = sums.get(key) ?? { messages: 0, lastSeen: 0 };
    sums.set(key, { messages: sum.messages + messages, lastSeen: Math.max(sum.lastSeen, lastSeen) });
  }
  for (const [client, { messages, lastSeen }] of sums) {
    const comeBacks = Math.max(messages, threshold + 1);
    yield { kind: 'client', client, comeBacks, lastSeen, origin: ORIGIN };
  }
}
