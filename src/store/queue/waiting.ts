// What waits in a queue's file, as a process has read it: with each request, only what has come since the last. Does
// nothing but read.
import { readSync } from 'node:fs';

export interface Waiting {
  /**
   * What the file holds from `from` on: MOST bytes or more where there are so many. Good until the next reading. The file
   * must only have grown since the last one, unless that is forgotten. Throws what the file system throws.
   */
  read(fd: number, from: number): Buffer;
  forget(): void;
}

/** So much that is not in the database: something is in its way. */
export const MOST = 512 * 1024;
/** What is read into, to begin with; and from which size on it is given back once nothing of it waits, in bytes. */
const SMALL = 16 * 1024;
const LARGE = 128 * 1024;

export function newWaiting(): Waiting {
  // `have` bytes of the file from `base` on
  let buffer = Buffer.allocUnsafeSlow(SMALL);
  let base = 0;
  let have = 0;

  function read(fd: number, from: number): Buffer {
    if (from < base || from >= base + have) {
      if (buffer.length > LARGE) buffer = Buffer.allocUnsafeSlow(SMALL);
      base = from;
      have = 0;
    }
    for (;;) {
      have += readSync(fd, buffer, have, buffer.length - have, base + have);
      const left = buffer.subarray(from - base, have);
      if (have < buffer.length || left.length >= MOST) return left;
      // Full: half of it at least is room afterwards.
      if (2 * left.length > buffer.length) buffer = Buffer.allocUnsafeSlow(2 * buffer.length);
      left.copy(buffer);
      base = from;
      have = left.length;
    }
  }

  return {
    read,
    forget() {
      have = 0;
    },
  };
}
