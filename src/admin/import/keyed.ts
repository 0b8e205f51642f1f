// What an import brings, under the keys that the filters' options ask for: other programs keep addresses.
import { isPseudonym } from '../../greylist/pseudonym.ts';
import type { Keys } from '../keys.ts';
import { type Imported, type ImportedClient, MOST } from './record.ts';

/** Hashes of --privacy, as another greylatch has them, stay what they are. `sum`: of `newSums`, or undefined. */
export function* keyed(
  records: Iterable<Imported>,
  keys: Keys,
  sum: ((key: string, record: ImportedClient) => number) | undefined,
): Generator<Imported> {
  for (const record of records) {
    if (record.kind === 'triple') yield isPseudonym(record.client) ? record : { ...record, ...keys(record) };
    else {
      const { client } = record;
      const key = isPseudonym(client) ? client : keys({ client }).client;
      yield { ...record, client: key, comeBacks: sum?.(key, record) ?? record.comeBacks };
    }
  }
}

/**
 * For one file: a function that takes the count of a client, and returns what all clients with this key have counted so far. A
 * filter would have counted them together. A merge keeps the greatest count of each origin, which is the last of these sums, and
 * the same again when the file is imported again.
 */
export function newSums(): (key: string, record: ImportedClient) => number {
  const counts = new Map<string, number>();
  const sums = new Map<string, number>();
  return (key, { client, comeBacks, origin }) => {
    const [own, all] = [`${origin}\0${client}`, `${origin}\0${key}`];
    const before = counts.get(own) ?? 0; // the file may name a client twice: two dumps, one after the other
    const sum = Math.min(MOST, (sums.get(all) ?? 0) + Math.max(0, comeBacks - before));
    counts.set(own, Math.max(before, comeBacks));
    sums.set(all, sum);
    return sum;
  };
}
