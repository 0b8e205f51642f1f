// The file of a queue as it is made, and as others are told of changes to its header. Knows nothing of entries.
import { closeSync, constants, fstatSync, openSync, writeSync } from 'node:fs';
import { makeWhole } from '../disk/files.ts';
import { headerOf } from './format.ts';
import { HARMLESS } from './read.ts';

/** Nobody finds it without its header. */
export function makeFile(path: string): void {
  makeWhole(path, headerOf(0));
}

/** An inode's number as a word that is not 0. */
export function word(ino: number): number {
  return ino >>> 0 || 1;
}

/** Through a descriptor of its own: what is written through one with O_APPEND goes to the end, wherever it is to go. */
export function writeNumbers(path: string, ino: number, word: number, ...numbers: number[]): void {
  const fd = openSync(path, constants.O_WRONLY | HARMLESS);
  try {
    if (fstatSync(fd).ino !== ino) return;
    writeSync(fd, Uint32Array.from(numbers), 0, 4 * numbers.length, word * 4);
  } finally {
    closeSync(fd);
  }
}
