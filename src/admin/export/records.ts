// The store's side of export: what is on record, each count of come-backs with its origin.
import type { Entry } from '../../store/admin/entry.ts';
import { clientOf, countsOf, type Origins, readOrigins } from '../../store/records/origins.ts';
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
  const self = await records.edit(originOf);
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
