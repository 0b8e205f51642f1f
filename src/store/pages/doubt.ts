// A database that a power cut may have left unfinished, without a mark (mark.ts) to go back to: it is read and checked as a
// whole before it is used. Changes nothing.
import { DamageError } from '../damage.ts';
import { type DataFile, withFile } from './file.ts';
import { readHead } from './head.ts';
import { isDoubtful, isKept } from './mark.ts';
import { firstProblem } from './verify.ts';

/** Throws DamageError where the power failed in a storm, and the newest state did not reach the disk as a whole. */
export function checkDoubtful(file: DataFile): void {
  if (!isDoubtful(file, readHead(file)) || isKept(file)) return;
  const problem = firstProblem(file.path);
  if (problem !== undefined) throw new DamageError(`was left unfinished by a power cut: ${problem}`);
}

/** The same for the database at `path`, to be called before a writer is opened. */
export function checkBeforeWriting(path: string): void {
  withFile(path, checkDoubtful);
}
