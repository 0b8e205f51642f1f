// What may be changed on record, and to what, as data: for the editor of a database (edit.ts) and for that of an engine.
// Opens and changes nothing.
import { HOUSE_HEAD, MAX_RECORD } from '../records/record.ts';
import type { Entry } from './entry.ts';

/** Which record: a triple, a client's own where sender and recipient are undefined, or one of the house. */
export type AnyName = Name | HouseName;

export interface Name {
  client: string;
  sender?: string | undefined;
  recipient?: string | undefined;
}

/** A record of the store's own, in the order of whose names it keeps them. */
export interface HouseName {
  house: string;
}

/** What stands in a record of the house: at most MOST_TEXT characters of latin1. */
export interface HouseEntry {
  kind: 'house';
  text: string;
}

export type Stored = Entry | HouseEntry;

/** What a record of the house holds at most. */
export const MOST_TEXT = MAX_RECORD - HOUSE_HEAD;

/**
 * What becomes of a record: the new one, 'forget', or undefined to leave it as it is. Is given what is on record at
 * that moment, undefined where nothing is.
 */
export type Change = (before: Entry | undefined) => Entry | 'forget' | undefined;

/** What becomes of several records that are changed as one, each as in a `Change`, in the order of their names. */
export interface JointChange {
  names: readonly AnyName[];
  change(before: (Stored | undefined)[]): readonly (Stored | 'forget' | undefined)[];
}

/** Each change as a joint one of a single record. */
export function* joint(changes: Iterable<{ name: Name; change: Change }>): Generator<JointChange> {
  for (const { name, change } of changes)
    yield { names: [name], change: ([before]) => [change(before as Entry | undefined)] };
}
