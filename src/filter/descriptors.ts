// Descriptors 0, 1 and 2. Under spawn(8) all three are one socket, and Postfix takes every byte on it for a reply.
// All are open: for one that is closed, Node opens the null device before anything else.
import { closeSync, fstatSync, openSync, type Stats } from 'node:fs';

/** Whether descriptor 2 can be written to without Postfix reading it: it is a terminal, or a file of its own. */
export function stderrIsApart(): boolean {
  const error = fstatSync(2);
  if (error.isCharacterDevice()) return isTerminal(error);
  return !isSame(error, fstatSync(0)) && !isSame(error, fstatSync(1));
}

/** Whether all three are one socket: greylatch was started by spawn(8), or in the same way. */
export function isOneSocket(): boolean {
  const input = fstatSync(0);
  return input.isSocket() && isSame(input, fstatSync(1)) && isSame(input, fstatSync(2));
}

/**
 * Opens the null device as descriptor 2, so that nothing which writes there without asking (Node's warnings and fatal
 * errors, liblmdb's assertions, the C library) reaches Postfix.
 */
export function silenceStderr(): void {
  try {
    closeSync(2);
  } catch {
    // an earlier write has failed, e.g. on NFS; it is closed all the same
  }
  // Takes the lowest free number, which is 2, before the database's file can.
  try {
    openSync('/dev/null', 'w');
  } catch {
    openSync('/', 'r'); // a chroot without devices: what is written to a directory is an error, and goes nowhere
  }
}

function isSame(a: Stats, b: Stats): boolean {
  return a.dev === b.dev && a.ino === b.ino;
}

/** A character device other than the null device, whose number is 1:3 on Linux. */
function isTerminal(stat: Stats): boolean {
  return stat.rdev !== 0x103;
}
