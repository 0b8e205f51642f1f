// How often an entry of a whitelist file matched, and since when that is recorded: records of the house, one for each
// entry that was ever hit and one for its file. Pure.
import { fromJson } from './json.ts';

/** What a record holds. Times in seconds since the epoch. */
export interface Hits {
  count: number;
  /** 0: never. */
  last: number;
  /** When recording began. */
  since: number;
  /** A file's own: how many of its entries have a record. */
  entries?: number;
}

const PREFIX = 'hit ';
/** A longer name is cut, and then shares its record with others that begin alike. */
export const MOST_NAME = 400;
/** The record of an entry that was last hit so many seconds ago is forgotten: the entry may be in no file any more. */
const KEPT = 400 * 86_400;

/** The name of an entry's record; with an empty text, that of the file's own. */
export function hitsName(file: string, text: string): string {
  return `${PREFIX}${file}\0${text}`.slice(0, MOST_NAME);
}

export function isHitsName(name: string): boolean {
  return name.startsWith(PREFIX);
}

export function readHits(text: string | undefined): Hits | undefined {
  return fromJson<Hits | undefined>(text, undefined);
}

/** Whether this is an entry's record that has not been hit for so long that it can go. */
export function isStale(name: string, text: string, now: number): boolean {
  if (!isHitsName(name) || name.endsWith('\0')) return false;
  return now - (readHits(text)?.last ?? 0) > KEPT;
}
