// What an import brings, under the keys that the filters' options ask for: other programs keep addresses.
import { isPseudonym } from '../../greylist/pseudonym.ts';
import type { Keys } from '../keys.ts';
import type { Imported } from './record.ts';

/** Subnets, domains and hashes of --privacy, as postgrey and another greylatch have them, stay what they are. */
export function* keyed(records: Iterable<Imported>, keys: Keys): Generator<Imported> {
  for (const record of records) {
    if (isPseudonym(record.client)) yield record;
    else if (record.kind === 'triple') yield { ...record, ...keys(record) };
    else yield { ...record, client: keys({ client: record.client, sender: '', recipient: '' }).client };
  }
}
