// Signs beside the database: symbolic links, made in one step, whose text says who made them, and which others can read when
// their maker has died. Knows nothing of what they stand for.
import { lstatSync, readlinkSync, renameSync, rmSync } from 'node:fs';
import { isAlive } from './alive.ts';

/** The sign's text; undefined: there is none. */
export function readSign(sign: string): string | undefined {
  try {
    return readlinkSync(sign);
  } catch {
    return undefined;
  }
}

/**
 * Whether the sign's maker is gone. A sign older than `stale` milliseconds was left by a process that is gone, whatever process
 * has its number now. Throws what the file system throws.
 */
export function isLeft(sign: string, maker: number, stale: number): boolean {
  return !(maker > 0 && isAlive(maker)) || Math.abs(Date.now() - lstatSync(sign).mtimeMs) >= stale;
}

/**
 * Takes away the sign of a process that is gone, if it still has that text: of several processes that try, one succeeds.
 * Throws what the file system throws, ENOENT where the sign has just gone.
 */
export function takeAway(sign: string, text: string): boolean {
  const taken = `${sign}-${process.pid}`;
  renameSync(sign, taken);
  if (readSign(taken) === text) {
    rmSync(taken, { force: true });
    return true;
  }
  renameSync(taken, sign); // another process was first, and this sign is its own
  return false;
}
