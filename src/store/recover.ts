// What is done about damage: the file is set aside under a name with the time, and everybody goes on with a
// new one. Of many processes that find the same damage at once, exactly one does it.
import { lstatSync, readdirSync, readlinkSync, renameSync, rmSync, symlinkSync, unlinkSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { DamageError, refused, StoreError } from './damage.ts';
import { closeFile, openFile, readHead } from './file.ts';
import { nameAside } from './files.ts';
import { isAlive, lockPath } from './lock.ts';
import { foreign, wasDatabase } from './ours.ts';
import { pause } from './pause.ts';
import { checkPlace } from './place.ts';
import { checkToSave } from './space.ts';

/** How many damaged files are kept; the oldest go, so that no disk fills up. */
const KEPT = 3;
/** How long others wait for the one that recovers, in milliseconds: long enough for most databases. */
const PATIENCE = 1500;

/** How long whoever is just opening the database has for it before the file goes, in milliseconds: it takes one or two. */
const OPENING = 50;

/** How long whoever is within a transaction has to finish it once the lock file is removed, in milliseconds. */
export const AFTER_REMOVAL = 50;

/** A sign this old was left by a process whose number another one bears now, in milliseconds. */
const STALE = 60_000;

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

/**
 * Waits while another process sets the database aside. To be called right before liblmdb opens it, by its name and more
 * than once: where the file goes in between, lmdb 3.5 dies of SIGSEGV. Returns whether there was anything to wait for.
 */
export function awaitRecovery(path: string): boolean {
  const sign = `${path}.recovering`;
  for (let waited = 0; ; waited += 5) {
    if (lstatSync(sign, { throwIfNoEntry: false }) === undefined || isMine(sign) || breakSign(sign))
      return waited > 0;
    if (waited >= PATIENCE) return true;
    pause(5);
  }
}

function isMine(sign: string): boolean {
  try {
    return readlinkSync(sign) === String(process.pid);
  } catch {
    return false; // it went by itself
  }
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

/**
 * Runs `work` while no other process recovers this database. The sign is a symbolic link to the number of
 * the process: made in one step, and readable by others when its maker has died.
 */
function alone(path: string, work: () => void): void {
  const sign = `${path}.recovering`;
  for (let waited = 0; ; waited += 5) {
    try {
      symlinkSync(String(process.pid), sign);
      break;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw refused(error, sign, 'create');
      if (!breakSign(sign) && waited >= PATIENCE)
        throw new StoreError(`${path} is being recovered by another process, which takes long (see ${sign})`);
      pause(5);
    }
  }
  try {
    work();
  } catch (error) {
    throw error instanceof StoreError ? error : refused(error, path, 'set aside');
  } finally {
    rmSync(sign, { force: true });
  }
}

/** Takes away the sign of a process that is gone. */
function breakSign(sign: string): boolean {
  try {
    const maker = Number(readlinkSync(sign));
    const fresh = Math.abs(Date.now() - lstatSync(sign).mtimeMs) < STALE;
    if (fresh && maker > 0 && isAlive(maker)) return false;
    renameSync(sign, `${sign}-${process.pid}`); // of several, one succeeds
    rmSync(`${sign}-${process.pid}`, { force: true });
    return true;
  } catch {
    return true; // it went by itself
  }
}
