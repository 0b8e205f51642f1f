// What the connection to the engine needs from files: passwords, in a file that only the filter's user may read; certificates.
import { constants, fstatSync, readFileSync } from 'node:fs';
import { refused, StoreError } from '../damage.ts';
import { withOpen } from '../disk/files.ts';
import type { Address } from './address.ts';

const OTHERS = 0o077;

export interface Secrets {
  /** The password file's first line; undefined: the engine asks for none. */
  password: string | undefined;
  /** Its second line; undefined: the Sentinels ask for none. */
  sentinelPassword: string | undefined;
  /** PEM texts, for node:tls; undefined: no TLS. */
  tls: { ca?: string; cert?: string; key?: string } | undefined;
}

/** Where the secrets may come from: a pipe, as by hand in `<(pass show mx)`, may keep its reader waiting for ever. */
export type Sources = 'files' | 'files and pipes';

/** Reads the files. Throws StoreError where one cannot be read, or others may read the one with the passwords. */
export function readSecrets(
  passwordFile: string | undefined,
  files: Address['tls'],
  from: Sources = 'files',
): Secrets {
  const [password, sentinelPassword] = passwordFile === undefined ? [] : readPasswords(passwordFile, from);
  const tls =
    files === undefined
      ? undefined
      : Object.fromEntries(Object.entries(files).map(([name, file]) => [name, readText(file, from).text]));
  return { password, sentinelPassword: sentinelPassword || undefined, tls };
}

function readPasswords(path: string, from: Sources): string[] {
  const { text, mode } = readText(path, from);
  if ((mode & OTHERS) !== 0)
    throw new StoreError(
      `${path} can be read by others than its owner: chmod 600 ${path}, and change the password`,
    );
  const lines = text.split(/\r?\n/);
  if (!lines[0]) throw new StoreError(`${path} has no password in its first line`);
  return lines;
}

function readText(path: string, from: Sources): { text: string; mode: number } {
  const flags = from === 'files' ? constants.O_NONBLOCK : 0;
  try {
    return withOpen(path, constants.O_RDONLY | flags, (fd) => {
      const stats = fstatSync(fd);
      if (from === 'files' && !stats.isFile()) throw new StoreError(`cannot read ${path}: it is not a file`);
      return { text: readFileSync(fd, 'utf8'), mode: stats.mode };
    });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT')
      throw new StoreError(`cannot read ${path}: it does not exist`);
    throw error instanceof StoreError ? error : refused(error, path, 'read');
  }
}
