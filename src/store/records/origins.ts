// Who has counted a client's come-backs: what an import brings is kept by its origin, beside the client's own record,
// which filters alone read and whose count is the sum. Pure.

// A client's counts are a map from origin to count, and two such maps are merged by the greater count of each origin:
// in whatever order, however often. A filter knows nothing of it: it adds one to the sum. What it has added since the
// last import is the sum now, less the sum then, and is the count of this database's own origin.

/** What one record of the house holds of a client, as it was after the last import. */
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

/** The client whose record bears this name; undefined: it is another one. */
export function clientOf(name: string): string | undefined {
  return name.startsWith(PREFIX) ? name.slice(PREFIX.length) : undefined;
}

export function readOrigins(text: string): Origins | undefined {
  try {
    return JSON.parse(text) as Origins;
  } catch {
    return undefined;
  }
}

/** Who has counted what of the come-backs in the client's own record (0: it has none). */
export function countsOf(comeBacks: number, origins: Origins | undefined): Counts {
  // Fewer than there were: the client was forgotten and begins anew, and what others had counted went with it.
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
