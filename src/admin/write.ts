// A file that is there as a whole or not at all, for whoever reads it at the same time: a web server, say.
import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';

/** Throws an Error for the user where the file cannot be written; then what was there before is still there. */
export function writeWhole(file: string, text: string): void {
  const beside = `${file}.${process.pid}.tmp`;
  try {
    const made = openSync(beside, 'wx', 0o644);
    try {
      const bytes = Buffer.from(text);
      for (let at = 0; at < bytes.length; ) at += writeSync(made, bytes, at);
      fsyncSync(made);
    } finally {
      closeSync(made);
    }
    renameSync(beside, file);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code !== 'EEXIST') rmSync(beside, { force: true });
    throw new Error(`cannot write ${file}: ${message}; name a file in a directory that exists and is yours`);
  }
}
