// Whether the database's directory is a safe place for it: checked before the file is opened. /tmp is none.
import { lstatSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { DamageError, refused, StoreError } from '../damage.ts';

const ANYBODY_WRITES = 0o002;

/**
 * Throws StoreError where the database may not lie at `path`, DamageError where something else lies there. `where` tells the
 * user which option names another one.
 */
export function checkPlace(path: string, where = ' with --db'): void {
  const directory = dirname(path);
  const look = <T>(work: () => T) => {
    try {
      return work();
    } catch (error) {
      throw refused(error, path, 'open');
    }
  };
  const { mode } = look(() => statSync(directory));
  if ((mode & ANYBODY_WRITES) !== 0) {
    // The sticky bit does not help: anybody could be first with a file, or a link, of this name.
    throw new StoreError(
      `${directory} is writable by everybody, so anybody could put a file or link in place of the database; ` +
        `make a directory that only the user of the filter can write and name a file in it${where}`,
    );
  }
  const file = look(() => lstatSync(path, { throwIfNoEntry: false }));
  if (file === undefined || file.isFile()) return;
  if (file.isSymbolicLink() && statSync(path, { throwIfNoEntry: false }) !== undefined) {
    throw new StoreError(`${path} is a symbolic link; name the file that it leads to${where}`);
  }
  if (file.isSymbolicLink()) throw new DamageError('is a symbolic link that leads nowhere');
  throw new DamageError(`is ${file.isDirectory() ? 'a directory' : 'no file'}`);
}
