// Changes of records, as data: for the editor of a database (edit.ts) and for that of an engine (../fleet/edit.ts). Opens and
// changes nothing.
import { HOUSE_HEAD, MAX_RECORD } from '../records/record.ts';
import type { Entry } from './entry.ts';

/** Which record: a triple, a client's own where sender and recipient are undefined, or one of the house. */
export type AnyName = Name | HouseName;

export interface Name {
  client: string;
  sender?: string | undefined;
  recipient?: string | undefined;
}

/** A record of the house; they are kept in the order of their names. */
export interface HouseName {
  house: string;
}

/** The content of a record of the house: at most MOST_TEXT characters of latin1. */
export interface HouseEntry {
  kind: 'house';
  text: string;
}

export type Stored = Entry | HouseEntry;

/** The longest text of a record of the house. */
export const MOST_TEXT = MAX_RECORD - HOUSE_HEAD;

/**
 * Makes the new record of the one that is on record at that moment (undefined: none is). Returns 'forget' to delete it,
 * undefined to leave it as it is.
 */
export type Change = (before: Entry | undefined) => Entry | 'forget' | undefined;

/** A change of several records at once: `change` works as a `Change` does for each, in the order of `names`. */
export interface JointChange {
  names: readonly AnyName[];
  change(before: (Stored | undefined)[]): readonly (Stored | 'forget' | undefined)[];
}

/** Makes of each change a joint one of a single record. */
export function* joint(changes: Iterable<{ name: Name; change: Change }>): Generator<JointChange> {
  for (const { name, change } of changes)
    yield { names: [name], change: ([before]) => [change(before as Entry | undefined)] };
}

/** The same for two names of one record. */
export function recordId(name: AnyName): string {
  if ('house' in name) return name.house;
  const { client, sender, recipient } = name;
  return JSON.stringify([client, sender, recipient]).toLowerCase();
}

/** Changes that the editor of a database puts in order before it makes them; an import took 17 MB more for as many (Node 20). */
export const IN_ORDER = 10_000;

/**
 * The changes in batches of `most`, or fewer: two changes of one record, as `idOf` tells records apart, go into different
 * ones, since the second has to find what the first has done.
 */
export function* batches(
  changes: Iterable<JointChange>,
  most: number,
  idOf: (name: AnyName) => string,
): Generator<JointChange[]> {
  let batch: JointChange[] = [];
  const named = new Set<string>();
  for (const one of changes) {
    const ids = one.names.map(idOf);
    if (batch.length === most || ids.some((id) => named.has(id))) {
      yield batch;
      batch = [];
      named.clear();
    }
    for (const id of ids) named.add(id);
    batch.push(one);
  }
  if (batch.length > 0) yield batch;
}
