// The store's side of export: what is on record, each count of come-backs with its origin.
import { hostname } from 'node:os';
import type { Entry } from '../../store/admin/entry.ts';
import { clientOf, countsOf, ORIGIN, type Origins, readOrigins } from '../../store/records/origins.ts';
import { doesNotExist } from '../database.ts';
import { lastOf } from '../entry.ts';
import type { Imported } from '../import/record.ts';
import { originOf } from '../merge.ts';
import type { Records } from '../records.ts';

/** What is on record and was seen at `since` or later, piece by piece. `onPassedOver`: as in `Hooks`. */
export async function* recordsOf(
  records: Records,
  since: number,
  onPassedOver?: () => void,
): AsyncGenerator<Iterable<Imported>> {
  if (!records.isThere()) throw doesNotExist(records.name);
  const self =
    ownOrigin(records) ?? (await records.edit(originOf).catch((error) => inItsPlace(records, error)));
  const origins = new Map<string, Origins>();
  const onOrigins = (name: string, text: string) => {
    const client = clientOf(name);
    const read = client === undefined ? undefined : readOrigins(text);
    if (read !== undefined) origins.set(client!, read);
  };
  for await (const piece of records.read('exporting', { onOrigins, onPassedOver })) {
    function* all() {
      for (const entry of piece) yield* exported(entry, origins, self, since);
    }
    yield all();
  }
}

/** What is known of itself is only read: a file system that has become read-only can still be exported. */
function ownOrigin(records: Records): string | undefined {
  let origin: string | undefined;
  records.eachHouse?.((name, text) => {
    if (name === ORIGIN) origin = text;
  });
  return origin;
}

/**
 * The host's name, where a database cannot be told its origin: what can be read of a damaged file, or of one that cannot be
 * written, is exported all the same. An engine has to be told, or all hosts would count anew.
 */
function inItsPlace({ eachHouse }: Records, error: Error): string {
  if (eachHouse === undefined) throw error;
  const name = hostname().toLowerCase();
  process.stderr.write(
    `greylatch: exported as counted by ${name}, for the database cannot note it: ${error.message}\n`,
  );
  return name;
}

function* exported(
  entry: Entry,
  origins: ReadonlyMap<string, Origins>,
  self: string,
  since: number,
): Generator<Imported> {
  const { client } = entry;
  // Of a triple that passed, the last deferral may seem later than the last pass, which is kept to the hour: an import would
  // lose that, and the next export differ.
  const lastSeen = entry.kind === 'client' ? entry.lastSeen : entry.passed ? entry.lastPassed : lastOf(entry);
  // Times are kept to the hour or the day: what may have been seen since then is exported too.
  const coarse = entry.kind === 'client' ? 86_400 : entry.passed ? 3600 : 1;
  if (lastSeen + coarse <= since) return;
  if (entry.kind === 'triple') {
    const { kind, sender, recipient, firstSeen, passed } = entry;
    yield { kind, client, sender, recipient, firstSeen, lastSeen, passed, origin: self };
    return;
  }
  const { own, from } = countsOf(entry.comeBacks, origins.get(client));
  const all = [[self, own] as const, ...Object.entries(from)];
  const counts = all.filter(([, comeBacks]) => comeBacks > 0);
  // One line is there in any case, for when the client was seen.
  for (const [origin, comeBacks] of counts.length > 0 ? counts : all.slice(0, 1)) {
    yield { kind: 'client', client, comeBacks, lastSeen, origin };
  }
}
