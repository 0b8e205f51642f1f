// What an administrator has released (greylatch release): one record of the house, a list in JSON. Filters only read it.
import { fromJson } from './records/json.ts';

/** Patterns (greylist/pattern.ts) for a request's attributes; undefined matches all. */
export interface Release {
  /** For the client's address, or for its verified name. */
  client?: string;
  sender?: string;
  recipient?: string;
  /** Seconds since the epoch. */
  until: number;
}

/** The name of the record. */
export const RELEASES = 'release';
/** A filter reads it again only after so many milliseconds: a command that has changed it waits for that. */
export const SEEN_WITHIN = 1000;

export function readReleases(text: string | undefined): Release[] {
  return fromJson<Release[]>(text, []);
}

export function writeReleases(releases: readonly Release[]): string {
  return JSON.stringify(releases);
}
