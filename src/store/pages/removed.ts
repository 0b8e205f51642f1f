// Whether somebody is still within a transaction under a lock file that was removed: stopped, or as the disk is slow. Whoever made
// a new one meanwhile would write to the same pages.
import { constants, readdirSync, readFileSync, readlinkSync, realpathSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { withOpen } from '../disk/files.ts';
import { lockHolder, lockPath } from './lock.ts';

/** That process; 0: there is none that can be seen. In a chroot without /proc, and of other users' processes, nothing can be. */
export function holderOfRemoved(database: string): number {
  try {
    const gone = `${join(realpathSync(dirname(database)), basename(lockPath(database)))} (deleted)`;
    // Each process that has the database open holds fcntl(2)'s shared lock on its lock file.
    const locks = readFileSync('/proc/locks', 'latin1').matchAll(/ READ +(\d+) /g);
    for (const pid of new Set([...locks].map(([, pid]) => pid))) {
      const holder = holderOf(`/proc/${pid}/fd`, gone);
      if (holder !== 0) return holder;
    }
  } catch {
    // no /proc
  }
  return 0;
}

function holderOf(descriptors: string, file: string): number {
  try {
    for (const name of readdirSync(descriptors)) {
      const one = join(descriptors, name);
      if (readlinkSync(one) === file) return withOpen(one, constants.O_RDONLY, lockHolder);
    }
  } catch {
    // another user's, or just gone
  }
  return 0;
}
