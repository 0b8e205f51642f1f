// Reads a database from end to end for a command that looks back at it: with a bar, and a word about damaged pages.
import { type Entry, scan } from '../../store/scan.ts';
import { newBar } from '../progress.ts';

const EVERY = 4096; // records between two looks at the clock

/**
 * Hands each entry to `take`, in the order of the keys, and before the store's own records to `house`. Throws an Error for the user where there
 * is no database.
 */
export function readAll(
  db: string,
  take: (entry: Entry) => void,
  house?: (name: string, text: string) => void,
): void {
  let damaged = 0;
  const reading = scan(db, () => damaged++, house);
  if (reading === undefined) {
    throw new Error(`${db} does not exist, or is empty; name the database with --db`);
  }
  const bar = newBar('reading');
  try {
    let read = 0;
    for (const entry of reading.entries) {
      take(entry);
      if (++read % EVERY === 0) bar.show(reading.part());
    }
  } finally {
    bar.end();
  }
  if (damaged > 0) {
    process.stderr.write(
      `greylatch: ${damaged} damaged ${damaged === 1 ? 'page was' : 'pages were'} passed over; see greylatch verify --db ${db}\n`,
    );
  }
}
