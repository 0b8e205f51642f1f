// Signs beside the database: symbolic links, made in one step, whose text begins with their maker's process number, and which
// others can read when that process has died. Knows nothing of what they stand for.
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
 * Takes away the sign if its maker is gone, and returns its text; of several processes that try, one succeeds. A sign older than
 * `stale` milliseconds was left by a process that is gone, whatever process has its number now. Throws what the file system
 * throws, ENOENT where the sign has just gone.
 */
export function takeLeft(sign: string, stale: number): string | undefined {
  const text = readlinkSync(sign);
  const maker = Number.parseInt(text, 10);
  const isOld = Math.abs(Date.now() - lstatSync(sign).mtimeMs) >= stale;
  if (!isOld && maker > 0 && isAlive(maker)) return undefined;
  const taken = `${sign}-${process.pid}`;
  renameSync(sign, taken);
  if (readSign(taken) === text) {
    rmSync(taken, { force: true });
    return text;
  }
  renameSync(taken, sign); // another process was first, and this sign is its own
  return undefined;
}
