// Reading all records of the fleet, for the administrator's commands: by SCAN, a few at a time, never by KEYS, which
// would hold up every host. What comes and goes meanwhile may be missed; nothing that stays is, and nothing comes twice.
import type { Redis } from 'ioredis';
import type { Entry } from '../scan.ts';
import type { Address } from './address.ts';
import { type Client, newClient } from './client.ts';
import { PATTERN, readEntry } from './key.ts';
import type { Secrets } from './secrets.ts';
import { explain } from './trouble.ts';

/** How long an administrator's command waits for a connection, in milliseconds. */
const PATIENCE = 5000;
const AT_ONCE = 500;

/** The entries, in no order, and how many keys there were when the reading began. */
export interface FleetScan {
  entries: AsyncGenerator<Entry>;
  keys: number;
}

/** Opens a connection. Throws Error with what is wrong and what to do. Give it back with `disconnect()`. */
export async function connect(address: Address, secrets: Secrets): Promise<Client> {
  const client = newClient(address, secrets, PATIENCE);
  let trouble: unknown;
  client.on('error', (error) => {
    trouble = error;
  });
  try {
    await client.connect();
    await client.exists('');
    return client;
  } catch (error) {
    client.disconnect();
    throw new Error(`cannot use the store: ${explain(trouble ?? error)}`);
  }
}

export async function scanFleet(client: Client): Promise<FleetScan> {
  const nodes = 'nodes' in client ? client.nodes('master') : [client];
  const sizes = await Promise.all(nodes.map((node) => node.dbsize()));
  return { entries: entries(nodes), keys: sizes.reduce((sum, size) => sum + size, 0) };
}

async function* entries(nodes: Redis[]): AsyncGenerator<Entry> {
  for (const node of nodes) {
    // SCAN may show a key twice while the engine's table grows or shrinks.
    const seen = new Set<string>();
    for (let cursor = '0'; ; ) {
      const [next, keys] = await node.scanBuffer(cursor, 'MATCH', PATTERN, 'COUNT', AT_ONCE);
      const fresh = keys.filter((key) => {
        const text = key.toString('latin1');
        return !seen.has(text) && seen.add(text) !== undefined;
      });
      const values = await Promise.all(fresh.map((key) => node.getBuffer(key).catch(() => null)));
      for (const [i, key] of fresh.entries()) {
        const value = values[i];
        const entry = value === null || value === undefined ? undefined : readEntry(key, value);
        if (entry !== undefined) yield entry;
      }
      cursor = next.toString();
      if (cursor === '0') break;
    }
  }
}
