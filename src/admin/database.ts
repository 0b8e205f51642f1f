// This host's own database as commands open it: each way in which it cannot be used is one line that says what to do.
import { statSync } from 'node:fs';
import { type Scan, scan } from '../store/admin/scan.ts';
import { DamageError, GIVE, MovedError, refused } from '../store/damage.ts';
import { foreign, wasDatabase } from '../store/rescue/ours.ts';

export function doesNotExist(db: string): Error {
  return new Error(`${db} does not exist, or is empty; name the database with --db`);
}

/** In bytes; 0: there is none. Throws StoreError. */
export function sizeOf(db: string): number {
  try {
    return statSync(db, { throwIfNoEntry: false })?.size ?? 0;
  } catch (error) {
    throw refused(error, db, 'look at');
  }
}

/** Runs `work`, and gives what the store throws in a form for people. */
export function explained<T>(db: string, work: () => T, advice?: string): T {
  try {
    return work();
  } catch (error) {
    throw explanation(db, error, advice);
  }
}

/** What the store has thrown, in a form for people. `advice`: what to do where the file is damaged and no filter's. */
export function explanation(db: string, error: unknown, advice?: string): unknown {
  if (error instanceof DamageError) {
    if (advice === undefined && !wasDatabase(db))
      return new Error(foreign(db, error.message), { cause: error });
    return new Error(
      `${db} ${error.message}; ${advice ?? 'a filter sets it aside when it comes upon this, and saves what it can (by hand: greylatch salvage)'}`,
      { cause: error },
    );
  }
  if (error instanceof MovedError) return new Error(`${db}: ${error.message}; try again`);
  const found = error instanceof Error && 'syscall' in error ? refused(error, db, 'use') : error;
  // What the filter lacks, whoever is not root may well lack where all is as it should be.
  if (found instanceof Error && process.getuid?.() !== 0)
    found.message = found.message.replace(GIVE, 'run this as root');
  return found;
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

/** Tells `visit` of the store's own records; there are none where there is no database. */
export function eachHouse(db: string, visit: (name: string, text: string) => void): void {
  const entries = explained(db, () => scan(db, undefined, visit))?.entries;
  entries?.next(); // they come before all others
  entries?.return(undefined);
}
