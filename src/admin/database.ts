// This host's own database as commands open it: an error is one line that says what is wrong and what to do.
import { realpathSync, statSync } from 'node:fs';
import path from 'node:path';
import { scan } from '../store/admin/scan.ts';
import { DamageError, GIVE_TO_FILTER, MovedError, refused } from '../store/damage.ts';
import type { Problem } from '../store/pages/verify.ts';
import { readQueue } from '../store/queue/read.ts';
import { foreign, wasDatabase } from '../store/rescue/ours.ts';
import { attempt } from './attempt.ts';

export function doesNotExist(db: string): Error {
  if (readQueue(db).size > 0)
    return new Error(
      `${db} is not there yet: filters make it within a second or two of the first mail; try again`,
    );
  return new Error(`${db} does not exist, or is empty; name the database with --db`);
}

/** Throws an Error for the user where `file`, which is not meant to be the database, is. */
export function refuseDatabase(file: string, db: string, wanted = 'another file'): void {
  if (isSameFile(file, db)) throw new Error(`${file} is the database itself; name ${wanted}`);
}

/** The database's size in bytes; 0: there is none. Throws an Error for the user. */
export function sizeOf(db: string): number {
  return explained(db, () => statSync(db, { throwIfNoEntry: false })?.size ?? 0);
}

/** Whether both name one file, perhaps by way of a directory that is a symbolic link. */
function isSameFile(one: string, other: string): boolean {
  const place = (file: string) => {
    const directory = path.dirname(path.resolve(file));
    return path.join(attempt(() => realpathSync(directory)) ?? directory, path.basename(file));
  };
  return place(one) === place(other);
}

/** What is wrong with the database's file, as a phrase; some texts name the page themselves. */
export function problemText({ page, what }: Problem): string {
  if (page !== undefined) return `page ${page} ${what}`;
  return what.startsWith('page ') ? what : `the file ${what}`;
}

/** Runs `work`; what the store throws is thrown as `explanation` words it. */
export function explained<T>(db: string, work: () => T, advice?: string): T {
  try {
    return work();
  } catch (error) {
    throw explanation(db, error, advice);
  }
}

/** The store's error in words for people. `advice`: what to do where the file is damaged and no filter uses it. */
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
  // Without root's rights, a command may be refused where all is well for the filter.
  if (found instanceof Error && process.getuid?.() !== 0)
    found.message = found.message.replace(GIVE_TO_FILTER, 'run this as root');
  return found;
}

/** Calls `visit` with the records of the house; there are none where there is no database. */
export function eachHouse(db: string, visit: (name: string, text: string) => void): void {
  const entries = explained(db, () => scan(db, undefined, visit))?.entries;
  entries?.next(); // they come before all others
  entries?.return(undefined);
}
