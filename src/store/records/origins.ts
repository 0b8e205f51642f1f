// Who has counted a client's come-backs: imported counts are kept by origin, beside the client's own record. Filters read
// only that record, and its count is the sum. Pure.
import { fromJson } from './json.ts';

// A client's counts are a map from origin to count. Two maps are merged by taking the greater count of each origin, so that
// a merge may be repeated, and done in any order. Filters know nothing of this: they add one to the sum. What they have added
// since the last import is the sum now, less the sum then, and belongs to this database's own origin.

/** A client's counts as they were after the last import: one record of the house. */
export interface Origins {
  /** The sum, as it then stood in the client's own record. */
  total: number;
  /** What this database has counted itself. */
  own: number;
  /** Seconds since the epoch. */
  lastSeen: number;
  /** What others have counted, by origin. */
  from: Readonly<Record<string, number>>;
}

export type Counts = Pick<Origins, 'own' | 'from'>;

/** The record that holds the name of this database as an origin. */
export const ORIGIN = 'origin';
const PREFIX = 'from ';

/** The name of a client's record. */
export function originsName(client: string): string {
  return PREFIX + client;
}

/** The client whose counts have this name; undefined: the name is of another record. */
export function clientOf(name: string): string | undefined {
  return name.startsWith(PREFIX) ? name.slice(PREFIX.length) : undefined;
}

export function readOrigins(text: string): Origins | undefined {
  return fromJson<Origins | undefined>(text, undefined);
}

/** The counts by origin; `comeBacks` is the sum in the client's own record (0: it has none). */
export function countsOf(comeBacks: number, origins: Origins | undefined): Counts {
  // Fewer than after the import: the client was forgotten since, with what others had counted, and began anew.
  if (origins === undefined || comeBacks < origins.total) return { own: comeBacks, from: {} };
  return { own: origins.own + comeBacks - origins.total, from: origins.from };
}

/** The greater count of each origin; `self` is this database's own. */
export function mergeCounts({ own, from }: Counts, origin: string, count: number, self: string): Counts {
  if (origin === self) return { own: Math.max(own, count), from };
  return { own, from: { ...from, [origin]: Math.max(from[origin] ?? 0, count) } };
}

export function totalOf({ own, from }: Counts): number {
  return Object.values(from).reduce((sum, count) => sum + count, own);
}
