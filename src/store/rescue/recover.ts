// Sets a damaged file aside, renamed to FILE.damaged-TIME, so that all go on with a new one. Of many processes that find the
// same damage at once, exactly one does it. (embedded/keeper.ts decides that it is done.)
import { lstatSync, readdirSync, renameSync, unlinkSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { pause } from '../../time/pause.ts';
import { DamageError, StoreError } from '../damage.ts';
import { nameAside } from '../disk/files.ts';
import { checkPlace } from '../disk/place.ts';
import { alone } from '../disk/recovering.ts';
import { checkToSave } from '../lmdb/space.ts';
import { checkBeforeWriting } from '../pages/doubt.ts';
import { AFTER_REMOVAL, lockPath } from '../pages/lock.ts';
import { foreign, wasDatabase } from './ours.ts';
import { noteUnsaved } from './unsaved.ts';

/** How many damaged files are kept; older ones are removed, so that the disk does not fill up. */
const KEPT = 3;
/**
 * How long a process that is just opening the database has before the file is renamed, in milliseconds: it takes one or
 * two.
 */
const OPENING = 50;

/**
 * Sets the damaged file at `path` aside, if it is still the one with inode `ino` (undefined: if it still cannot be
 * opened for changes), and calls `save` for what is in it, while the others wait. Does nothing where another process has
 * done it. `what` says what is wrong with the file. Throws StoreError where it never was a database, FullError where there
 * is no space to save it.
 */
export function setAside(
  path: string,
  ino: number | undefined,
  what: string,
  save: (aside: string) => void,
): void {
  alone(path, () => {
    if (!isStillDamaged(path, ino)) return;
    if (!wasDatabase(path)) throw new StoreError(foreign(path, what));
    checkToSave(path, what);
    pause(OPENING);
    const aside = nameAside(path, 'damaged');
    noteUnsaved(path, aside);
    removeLock(path);
    renameSync(path, aside);
    prune(path);
    save(aside);
  });
}

/** Removes the lock file if it is still the one with inode `ino`; the next process to open the database makes a new one. */
export function replaceLock(path: string, ino: number): void {
  alone(path, () => {
    if (lstatSync(lockPath(path), { throwIfNoEntry: false })?.ino === ino) removeLock(path);
    pause(AFTER_REMOVAL);
  });
}

function isStillDamaged(path: string, ino: number | undefined): boolean {
  if (ino !== undefined) return lstatSync(path, { throwIfNoEntry: false })?.ino === ino;
  try {
    checkPlace(path);
    checkBeforeWriting(path);
    return false;
  } catch (error) {
    if (error instanceof DamageError) return true;
    throw error;
  }
}

function removeLock(path: string): void {
  const lock = lockPath(path);
  const there = lstatSync(lock, { throwIfNoEntry: false });
  if (there?.isDirectory()) renameSync(lock, nameAside(lock, 'damaged'));
  else if (there !== undefined) unlinkSync(lock);
}

function prune(path: string): void {
  for (const { name } of damagedFiles(path).slice(0, -KEPT)) unlinkSync(name);
}

/** What `nameAside` puts behind the prefix. Other names are of somebody's own copies, or made to look like ours. */
const TIME = /^\d{8}T\d{6}Z(?:-\d+)?$/;

/** The damaged files that were set aside, the oldest first; `at`: when that was, in seconds since the epoch. */
export function damagedFiles(path: string): { name: string; at: number }[] {
  const prefix = `${basename(path)}.damaged-`;
  return readdirSync(dirname(path))
    .filter((name) => name.startsWith(prefix) && TIME.test(name.slice(prefix.length)))
    .map((name) => ({ name: join(dirname(path), name), stat: lstatSync(join(dirname(path), name)) }))
    .filter(({ stat }) => !stat.isDirectory()) // a directory was never a database of ours
    .sort((a, b) => a.stat.ctimeMs - b.stat.ctimeMs || (a.name < b.name ? -1 : 1))
    .map(({ name, stat }) => ({ name, at: Math.floor(stat.ctimeMs / 1000) }));
}
