// The newest state of the database's file, by its meta pages, while others commit. Nothing here knows what the pages hold.
import { readSync } from 'node:fs';
import { DamageError, MovedError } from '../damage.ts';
import { checkSize, type DataFile } from './file.ts';
import { hasTreesOf, META_BYTES, type Meta, metaTxn, readMeta } from './format.ts';

/**
 * The newest committed state. `still`: the caller holds the write lock, so that nobody commits meanwhile. Throws DamageError
 * where there is none, or the file is shorter than that state says; MovedError where it must be opened again.
 */
export function readHead(file: DataFile, still = false): Meta {
  const { head, pageSize, newest } = file;
  fill(file);
  const first = metaTxn(head, 0);
  const second = metaTxn(head, pageSize);
  const txnid = Math.max(first, second);
  if (areSwapped(first, second)) throw new DamageError('has its meta pages in the place of each other');
  // A transaction's number never stands for two states, so where it is the same, nothing has changed; unless the file was
  // emptied, and another process has begun anew in it.
  if (newest !== undefined && first >= 0 && second >= 0 && newest.txnid === txnid) {
    if (hasTreesOf(head, newestAt(file), newest)) return newest;
    throw new MovedError('it was begun anew');
  }
  // A state that this process has committed was written completely before now.
  const meta = readMeta(head, still || txnid === file.own ? newestAt(file) : settle(file));
  // A healthy file has two good meta pages at all times: LMDB writes each in one piece.
  if (metaTxn(head, 0) < 0 || metaTxn(head, pageSize) < 0 || typeof meta === 'string')
    throw new DamageError('has a damaged meta page');
  if (meta.pageSize !== pageSize) throw new DamageError('has another page size than it had');
  checkSize(file, meta);
  file.newest = meta;
  return meta;
}

/** Even transactions are in the first meta page, odd ones in the second, and liblmdb relies on that. */
function areSwapped(first: number, second: number): boolean {
  if (first === second) return false; // in a new file
  return first > second ? (first & 1) === 1 : (second & 1) === 0;
}

const before = Buffer.alloc(META_BYTES);
const MOST_READINGS = 20;

/**
 * Reads a head that has changed until two readings agree, and returns where its newest meta page lies. A reading during a
 * commit may have the number of the new state with the trees of an old one (measured: one in 3,000 beside a process that
 * writes at full speed), and would be believed until the next commit.
 */
function settle(file: DataFile): number {
  const { head } = file;
  for (let readings = 2; ; readings++) {
    const at = newestAt(file);
    head.copy(before, 0, at, at + META_BYTES);
    fill(file);
    const agree = newestAt(file) === at && before.compare(head, at, at + META_BYTES) === 0;
    if (agree || readings >= MOST_READINGS) return newestAt(file);
  }
}

function newestAt({ head, pageSize }: DataFile): number {
  return metaTxn(head, 0) >= metaTxn(head, pageSize) ? 0 : pageSize;
}

function fill(file: DataFile): void {
  const { head } = file;
  const got = readSync(file.fd, head, 0, head.length, 0);
  if (got < head.length) throw new DamageError(`is truncated to ${got} bytes`);
}
