// What an administrator has released, in one record of the house: JSON, a list. The filter only reads it.

/** Patterns (greylist/pattern.ts) for the request's own texts; what is undefined matches all. */
export interface Release {
  /** Of the client's address, or of its verified name. */
  client?: string;
  sender?: string;
  recipient?: string;
  /** Seconds since the epoch. */
  until: number;
}

/** The name of the record. */
export const RELEASES = 'release';
/** For so many milliseconds, a filter does not read it anew: whoever changes it waits as long, and all have seen it. */
export const SEEN_WITHIN = 1000;

/** Reads the record's text; what is none is as good as nothing: a deferral must not fail for it. */
export function readReleases(text: string | undefined): Release[] {
  try {
    return JSON.parse(text ?? '[]') as Release[];
  } catch {
    return [];
  }
}

export function writeReleases(releases: readonly Release[]): string {
  return JSON.stringify(releases);
}
