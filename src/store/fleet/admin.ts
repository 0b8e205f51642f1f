// The fleet's store for the administrator's commands: a bundle of its own, which is loaded only with --store. Trouble with the
// engine is an Error whose message says what to do.
import type { Peek } from '../admin/peek.ts';
import { RELEASES, readReleases } from '../releases.ts';
import type { Lives, Triple } from '../store.ts';
import { type Address, nameOf, readAddress } from './address.ts';
import type { Client } from './client.ts';
import { type FleetEditor, newEditor } from './edit.ts';
import { examine } from './examine.ts';
import { houseKey, keysOf } from './key.ts';
import { connect, type FleetScan, scanFleet, scanOrigins } from './scan.ts';
import { readSecrets, type Sources } from './secrets.ts';
import { explain, isOfOneKey } from './trouble.ts';
import { readEntry } from './value.ts';

// The client says there by itself that a password is not needed; that is for doctor to judge (examine.ts).
console.warn = () => {};

export { nameOf, readAddress };

export interface FleetSettings {
  passwordFile: string | undefined;
  from: Sources;
  /** How long to wait for an answer, at least 5,000 milliseconds. */
  patience: number;
  lives: Lives;
}

/** Connects to the engine. Throws Error. */
export async function openEngine(address: Address, settings: FleetSettings) {
  const name = nameOf(address);
  const secrets = readSecrets(settings.passwordFile, address.tls, settings.from);
  const client = await connect(address, secrets, settings.patience).catch((error: Error) => {
    throw new Error(`${name}: ${error.message}`);
  });
  const fail = (error: unknown): never => {
    throw new Error(`${name}: ${explain(error)}`, { cause: error });
  };
  const ahead = await aheadOf(client).catch((error: unknown) => {
    client.disconnect();
    return fail(error);
  });
  const now = () => Math.floor(Date.now() / 1000) + ahead;
  return {
    /** Where the engine is, for messages. */
    name,
    /** Seconds since the epoch, by the engine's clock, as all times on record there. */
    now,
    async scan(onDamage: (what: string) => void): Promise<FleetScan> {
      const { pages, part } = await scanFleet(client, onDamage).catch(fail);
      return { pages: failing(pages, fail), part };
    },
    origins: (visit: (name: string, text: string) => void) => scanOrigins(client, visit).catch(fail),
    peek: (triple: Triple) => peek(client, triple).catch(fail),
    edit: <T>(work: (editor: FleetEditor) => Promise<T>) =>
      work(newEditor(client, settings.lives, now)).catch(fail),
    examine: () => examine(client).catch(fail),
    close: () => client.disconnect(),
  };
}

/** How far the engine's clock is ahead of this host's, in seconds. */
async function aheadOf(client: Client): Promise<number> {
  const key = houseKey(RELEASES);
  const [time] = await client.houseBuffer(key).catch((error: unknown) => {
    throw isOfOneKey(error) ? new Error(`the key ${key} holds something else; delete it`) : error;
  });
  return Number(time) - Math.floor(Date.now() / 1000);
}

async function* failing(pages: FleetScan['pages'], fail: (error: unknown) => never): FleetScan['pages'] {
  try {
    yield* pages;
  } catch (error) {
    fail(error);
  }
}

async function peek(client: Client, triple: Triple): Promise<Peek> {
  const keys = keysOf(triple);
  const [ofTriple, ofClient, releases] = await Promise.all([
    client.getBuffer(keys.triple),
    client.getBuffer(keys.client),
    client.getBuffer(houseKey(RELEASES)),
  ]);
  const known = ofTriple === null ? undefined : readEntry(keys.triple, ofTriple);
  const own = ofClient === null ? undefined : readEntry(keys.client, ofClient);
  return {
    missing: false,
    triple: known?.kind === 'triple' ? known : undefined,
    client: own?.kind === 'client' ? own : undefined,
    releases: readReleases(releases?.toString('latin1')),
  };
}
