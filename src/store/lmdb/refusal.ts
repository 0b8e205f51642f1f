// LMDB's errors as ours (../damage.ts).
import { BadLockError, DamageError, MovedError, refused, StoreError } from '../damage.ts';

/** LMDB's own errors, sorted: damage to the file, or trouble around it. */
export function fromLmdb(error: unknown, path: string): Error {
  if ([StoreError, DamageError, MovedError, BadLockError].some((kind) => error instanceof kind))
    return error as Error;
  const { message } = error as Error;
  if (/MDB_(CORRUPTED|PAGE_NOTFOUND|PANIC|INVALID|BAD_TXN|PROBLEM|CURSOR_FULL|PAGE_FULL)/.test(message)) {
    return new DamageError(message);
  }
  // Our keys have a size and a place that fit: this is about the list of free pages, in which lmdb 3.5 loses its way (see
  // MOST_LEAVES in transaction.ts). Nothing was committed, the file is sound, and opened anew it can be written to.
  if (/MDB_(NOTFOUND|BAD_VALSIZE)/.test(message))
    return new MovedError(`LMDB has to open it anew: ${message}`);
  if (message.includes('No such file')) return new MovedError('a file vanished while it was opened');
  const code = CODES.find(([text]) => message.includes(text))?.[1];
  return refused(code === undefined ? error : Object.assign(new Error(message), { code }), path, 'write to');
}

const CODES = [
  ['No space left', 'ENOSPC'],
  ['quota', 'EDQUOT'],
  ['Permission denied', 'EACCES'],
  ['not permitted', 'EPERM'],
  ['Read-only file system', 'EROFS'],
  ['Too many open files', 'EMFILE'],
  ['Not a directory', 'ENOTDIR'],
] as const;
