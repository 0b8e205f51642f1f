// What waits in a queue's file, as this process has read it: with each request, it reads only what has come since the last.
// Does nothing but read.
import { readSync } from 'node:fs';

export interface Waiting {
  /**
   * What the file holds from `from` on; of more than MOST bytes, at least MOST. Good until the next reading. If the file did
   * anything but grow since the last reading, call `forget` first. Throws what the file system throws.
   */
  read(fd: number, from: number): Buffer;
  forget(): void;
}

/** Bytes: where so much waits, something keeps it from the database. */
export const MOST = 512 * 1024;
/** The buffer's size at first, and the size above which it is given back once nothing in it waits; in bytes. */
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
