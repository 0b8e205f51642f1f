// Descriptors 0, 1 and 2. spawn(8) makes all three one socket, on which Postfix takes every byte for a reply.
import { closeSync, fstatSync, openSync, type Stats } from 'node:fs';

/** Descriptor 2 can be written to without a byte of it reaching the one who asks: a terminal, a file of its own. */
export function stderrIsApart(): boolean {
  const error = look(2);
  if (error === undefined) return false;
  if (error.isCharacterDevice()) return isTerminal(error);
  return !isSame(error, look(0)) && !isSame(error, look(1));
}

/** The three are one socket: this is spawn(8), or somebody who does as it does. */
export function isOneSocket(): boolean {
  const input = look(0);
  return input?.isSocket() === true && isSame(input, look(1)) && isSame(input, look(2));
}

/**
 * Turns descriptor 2 into the null device. Whatever writes to it behind our back (Node's warnings and fatal
 * errors, liblmdb's assertions, the C library) then reaches nobody.
 */
export function silenceStderr(): void {
  try {
    closeSync(2);
  } catch {
    // it was closed already
  }
  openSync('/dev/null', 'w'); // takes the lowest free number, which is 2
}

function look(fd: number): Stats | undefined {
  try {
    return fstatSync(fd);
  } catch {
    return undefined;
  }
}

function isSame(a: Stats, b: Stats | undefined): boolean {
  return b !== undefined && a.dev === b.dev && a.ino === b.ino;
}

/** A character device other than the null device, whose number is 1:3 on Linux. */
function isTerminal(stat: Stats): boolean {
  return stat.rdev !== 0x103;
}
