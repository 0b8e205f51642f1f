// Who saves what is in a file that was set aside, as a sign beside the database: another process goes on where that one is
// killed amid it, or the machine goes down. The sign is a symbolic link to the process's number and the file's name.
import { lstatSync, rmSync, symlinkSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { readSign, takeLeft } from '../disk/sign.ts';

/** After so many milliseconds another one goes on, should the saver's number be another process's now; saving twice does no harm. */
const STALE = 3_600_000;

const signOf = (database: string) => `${database}.saving`;
const textFor = (aside: string) => `${process.pid} ${basename(aside)}`;

/** To be called before the file gets its name `aside`. */
export function noteUnsaved(database: string, aside: string): void {
  rmSync(signOf(database), { force: true });
  symlinkSync(textFor(aside), signOf(database));
}

/** All that could be is saved. */
export function noteSaved(database: string, aside: string): void {
  if (readSign(signOf(database)) === textFor(aside)) rmSync(signOf(database), { force: true });
}

/** The file that somebody has left half saved who is gone: from now on it is this process's. Throws nothing. */
export function takeUnsaved(database: string): string | undefined {
  const sign = signOf(database);
  try {
    if (lstatSync(sign, { throwIfNoEntry: false }) === undefined) return undefined;
    const text = takeLeft(sign, STALE);
    if (text === undefined) return undefined;
    const aside = join(dirname(database), basename(text.slice(text.indexOf(' ') + 1)));
    if (!lstatSync(aside).isFile()) return undefined;
    noteUnsaved(database, aside);
    return aside;
  } catch {
    return undefined; // what it names is gone, say, or another process is faster
  }
}
