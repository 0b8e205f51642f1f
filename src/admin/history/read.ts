// Reads all records for a command that looks back at them.
import type { Entry } from '../../store/scan.ts';
import { eachEntry, type Records } from '../records.ts';

/** Hands each entry to `take`, and before the store's own records to `onHouse`. Throws an Error for the user. */
export async function readAll(
  records: Records,
  take: (entry: Entry) => void,
  onHouse: (name: string, text: string) => void = () => {},
): Promise<void> {
  await eachEntry(records, take, { onHouse });
}
