// Files that others find whole or not at all, and that stay found. Knows nothing of what is in them.
import {
  chownSync,
  closeSync,
  constants,
  fsyncSync,
  linkSync,
  openSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname } from 'node:path';

/**
 * Makes the file at `path`, in one step, and only if there is none yet. As with the database: what root makes must not
 * lock out the user that the filters run as, who owns the directory. Throws what the file system throws.
 */
export function makeWhole(path: string, content: Buffer): void {
  const own = `${path}.${process.pid}`;
  try {
    writeFileSync(own, content, { mode: 0o600, flag: 'wx' });
    if (process.geteuid?.() === 0) {
      const { uid, gid } = statSync(dirname(path));
      chownSync(own, uid, gid);
    }
    linkSync(own, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  } finally {
    rmSync(own, { force: true });
  }
}

/** A new file, or name, is on the disk when its directory is. */
export function syncDirectory(directory: string): void {
  const fd = openSync(directory, constants.O_RDONLY);
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
