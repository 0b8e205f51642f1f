// Files that other processes find whole or not at all, also after a power cut. Knows nothing of what is in them.
import {
  closeSync,
  constants,
  fchownSync,
  fsyncSync,
  linkSync,
  lstatSync,
  openSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { isAlive } from './alive.ts';

/** Flags for open(2): a link that somebody has put there is not followed, and a pipe not waited for. */
export const HARMLESS = constants.O_NOFOLLOW | constants.O_NONBLOCK;

/**
 * Makes the file at `path`, in one step, and only if there is none yet. Made by root, it is given to the owner of the
 * directory: the user that the filters run as. Throws what the file system throws.
 * `durable`: it is on the disk when this returns, and a power cut before that leaves no part of it.
 */
export function makeWhole(path: string, content: Buffer, durable = false): void {
  try {
    withAside(path, content, (aside, fd) => {
      if (durable) fsyncSync(fd);
      linkSync(aside, path);
    });
    if (durable) syncPath(dirname(path));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}

/**
 * Makes a file beside `path`, with the owner as in `makeWhole`, for `work`, which may rename it to `path`. It is to be
 * read and written by `fd`, which stands at the end of the content: its name may lead root to what the directory's owner has put
 * there instead.
 */
export function withAside(path: string, content: Buffer, work: (aside: string, fd: number) => void): void {
  const aside = `${path}.tmp-${process.pid}`;
  removeLitter(path);
  try {
    const fd = openSync(aside, 'wx+', 0o600);
    try {
      writeFileSync(fd, content);
      giveTo(dirname(path), fd);
      work(aside, fd);
    } finally {
      closeSync(fd);
    }
  } finally {
    rmSync(aside, { force: true });
  }
}

export function isRoot(): boolean {
  return process.geteuid?.() === 0;
}

/** Gives the open file, if root has made it, to the owner of the directory. */
export function giveTo(directory: string, fd: number): void {
  if (!isRoot()) return;
  const { uid, gid } = statSync(directory);
  fchownSync(fd, uid, gid);
}

/** Waits until a file's content, or the names in a directory, are on the disk. */
export function syncPath(path: string): void {
  withOpen(path, constants.O_RDONLY, fsyncSync);
}

/** Does `work` with a descriptor of the file, which is open meanwhile; `flags` as for open(2). */
export function withOpen<T>(path: string, flags: number, work: (fd: number) => T): T {
  const fd = openSync(path, flags);
  try {
    return work(fd);
  } finally {
    closeSync(fd);
  }
}

/**
 * FILE.tmp-1234 of `withAside`; FILE.new-1234 and FILE.new-1234.new-1234 of rescue/replace.ts, and their lock files, which
 * `withAside` makes in turn. (FILE.1, or FILE.20261130, is an administrator's own copy.)
 */
const LITTER = /^(?:tmp|new)-(\d+)(?:\.new-\1)?(?:-lock)?(?:\.tmp-\1)?$/;

/** Such files of processes that were killed, and of an earlier process with our number. */
export function litterBeside(path: string): string[] {
  const prefix = `${basename(path)}.`;
  const isLitter = (name: string) => {
    const pid = name.startsWith(prefix) ? LITTER.exec(name.slice(prefix.length))?.[1] : undefined;
    return pid !== undefined && (Number(pid) === process.pid || !isAlive(Number(pid)));
  };
  return readdirSync(dirname(path))
    .filter(isLitter)
    .map((name) => join(dirname(path), name));
}

export function removeLitter(path: string): void {
  for (const file of litterBeside(path)) {
    try {
      rmSync(file, { force: true });
    } catch {
      // a directory, say: it is in nobody's way
    }
  }
}

/** A name beside `path` that does not exist yet, with the UTC time in it: FILE.damaged-20261124T020304Z. */
export function nameAside(path: string, why: string): string {
  const time = new Date().toISOString().replace(/[-:]|\.\d+/g, '');
  const name = `${path}.${why}-${time}`;
  for (let i = 0; ; i++) {
    const candidate = i === 0 ? name : `${name}-${i}`;
    if (lstatSync(candidate, { throwIfNoEntry: false }) === undefined) return candidate;
  }
}
