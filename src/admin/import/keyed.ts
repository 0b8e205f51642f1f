// What an import brings, under the keys that the filters' options ask for: other programs keep addresses.
import { isPseudonym } from '../../greylist/pseudonym.ts';
import type { Keys } from '../keys.ts';
import type { Imported } from './record.ts';

/** What postgrey and another greylatch have instead (subnets, domains, hashes of --privacy) stays as it is. */
export function* keyed(records: Iterable<Imported>, keys: Keys): Generator<Imported> {
  for (const record of records) {
    if (isPseudonym(record.client)) yield record;
    else if (record.kind === 'triple') yield { ...record, ...keys(record) };
    else yield { ...record, client: keys({ client: record.client }).client };
  }
}
