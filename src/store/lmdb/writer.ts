// The database opened for changes: LMDB's environment and what this process knows of it. open.ts opens it, transaction.ts
// changes it.
import { closeFile, type DataFile } from '../pages/file.ts';
import type { Meta } from '../pages/format.ts';
import { closeLock, isSound, type LockFile, restoreSize } from '../pages/lock.ts';
import type { Path } from '../pages/tree.ts';
import type { Instruction } from './instruction.ts';
import type { NativeEnv, NativeReader } from './native.ts';
import { abandon, unpin } from './pin.ts';
import { hasSpare } from './space.ts';

export interface Writer {
  env: NativeEnv;
  dbi: number;
  file: DataFile;
  lock: LockFile;
  /** Writing may need new space, see `isCopying` in space.ts. */
  copies: boolean;
  path: Path;
  instruction: Instruction;
  scratch: Buffer;
  /** Keeps LMDB from re-using pages of the state that is safe on the disk: see durable.ts. */
  pin: NativeReader | undefined;
  /** The state that the pin holds. */
  pinned: number;
  /** Holds an older state: until the mark of the one that the pin holds is on the disk, a power cut leads back to it. */
  older: NativeReader | undefined;
  /** The newest state that this process has committed, and the first since it last looked after the disk (0: none). */
  committed: number;
  due: number;
  /** On about how many leaves the transaction has put records, and on which one last. */
  touched: number;
  leaf: number;
  /** How many records it has put or deleted, except appended ones, and how many bytes all together take at most. */
  puts: number;
  filled: number;
  /** About how many pages this process's last commit has written. */
  pagesEach: number;
  /** When that commit was made, in milliseconds since the epoch. */
  committedAt: number;
  /** The newest state of all, when this process last looked after the disk. */
  newest: { txnid: number; lastPage: number };
  /** The flush that is under way in another thread, and uses the file's descriptor. */
  flushing: Flush | undefined;
  /** Slots that were to be released when the disk was full: they are when there is space again. */
  stuck: NativeReader[];
  closed: boolean;
}

/** A state that is on its way to the disk. */
export interface Flush {
  head: Buffer;
  meta: Meta;
  /** Undefined once a storm has overtaken it: then nothing holds the state any more. */
  pin: NativeReader | undefined;
  /** What the mark named when the flush that brings it to the disk began. */
  marked: number;
}

/** Kept to the end of the process: garbage collection would close them, or release their slots. */
const abandoned: Pick<Writer, 'env'>[] = [];

/** For an environment that cannot be closed, as `hasRoom` says, and that no writer has yet. */
export function leaveOpen(env: NativeEnv): void {
  abandoned.push({ env });
}

/** Closes everything. What is not yet on the disk, the kernel still writes there. */
export function closeWriter(writer: Writer): void {
  writer.closed = true;
  if (!hasRoom(writer)) {
    abandoned.push(writer);
    return;
  }
  restoreSize(writer.lock);
  unpin(writer);
  for (const pin of writer.stuck.splice(0)) pin.abort();
  if (writer.flushing !== undefined) abandon(writer.flushing); // after the environment is closed, abort() would throw
  writer.env.close();
  closeLock(writer.lock);
  if (writer.flushing === undefined) closeFile(writer.file); // else it goes last: the flush uses its descriptor
}

/** Whether the lock file's map can be written to, as giving up a reader's slot does. */
export function mayRelease(writer: Writer): boolean {
  return isSound(writer.lock) && hasRoom(writer);
}

function hasRoom({ copies, file }: Writer): boolean {
  return !copies || hasSpare(file.path);
}
