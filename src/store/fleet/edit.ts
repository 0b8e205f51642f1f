// Changing many records of the engine, for the administrator's commands, as ../admin/edit.ts does in a database: each is
// written only if the value that was read is still there, so that no decision in between is undone.
import {
  type AnyName,
  batches,
  type Change,
  type HouseEntry,
  type JointChange,
  joint,
  type Name,
  type Stored,
} from '../admin/change.ts';
import type { Entry } from '../admin/entry.ts';
import { readOrigins } from '../records/origins.ts';
import { RELEASES, readReleases } from '../releases.ts';
import { FRESH, type Lives } from '../store.ts';
import type { Client } from './client.ts';
import { clientKey, houseKey, tripleKey } from './key.ts';
import { readEntry, writeEntry } from './value.ts';

const AT_ONCE = 100;
/** How often a change is tried again while others change the same record. */
const TRIES = 20;
/** For EXCHANGE: the key stays as it is. */
const STAYS = ['', -1] as const;

export interface FleetEditor {
  /** Both return how many records were changed. */
  change(changes: Iterable<{ name: Name; change: Change }>): Promise<number>;
  changeJointly(changes: Iterable<JointChange>): Promise<number>;
  /** False for an entry that would have expired by now: an engine does not take it. */
  keeps(entry: Entry): boolean;
}

/** `now` is the engine's time, in seconds; `lives` say how long what is written counts. */
export function newEditor(client: Client, lives: Lives, now: () => number): FleetEditor {
  async function changeJointly(changes: Iterable<JointChange>): Promise<number> {
    let changed = 0;
    for (const batch of batches(changes, AT_ONCE, (name) => keyOf(name).toString('latin1'))) {
      const done = await Promise.all(batch.map((one) => exchange(client, one, lives, now)));
      changed += done.reduce((sum, count) => sum + count, 0);
    }
    return changed;
  }
  return {
    changeJointly,
    change: (changes) => changeJointly(joint(changes)),
    keeps: (entry) => lifeOf(entry, now(), lives) >= 0,
  };
}

function keyOf(name: AnyName): Buffer {
  if ('house' in name) return houseKey(name.house);
  const { client, sender, recipient } = name;
  if (sender === undefined || recipient === undefined) return clientKey(client);
  return tripleKey({ client, sender, recipient });
}

/** Returns how many of the records were changed. */
async function exchange(
  client: Client,
  { names, change }: JointChange,
  lives: Lives,
  now: () => number,
): Promise<number> {
  const keys = names.map(keyOf);
  for (let tries = 0; tries < TRIES; tries++) {
    const values = await Promise.all(keys.map((key) => client.getBuffer(key)));
    const after = change(values.map((value, i) => storedAt(names[i]!, keys[i]!, value)));
    let changed = 0;
    const words = values.flatMap((value, i) => {
      const put = newValueOf(names[i]!, value, after[i], lives, now());
      if (put !== STAYS) changed++;
      return [value ?? '', ...put];
    });
    if (changed === 0) return 0;
    if ((await client.exchange(keys.length, ...keys, ...words)) === 1) return changed;
  }
  throw new Error(
    `the record at ${keys[0]!.toString('latin1')} is changed by others again and again; try again`,
  );
}

function storedAt(name: AnyName, key: Buffer, value: Buffer | null): Stored | undefined {
  if (value === null) return undefined;
  return 'house' in name ? { kind: 'house', text: value.toString('latin1') } : readEntry(key, value);
}

/** The new value and its life in milliseconds, as EXCHANGE takes them. */
function newValueOf(
  name: AnyName,
  before: Buffer | null,
  after: Stored | 'forget' | undefined,
  lives: Lives,
  now: number,
): readonly [value: Buffer | string, life: number] {
  if (after === undefined || (after === 'forget' && before === null)) return STAYS;
  if (after === 'forget') return ['', 0];
  const life = after.kind === 'house' ? lifeOfHouse(name, after, now, lives) : lifeOf(after, now, lives);
  if (life < 0) return STAYS; // it has expired already
  return [after.kind === 'house' ? Buffer.from(after.text, 'latin1') : writeEntry(after), life];
}

/** How long an entry still counts, in milliseconds; 0: for ever, below 0: no longer. */
function lifeOf(entry: Entry, now: number, { retryWindow, maxAge }: Lives): number {
  if (entry.kind === 'client') return left(entry.lastSeen, ofPassed(maxAge), now);
  return entry.passed
    ? left(entry.lastPassed, ofPassed(maxAge), now)
    : left(entry.firstSeen, retryWindow, now);
}

/** Counts by origin expire with the client (as in ../embedded/sweep.ts), the releases with the last of them. */
function lifeOfHouse(name: AnyName, { text }: HouseEntry, now: number, { maxAge }: Lives): number {
  if (!('house' in name)) return 0;
  if (name.house === RELEASES) {
    const until = Math.max(...readReleases(text).map((release) => release.until));
    return Math.max(1000, (until + 1 - now) * 1000);
  }
  const lastSeen = readOrigins(text)?.lastSeen;
  return lastSeen === undefined ? 0 : left(lastSeen, ofPassed(maxAge), now);
}

const ofPassed = (maxAge: number) => (maxAge === 0 ? 0 : maxAge + FRESH);

function left(from: number, life: number, now: number): number {
  if (life === 0) return 0;
  const seconds = from + life - now;
  return seconds < 0 ? -1 : (seconds + 1) * 1000;
}
