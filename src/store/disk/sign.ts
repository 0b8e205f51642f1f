// The sign that one process sets the database aside or removes its lock: others wait meanwhile, and exactly one does it.
import { lstatSync, readlinkSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import { refused, StoreError } from '../damage.ts';
import { isAlive } from './alive.ts';
import { pause } from './pause.ts';

/** How long others wait for the one that recovers, in milliseconds: long enough for most databases. */
const PATIENCE = 1500;
/** A sign this old was left by a process whose number another one bears now, in milliseconds. */
const STALE = 60_000;

/**
 * Runs `work` while no other process recovers this database. The sign is a symbolic link to the number of
 * the process: made in one step, and readable by others when its maker has died.
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

/** Takes away the sign of a process that is gone. */
function breakSign(sign: string): boolean {
  try {
    const maker = Number(readlinkSync(sign));
    const fresh = Math.abs(Date.now() - lstatSync(sign).mtimeMs) < STALE;
    if (fresh && maker > 0 && isAlive(maker)) return false;
    const broken = `${sign}-${process.pid}`;
    renameSync(sign, broken); // of several, one succeeds
    if (Number(readlinkSync(broken)) !== maker) {
      renameSync(broken, sign); // another one was first, and this is its own
      return false;
    }
    rmSync(broken, { force: true });
    return true;
  } catch {
    return true; // it went by itself
  }
}
