// Making a queue's file, and changing its header for all to see. Knows nothing of entries.
import { constants, fstatSync, writeSync } from 'node:fs';
import { HARMLESS, makeWhole, withOpen } from '../disk/files.ts';
import { headerOf } from './format.ts';

/** Makes the file, in one step with its header, if there is none. */
export function makeFile(path: string): void {
  makeWhole(path, headerOf(0));
}

/** An inode's number as a word that is not 0. */
export function word(ino: number): number {
  return ino >>> 0 || 1;
}

/**
 * Writes `numbers` into the header, from `word` on, if the file still has inode `ino`. Through a descriptor of its own: what
 * is written through one with O_APPEND goes to the end.
 */
export function writeNumbers(path: string, ino: number, word: number, ...numbers: number[]): void {
  withOpen(path, constants.O_WRONLY | HARMLESS, (fd) => {
    if (fstatSync(fd).ino === ino) writeSync(fd, Uint32Array.from(numbers), 0, 4 * numbers.length, word * 4);
  });
}
