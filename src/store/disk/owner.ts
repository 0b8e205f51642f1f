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
 * directory, to whom a link opens nothing new; files of root are given to that user. As root all the same where that user could
 * not do it: the directory cannot be reached, or a file is a third user's.
 */
export function asOwner<T>(files: readonly string[], work: () => T): T {
  const directory = dirname(files[0]!);
  const { uid, gid } = isRoot() ? statSync(directory) : { uid: 0, gid: 0 };
  if (uid === 0) return work();
  const ofOthers = give(files, directory).some((owner) => owner !== uid && owner !== 0);
  const group = process.getegid!();
  try {
    if (ofOthers || !become(uid, gid, directory)) resume(group);
    return work();
  } finally {
    resume(group);
    give(files, directory); // what was made as root
  }
}

/** Gives those of the files that are root's to the owner of the directory. Returns whose they all are then. */
function give(files: readonly string[], directory: string): number[] {
  const look = (file: string) => lstatSync(file, { throwIfNoEntry: false });
  for (const file of files) {
    const there = look(file);
    if (there?.uid === 0 && there.isFile()) changeByName(file, (fd) => giveTo(directory, fd));
  }
  return files.flatMap((file) => look(file)?.uid ?? []);
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
