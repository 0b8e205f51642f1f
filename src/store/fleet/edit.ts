// Changing many records of the fleet, for the administrator's commands: each is put where what was read still stands, so
// that no decision in between is undone.
import type { Change, Name } from '../edit.ts';
import type { Entry } from '../scan.ts';
import { FRESH, type Limits } from '../store.ts';
import type { Client } from './client.ts';
import { clientKey, readEntry, tripleKey, writeEntry } from './key.ts';

const AT_ONCE = 100;
/** How often a record that is changed by others at the same time is tried again. */
const TRIES = 20;

/** Changes the records that are named, as `Editor.change` does (../edit.ts). Returns how many were changed. */
export async function changeFleet(
  client: Client,
  changes: Iterable<{ name: Name; change: Change }>,
  limits: Limits,
): Promise<number> {
  let changed = 0;
  let batch = new Map<string, { key: Buffer; name: Name; change: Change }>();
  const put = async () => {
    const done = await Promise.all([...batch.values()].map((one) => changeOne(client, one, limits)));
    changed += done.filter(Boolean).length;
    batch = new Map();
  };
  for (const { name, change } of changes) {
    const { client: who, sender, recipient } = name;
    const key =
      sender === undefined || recipient === undefined
        ? clientKey(who)
        : tripleKey({ client: who, sender, recipient });
    // By key: a second change of a record has to find what the first has made of it.
    const id = key.toString('latin1');
    if (batch.has(id)) await put();
    batch.set(id, { key, name, change });
    if (batch.size === AT_ONCE) await put();
  }
  await put();
  return changed;
}

async function changeOne(
  client: Client,
  { key, name, change }: { key: Buffer; name: Name; change: Change },
  limits: Limits,
): Promise<boolean> {
  for (let tries = 0; tries < TRIES; tries++) {
    const value = await client.getBuffer(key);
    const before = value === null ? undefined : readEntry(key, value);
    const after = change(before);
    if (after === undefined || (after === 'forget' && value === null)) return false;
    const life = after === 'forget' ? 0 : lifeOf(after, await time(client, key), limits);
    if (life < 0) return false; // it has expired already
    const bytes = after === 'forget' ? '' : writeEntry(after).value;
    if ((await client.exchange(key, value ?? '', bytes, life)) === 1) return true;
  }
  throw new Error(`the record of ${name.client} does not come to rest; try again`);
}

const clocks = new WeakMap<Client, number>();

/** The engine's clock in seconds, as far from this host's as it was found to be. */
async function time(client: Client, key: Buffer): Promise<number> {
  const here = () => Math.floor(Date.now() / 1000);
  let ahead = clocks.get(client);
  if (ahead === undefined) {
    const now = Number(await client.eval("return redis.call('TIME')[1]", 1, key));
    ahead = now - here();
    clocks.set(client, ahead);
  }
  return here() + ahead;
}

/** How long an entry counts from now on, in milliseconds; 0: for ever, below 0: no longer. */
function lifeOf(entry: Entry, now: number, { retryWindow, maxAge }: Limits): number {
  const waits = entry.kind === 'triple' && !entry.passed;
  const life = waits ? retryWindow : maxAge === 0 ? 0 : maxAge + FRESH;
  if (life === 0) return 0;
  const from = waits ? entry.firstSeen : entry.kind === 'triple' ? entry.lastPassed : entry.lastSeen;
  const left = from + life - now;
  return left < 0 ? -1 : (left + 1) * 1000;
}
