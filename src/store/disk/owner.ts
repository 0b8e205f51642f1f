// Root's work in a directory of the filters' user. That user, or another service that runs as it, may put a link in the place of
// any file there at any moment: so root changes files by their descriptors, and has what opens by name do so as that user.
import { constants, fchmodSync, fchownSync, fstatSync, lstatSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { giveTo, HARMLESS, isRoot, withOpen } from './files.ts';

export interface Owner {
  uid: number;
  gid: number;
  mode: number;
}

/** Sets the file's mode and, as root, its owner. */
export function takeOwner(file: string, { uid, gid, mode }: Owner): void {
  changeByName(file, (fd) => {
    if (isRoot()) fchownSync(fd, uid, gid);
    fchmodSync(fd, mode);
  });
}

/** Throws for a link, and for a file that has another name too: that may lie in a directory of somebody else. */
function changeByName(file: string, work: (fd: number) => void): void {
  withOpen(file, constants.O_RDONLY | HARMLESS, (fd) => {
    if (fstatSync(fd).nlink > 1) throw new Error(`${file} is a hard link of another file`);
    work(fd);
  });
}

/**
 * Runs `work`, which opens or makes these files of one directory by their names. Where root does, it does so as the owner of the
 * directory, whom a link leads nowhere new. As root all the same where that user could not do it: the directory cannot be
 * reached, or a file is a third user's. Files of root are given to the owner, those that were there before and those made now.
 */
export function asOwner<T>(files: readonly string[], work: () => T): T {
  const directory = dirname(files[0]!);
  const { uid, gid } = isRoot() ? statSync(directory) : { uid: 0, gid: 0 };
  if (uid === 0) return work();
  const there = () => files.map((file) => ({ file, stats: lstatSync(file, { throwIfNoEntry: false }) }));
  const give = () => {
    for (const { file, stats } of there())
      if (stats?.uid === 0 && stats.isFile()) changeByName(file, (fd) => giveTo(directory, fd));
  };
  if (!there().some(({ stats }) => stats !== undefined && stats.uid !== uid && stats.uid !== 0)) {
    give();
    const group = process.getegid!();
    try {
      if (become(uid, gid, directory)) return work();
    } finally {
      resume(group);
    }
  }
  const done = work();
  give();
  return done;
}

/** False where there is no such user in this container, or the directory cannot be reached. */
function become(uid: number, gid: number, directory: string): boolean {
  try {
    process.setegid!(gid);
    process.seteuid!(uid);
    statSync(directory);
    return true;
  } catch {
    return false;
  }
}

function resume(group: number): void {
  if (!isRoot()) process.seteuid!(0);
  if (process.getegid!() !== group) process.setegid!(group);
}
