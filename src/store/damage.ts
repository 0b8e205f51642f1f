// What can be wrong with the database, as errors. Each says what and where; embedded/keeper.ts decides what is done about it.

/** The store cannot do its work now. The message says what is wrong and what to do. */
export class StoreError extends Error {
  override name = 'StoreError';
}

/** The file's content cannot be right. The file is to be set aside, and what is readable saved. */
export class DamageError extends Error {
  override name = 'DamageError';
}

/** The lock file is rubbish; the database itself may be sound. */
export class BadLockError extends Error {
  override name = 'BadLockError';
  constructor(
    message: string,
    readonly ino: number,
  ) {
    super(message);
  }
}

/** To be opened anew: path or lock file lead to another file now (renamed, removed, set aside), or LMDB has lost its way in it. */
export class MovedError extends Error {
  override name = 'MovedError';
}

/** A change was not begun, for it cannot be made now. What is open can still be used. */
export class NotNowError extends StoreError {}

/** The disk has no space for it. */
export class FullError extends NotNowError {}

/** A process that is stopped has the lock. */
export class BusyError extends NotNowError {}

export const GIVE_TO_FILTER =
  'give the directory and the files in it to the user that runs the filter (chown), for reading and writing (chmod u+rwX)';

/** What Linux calls EDQUOT: Node has no name for it (tried with 20). */
export const NODES_EDQUOT = 'Unknown system error -122';

export const DISK_FULL = 'the disk is full; free some space';

/** A StoreError for a failed system call on `path`, with advice where the cause is a usual one. */
export function refused(error: unknown, path: string, doing: string): StoreError {
  const { code, message } = error as NodeJS.ErrnoException;
  return new StoreError(`cannot ${doing} ${path}: ${reason(code) ?? message}`);
}

function reason(code: string | undefined): string | undefined {
  switch (code) {
    case 'ENOENT':
      return 'its directory does not exist; make it and give it to the user that runs the filter (mkdir, chown)';
    case 'EACCES':
    case 'EPERM':
      return `permission denied; ${GIVE_TO_FILTER}`;
    case 'ENOSPC':
    case 'EDQUOT':
    case NODES_EDQUOT:
      return DISK_FULL;
    case 'EFBIG':
      return 'it would be larger than files may be; raise the limit on their size (ulimit -f)';
    case 'EROFS':
      return 'the file system is read-only; mount it for writing';
    case 'EMFILE':
    case 'ENFILE':
      return 'too many open files; raise the limit (ulimit -n)';
    case 'ENOTDIR':
      return 'a part of the path is not a directory';
    case 'ELOOP':
      return 'it is a symbolic link; name the file itself';
    default:
      return undefined;
  }
}
