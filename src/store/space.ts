// Space on the disk for what a transaction will write, taken before liblmdb writes it: where a write of its own fails,
// lmdb 3.5 puts a message into memory that is too short for it, and the process dies of that. A transaction that would
// find no space is refused instead. Writes nothing but zeros behind the last page.
import { fstatSync, writeSync } from 'node:fs';
import { refused } from './damage.ts';
import type { DataFile } from './file.ts';
import type { Meta } from './format.ts';

const ZEROS = Buffer.alloc(64 * 1024);

/**
 * Makes sure, under the write lock, that a transaction on the state `meta` can write `pages` pages wherever liblmdb puts
 * them: within the file, or behind its last page. Throws StoreError where the disk has no space, or a limit is in the way.
 */
export function takeSpace(file: DataFile, meta: Meta, pages: number): void {
  const end = (meta.lastPage + 1 + pages) * file.pageSize;
  if (end <= file.taken) return;
  file.taken = fstatSync(file.fd).size;
  try {
    while (file.taken < end)
      file.taken += writeSync(file.fd, ZEROS, 0, Math.min(ZEROS.length, end - file.taken), file.taken);
  } catch (error) {
    throw refused(error, file.path, 'write to');
  }
}
