// Reading all records of the engine, for the administrator's commands: by SCAN, a few at a time, not by KEYS, which would hold
// up every host. A key that comes or goes meanwhile may be missed; one that stays is read, and none is read twice.
import type { Redis } from 'ioredis';
import type { Entry } from '../admin/entry.ts';
import { newNumbers } from '../records/hashes.ts';
import { originsName } from '../records/origins.ts';
import { RELEASES } from '../releases.ts';
import type { Address } from './address.ts';
import { type Client, newClient } from './client.ts';
import { houseKey, ORIGINS_PATTERN, PATTERN, readKey, readOriginsKey } from './key.ts';
import type { Secrets } from './secrets.ts';
import { explain, ifAllowed, isNoConnection, isOfOneKey } from './trouble.ts';
import { readEntry } from './value.ts';

/** How long an administrator's command waits for a connection or an answer, at least, in milliseconds. */
const PATIENCE = 5000;
const AT_ONCE = 500;

/** The entries, in no order, a page at a time. */
export interface FleetScan {
  pages: AsyncGenerator<Entry[]>;
  /** How far the reading is, from 0 to 1. */
  part(): number;
}

/** Opens a connection. Throws an Error that says what is wrong and what to do. Close it with `disconnect()`. */
export async function connect(address: Address, secrets: Secrets, patience: number): Promise<Client> {
  const most = Math.max(PATIENCE, patience);
  const client = newClient(address, secrets, most, {
    commandTimeout: most,
    retryStrategy: () => null,
    reconnectOnError: () => false, // a replica can be looked at, and refuses the rest in its own words
  });
  let trouble: unknown;
  // As in worker.ts.
  for (const event of ['error', 'node error'])
    client.on(event, (error: unknown) => {
      if (!isNoConnection(error)) trouble = error;
    });
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`timed out after ${most} ms`)), most);
  });
  try {
    await Promise.race([client.connect().then(() => client.exists(houseKey(RELEASES))), late]);
    return client;
  } catch (error) {
    client.disconnect();
    throw new Error(`cannot use the store: ${explain(trouble ?? error)}`);
  } finally {
    clearTimeout(timer);
  }
}

export function nodesOf(client: Client): Redis[] {
  return 'nodes' in client ? client.nodes('master') : [client];
}

/** `onDamage` is called for each key of ours that holds something else. */
export async function scanFleet(client: Client, onDamage: (what: string) => void): Promise<FleetScan> {
  const nodes = nodesOf(client);
  // How many keys there are, for the progress bar.
  const sizes = await Promise.all(nodes.map((node) => ifAllowed(() => node.dbsize())));
  const all = sizes.reduce<number>((sum, size) => sum + (size ?? 0), 0);
  let done = 0;

  async function* pages(): AsyncGenerator<Entry[]> {
    for await (const [keys, values] of scanned(nodes, PATTERN)) {
      done += keys.length;
      yield keys.flatMap((key, i) => {
        const value = values[i];
        if (value === null || value === undefined || readKey(key) === undefined) return [];
        const entry = value === 'other' ? undefined : readEntry(key, value);
        if (entry !== undefined) return [entry];
        onDamage(`the key ${JSON.stringify(key.toString('latin1'))} holds something else; delete it`);
        return [];
      });
    }
  }
  return { pages: pages(), part: () => (all === 0 ? 0 : Math.min(1, done / all)) };
}

/** Calls `visit` with every client's counts by origin, and the name of that record. */
export async function scanOrigins(
  client: Client,
  visit: (name: string, text: string) => void,
): Promise<void> {
  for await (const [keys, values] of scanned(nodesOf(client), ORIGINS_PATTERN)) {
    for (const [i, key] of keys.entries()) {
      const client = readOriginsKey(key);
      const value = values[i];
      if (client !== undefined && value instanceof Buffer)
        visit(originsName(client), value.toString('latin1'));
    }
  }
}

/** null: it has gone meanwhile; 'other': it is no string. */
type Value = Buffer | null | 'other';

async function* scanned(nodes: Redis[], pattern: Buffer): AsyncGenerator<[keys: Buffer[], values: Value[]]> {
  for (const node of nodes) {
    // SCAN may show a key twice while the engine's table grows or shrinks.
    const seen = newNumbers();
    for (let cursor = '0'; ; ) {
      const words = [cursor, 'MATCH', pattern, 'COUNT', AT_ONCE]; // the pattern is bytes
      const [next, keys] = (await node.callBuffer('SCAN', words)) as [Buffer, Buffer[]];
      const fresh = keys.filter((key) => {
        const before = seen.count();
        return seen.of(key.toString('latin1')) === before;
      });
      yield [fresh, await Promise.all(fresh.map((key) => got(node, key)))];
      cursor = next.toString();
      if (cursor === '0') break;
    }
  }
}

async function got(node: Redis, key: Buffer): Promise<Value> {
  try {
    return await node.getBuffer(key);
  } catch (error) {
    if (isOfOneKey(error)) return 'other';
    throw error;
  }
}
