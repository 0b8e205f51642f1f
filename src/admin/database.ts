// The database as commands open it: each way in which it cannot be used is one line that says what to do.
import { DamageError, MovedError } from '../store/damage.ts';
import { type Editor, openEditor } from '../store/edit.ts';
import { type Entry, type Scan, scan } from '../store/scan.ts';
import { newBar } from './progress.ts';

export function doesNotExist(db: string): Error {
  return new Error(`${db} does not exist, or is empty; name the database with --db`);
}

/** Runs `work`, and gives what the store throws in a form for people. */
export function explained<T>(db: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof DamageError) {
      throw new Error(
        `${db} ${error.message}; a filter sets it aside at its next request and saves what it can (by hand: greylatch salvage)`,
        { cause: error },
      );
    }
    if (error instanceof MovedError) throw new Error(`${db}: ${error.message}; try again`);
    throw error;
  }
}

/** Opens it for reading. Throws an Error for the user, also where there is none. */
export function scanOf(
  db: string,
  onDamage?: (what: string) => void,
  onHouse?: (name: string, text: string) => void,
): Scan {
  const found = explained(db, () => scan(db, onDamage, onHouse));
  if (found === undefined) throw doesNotExist(db);
  return found;
}

/** Calls `visit` for each record, with a bar on a terminal; `onHouse` before for the store's own. */
export function eachEntry(
  db: string,
  what: string,
  visit: (entry: Entry) => void,
  onDamage?: (what: string) => void,
  onHouse?: (name: string, text: string) => void,
): void {
  const { entries, part } = scanOf(db, onDamage, onHouse);
  const bar = newBar(what);
  try {
    for (const entry of entries) {
      visit(entry);
      bar.show(part());
    }
  } finally {
    bar.end();
  }
}

/** Opens it for changes, which all happen within `work`. */
export function editing<T>(db: string, work: (editor: Editor) => T): T {
  return explained(db, () => {
    const editor = openEditor(db);
    try {
      return work(editor);
    } finally {
      editor.close();
    }
  });
}
