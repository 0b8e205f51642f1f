// Whether a user may do something with a file: by owner, group and mode, as the kernel compares them, from facts that were
// gathered before. Access control lists are ignored.

export interface User {
  name: string;
  uid: number;
  /** The only group: spawn(8) takes the supplementary ones away (set_ugid in its sources). */
  gid: number;
}

export interface Inode {
  path: string;
  kind: 'file' | 'directory' | 'socket' | 'other';
  mode: number;
  uid: number;
  gid: number;
  /** The owner's name, or its number where it has none. */
  owner: string;
}

/** A path, and all that is looked at to resolve it. */
export interface Place {
  path: string;
  /** The directories that are searched on the way, of the path and of what its links lead to. */
  parents: Inode[];
  /** The file, links followed; undefined where it cannot be looked at: then `reason` says why (`ENOENT`). */
  self: Inode | undefined;
  reason: string | undefined;
}

type Access = 'read' | 'write' | 'search' | 'run';

const BITS: Record<Access, number> = { read: 4, write: 2, search: 1, run: 1 };

export function may(user: User, inode: Inode, access: Access): boolean {
  if (user.uid === 0) return true;
  const shift = inode.uid === user.uid ? 6 : inode.gid === user.gid ? 3 : 0;
  return ((inode.mode >> shift) & BITS[access]) !== 0;
}

// To a user that is not known (undefined), nothing is closed as far as can be told.

/** The first directory on the way to the place that is closed to the user. */
export function closedTo(user: User | undefined, { parents }: Place): Inode | undefined {
  return user && parents.find((parent) => !may(user, parent, 'search'));
}

/** How to let the user through to the place; undefined where no directory on the way is closed to him. */
export function wayTo(user: User | undefined, place: Place): string | undefined {
  const closed = closedTo(user, place);
  return closed && `chmod a+x ${closed.path}`;
}

/** What keeps the user from the place, '' for nothing. */
export function denied(user: User | undefined, place: Place, ...accesses: Access[]): string {
  if (user === undefined) return '';
  const { path, self, reason } = place;
  const closed = closedTo(user, place);
  if (closed !== undefined) return `the user ${user.name} may not search ${describe(closed)}`;
  // Closed to doctor, which does not run as root then; that says nothing about the user.
  if (self === undefined && reason === 'EACCES') return '';
  if (self === undefined)
    return `${path} ${reason === 'ENOENT' ? 'does not exist' : `cannot be reached (${reason})`}`;
  const access = accesses.find((each) => !may(user, self, each));
  return access === undefined ? '' : `the user ${user.name} may not ${access} ${describe(self)}`;
}

export function describe({ path, mode, owner }: Inode): string {
  return `${path} (mode ${(mode & 0o7777).toString(8).padStart(4, '0')}, owner ${owner})`;
}
