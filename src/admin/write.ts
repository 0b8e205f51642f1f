// What commands write: to standard output, or to a file that others, say a web server, find whole or not at all.
import {
  accessSync,
  closeSync,
  constants,
  fsyncSync,
  openSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { attempt } from './attempt.ts';

/** Throws an Error for the user where a file cannot be made in the directory of `file`. */
export function checkDirectory(file: string): void {
  try {
    accessSync(path.dirname(file), constants.W_OK | constants.X_OK);
  } catch (error) {
    const { message } = error as Error;
    throw new Error(`cannot write ${file}: ${message}; name a file in a directory that exists and is yours`);
  }
}

/** Prints an object as a line of JSON, and a text, which has its line ends, as it is. */
export function print(what: object | string): void {
  process.stdout.write(typeof what === 'string' ? what : `${JSON.stringify(what)}\n`);
}

/**
 * Writes as `writeWhole` does; `-` is standard output. A device or a pipe is written to: root must not put a file in its place.
 */
export function writeOut(file: string, text: string): void {
  if (file === '-') {
    print(text);
    return;
  }
  if (!isDevice(file)) {
    writeWhole(file, text);
    return;
  }
  try {
    writeFileSync(file, text, { flag: 'a' });
  } catch (error) {
    throw cannotWrite(file, error);
  }
}

/** A device or a pipe, or what leads to one, as /dev/stdout does, though that may be a file just now: `> FILE`. */
function isDevice(file: string): boolean {
  const there = attempt(() => statSync(file));
  if (there === undefined || there.isDirectory()) return false;
  return !there.isFile() || /^\/(dev$|proc\/)/.test(realpathSync(path.dirname(file)));
}

/** What the user is told where `file` cannot be written. */
function cannotWrite(file: string, error: unknown): Error {
  return new Error(`cannot write ${file}: ${(error as Error).message}`);
}

/** Writes the file, or replaces it. Throws an Error for the user where it cannot; then the old file is still there. */
export function writeWhole(file: string, text: string): void {
  checkDirectory(file);
  const beside = `${file}.${process.pid}.tmp`;
  try {
    const made = openSync(beside, 'wx', 0o644);
    try {
      writeFileSync(made, text);
      fsyncSync(made);
    } finally {
      closeSync(made);
    }
    renameSync(beside, file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') rmSync(beside, { force: true });
    throw cannotWrite(file, error);
  }
}
