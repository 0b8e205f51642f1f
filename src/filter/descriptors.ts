// Descriptors 0, 1 and 2. Under spawn(8) all three are one socket, and Postfix takes every byte on it for a reply.
import { closeSync, fstatSync, openSync, type Stats } from 'node:fs';

/** Whether descriptor 2 can be written to without Postfix reading it: it is a terminal, or a file of its own. */
export function stderrIsApart(): boolean {
  const error = look(2);
  if (error === undefined) return false;
  if (error.isCharacterDevice()) return isTerminal(error);
  return !isSame(error, look(0)) && !isSame(error, look(1));
}

/** Whether all three are one socket: greylatch was started by spawn(8), or in the same way. */
export function isOneSocket(): boolean {
  const input = look(0);
  return input?.isSocket() === true && isSame(input, look(1)) && isSame(input, look(2));
}

/**
 * Opens the null device as descriptor 2, so that nothing which writes there without asking (Node's warnings and fatal
 * errors, liblmdb's assertions, the C library) reaches Postfix.
 */
export function silenceStderr(): void {
  try {
    closeSync(2);
  } catch {
    // it was closed already
  }
  // Takes the lowest free number, which is 2, before the database's file can.
  try {
    openSync('/dev/null', 'w');
  } catch {
    openSync('/', 'r'); // a chroot without devices: what is written to a directory is an error, and goes nowhere
  }
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
