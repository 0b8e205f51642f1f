// FILE.recovering, the sign that one process is setting the database aside or removing its lock file: the others wait
// meanwhile, so that exactly one does it.
import { lstatSync, rmSync, symlinkSync } from 'node:fs';
import { pause } from '../../time/pause.ts';
import { refused, StoreError } from '../damage.ts';
import { readSign, takeLeft } from './sign.ts';

/** How long others wait for the one that recovers, in milliseconds: long enough for most databases. */
const PATIENCE = 1500;
/** A sign older than this, in milliseconds, was left by a process that is gone: the work takes far less. */
const STALE = 60_000;

/**
 * Runs `work` while no other process recovers this database. Throws StoreError. The sign is a symbolic link whose target
 * is the number of its process: made in one step, and others can still read it when that process has died.
 */
export function alone(path: string, work: () => void): void {
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

/**
 * Waits while another process sets the database aside. To be called right before liblmdb opens the database: it opens the
 * file by name, more than once, and lmdb 3.5 dies of SIGSEGV where the file disappears in between.
 */
export function awaitRecovery(path: string): void {
  const sign = `${path}.recovering`;
  for (let waited = 0; waited < PATIENCE; waited += 5) {
    if (lstatSync(sign, { throwIfNoEntry: false }) === undefined) return;
    if (readSign(sign) === String(process.pid) || breakSign(sign)) return;
    pause(5);
  }
}

/** Removes the sign if its process is gone. Returns false if that process is still at work. */
function breakSign(sign: string): boolean {
  try {
    return takeLeft(sign, STALE) !== undefined;
  } catch {
    return true; // its maker has just removed it
  }
}
