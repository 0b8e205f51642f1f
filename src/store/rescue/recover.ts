// What is done about damage: the file is set aside under a name with the time, and everybody goes on with a
// new one. Of many processes that find the same damage at once, exactly one does it.
import { lstatSync, readdirSync, renameSync, unlinkSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { DamageError, StoreError } from '../damage.ts';
import { nameAside } from '../disk/files.ts';
import { pause } from '../disk/pause.ts';
import { checkPlace } from '../disk/place.ts';
import { alone } from '../disk/sign.ts';
import { checkToSave } from '../lmdb/space.ts';
import { closeFile, openFile, readHead } from '../pages/file.ts';
import { AFTER_REMOVAL, lockPath } from '../pages/lock.ts';
import { foreign, wasDatabase } from './ours.ts';
import { noteUnsaved } from './unsaved.ts';

/** How many damaged files are kept; the oldest go, so that no disk fills up. */
const KEPT = 3;
/** How long whoever is just opening the database has for it before the file goes, in milliseconds: it takes one or two. */
const OPENING = 50;

/**
 * Sets the damaged file at `path` aside, if it is still the one with inode `ino` (undefined: if it still
 * cannot be opened), and has `save` look after what is in it, while the others wait. Does nothing where
 * another process has done it. Throws StoreError where that was never a database: `what` says what it is.
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

/** Removes the lock file with inode `ino`; LMDB makes a new one. */
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
    const file = openFile(path);
    if (file === undefined) return false;
    try {
      readHead(file);
    } finally {
      closeFile(file);
    }
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

/** The files that were set aside, by when that was, the oldest first; `at` in seconds since the epoch. */
export function damagedFiles(path: string): { name: string; at: number }[] {
  const prefix = `${basename(path)}.damaged-`;
  return readdirSync(dirname(path))
    .filter((name) => name.startsWith(prefix))
    .map((name) => ({ name: join(dirname(path), name), stat: lstatSync(join(dirname(path), name)) }))
    .filter(({ stat }) => !stat.isDirectory()) // what is in there was never ours
    .sort((a, b) => a.stat.ctimeMs - b.stat.ctimeMs || (a.name < b.name ? -1 : 1))
    .map(({ name, stat }) => ({ name, at: Math.floor(stat.ctimeMs / 1000) }));
}
