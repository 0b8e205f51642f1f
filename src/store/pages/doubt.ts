// A database that a power cut may have left unfinished, and that no mark leads back from: it is read as a whole before
// it is used. Changes nothing.
import { DamageError } from '../damage.ts';
import { closeFile, type DataFile, openFile, readHead } from './file.ts';
import { isDoubtful, isKept } from './mark.ts';
import { firstProblem } from './verify.ts';

/** The power failed in a storm: nobody knows what of the newest state reached the disk. Throws DamageError. */
export function checkDoubtful(file: DataFile): void {
  if (!isDoubtful(file, readHead(file)) || isKept(file)) return;
  const problem = firstProblem(file.path);
  if (problem !== undefined) throw new DamageError(`was left unfinished by a power cut: ${problem}`);
}

/** As `checkDoubtful`, for whoever is about to open a writer. */
export function checkBeforeWriting(path: string): void {
  const file = openFile(path);
  if (file === undefined) return;
  try {
    checkDoubtful(file);
  } finally {
    closeFile(file);
  }
}
