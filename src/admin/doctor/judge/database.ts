// The database: whether the filter may use it, whether it is safe where it lies, whether there is space, and whether it looks
// sound. Facts in, findings out.
import path from 'node:path';
import { plural } from '../../text.ts';
import type { Database } from '../database.ts';
import { type Finding, finding, orOk } from '../finding.ts';
import { closedTo, denied, describe, type Inode, type User, wayTo } from '../permissions.ts';
import type { Mount, Space } from '../system.ts';
import { judgeFiles } from './files.ts';

const ANYBODY_WRITES = 0o002;
const STICKY = 0o1000;
const LEAST_FREE = 64 * 2 ** 20; // bytes: some hundred thousand triples
const LEAST_INODES = 100;
// LMDB's map and its locks are shared through the memory of one machine (its documentation: "Do not use LMDB
// databases on remote filesystems").
const REMOTE =
  /^(nfs\d?|cifs|smb\d?|smbfs|ncpfs|afs|coda|ceph|9p|lustre|glusterfs|gfs2|ocfs2|fuse\.(sshfs|s3fs|glusterfs|rclone|ceph.*|davfs.*))$/;
const FLEETING: Record<string, string> = {
  tmpfs: 'in memory: it is gone after a restart, and known senders wait again',
  ramfs: 'in memory: it is gone after a restart, and known senders wait again',
  overlay:
    "in a container's own layer: it is gone when the container is created again, and known senders wait again",
};

/** `user` is the filter's; undefined where it is not known. */
export function judgeDatabase(database: Database, user: User | undefined): Finding[] {
  const { path: file, mount, space } = database;
  const found = [
    ...judgeDirectory(database, user),
    ...judgeFiles(database, user),
    ...judgeContent(database),
    ...(mount === undefined ? [] : judgeMount(file, mount)),
    ...(space === undefined ? [] : judgeSpace(file, mount?.point, space)),
  ];
  const usable = `${user === undefined ? 'the filter' : `the user ${user.name}`} can use its directory`;
  return orOk(found, 'database', file, `${stateOf(database)}; ${usable}`);
}

function stateOf({ file, looked }: Database): string {
  if (file.reason === 'ENOENT') return 'will be made with the first mail';
  return looked ? 'its head is sound' : 'was not looked into';
}

/** The directory in which the database lies when what is found here is mended. */
export function homeOf(database: Database, user: User | undefined): string {
  const { directory } = database;
  const refused = closedTo(user, directory) === undefined && refusedTo(user, database) !== '';
  const leaves = isCrowded(database) && (refused || anybodyWrites(directory.self));
  return leaves ? another(directory.path) : directory.path;
}

/** Others have their files there: it cannot be given to the filter's user. */
function isCrowded({ directory, shared }: Database): boolean {
  return shared || ((directory.self?.mode ?? 0) & STICKY) !== 0;
}

function refusedTo(user: User | undefined, { directory }: Database): string {
  return denied(user, directory, 'write', 'search');
}

function anybodyWrites(inode: Inode | undefined): boolean {
  return inode !== undefined && (inode.mode & ANYBODY_WRITES) !== 0;
}

function judgeDirectory(database: Database, user: User | undefined): Finding[] {
  const { path: file, directory, place, isLink } = database;
  const owner = user?.name ?? 'nobody'; // as in master.cf.snippet
  const where = directory.path;
  const home = another(where);
  const move = database.file.self === undefined ? '' : ` && mv ${file}* ${home}/`;
  const own = isCrowded(database)
    ? `a directory of its own: ${give(home, owner)}${move}, and in argv=: --db ${home}/${path.basename(file)}`
    : `chown ${owner} ${where} && chmod 700 ${where}`;
  const error = (check: string, what: string, mend: string) => finding('error', check, where, what, mend);
  if (directory.reason === 'ENOENT')
    return [error('directory', 'the directory of the database does not exist', give(where, owner))];
  const found: Finding[] = [];
  const refused = refusedTo(user, database);
  if (refused !== '') found.push(error('directory', refused, wayTo(user, directory) ?? own));
  if (anybodyWrites(directory.self))
    found.push(error('world-writable', 'is writable by everybody: filters do not use a database there', own));
  else if (isLink) {
    const what = `${file} is a symbolic link: filters do not follow it`;
    found.push(error('link', what, `--db ${file}'s own path in argv=`));
  } else if (place !== '' && directory.self !== undefined && found.length === 0)
    found.push(error('place', place, 'see the message; --db in argv= names another file'));
  const open = directory.parents.find(({ mode }) => (mode & ANYBODY_WRITES) !== 0 && (mode & STICKY) === 0);
  if (open !== undefined) {
    const what = `anybody can put another directory in place of this one: ${describe(open)}`;
    found.push(finding('warning', 'world-writable', where, what, `chmod o-w ${open.path}`));
  }
  return found;
}

/** Where a database can lie by itself, other than in `where`. */
function another(where: string): string {
  return where === '/var/mta' ? '/var/mta/greylatch' : '/var/mta';
}

function give(directory: string, owner: string): string {
  return `mkdir -p ${directory} && chown ${owner} ${directory} && chmod 700 ${directory}`;
}

function judgeContent({ path: file, damage, aside, litter }: Database): Finding[] {
  const found: Finding[] = [];
  if (damage !== '') {
    const what = `${damage}; the filter sets it aside at the next request and saves what can be read`;
    found.push(finding('error', 'damage', file, what, `see what is left: greylatch verify --db ${file}`));
  }
  if (aside.length > 0) {
    const what = `was found damaged before: ${aside.join(', ')} (the mail log says what was saved; look at the disk)`;
    const all = path.join(path.dirname(file), aside[0]!.replace(/\d{8}T.*$/, '*'));
    found.push(finding('note', 'aside', file, what, `when nothing is missing: rm ${all}`));
  }
  if (litter.length > 0) {
    const what =
      'a command that was killed, compact or restore say, has left files; the next one of its kind removes them';
    found.push(finding('note', 'litter', file, what, `or by hand: rm ${litter.join(' ')}`));
  }
  return found;
}

function judgeMount(file: string, { type, point, readOnly }: Mount): Finding[] {
  const found: Finding[] = [];
  const elsewhere = 'name a file on a disk of this machine with --db in argv=';
  if (REMOTE.test(type)) {
    const what = `${type} is a network file system, where LMDB does not work: ${file}`;
    found.push(finding('error', 'network', point, what, elsewhere));
  }
  if (FLEETING[type] !== undefined)
    found.push(finding('note', 'fleeting', point, `${type}: ${file} lies ${FLEETING[type]}`, elsewhere));
  if (readOnly) {
    const what = 'the file system is read-only: nothing can be stored';
    found.push(finding('error', 'read-only', point, what, `mount -o remount,rw ${point}`));
  }
  return found;
}

/** `point`: where the file system is mounted; undefined where that is not known. */
function judgeSpace(file: string, point: string | undefined, space: Space): Finding[] {
  const { size, free, inodes, freeInodes } = space;
  const found: Finding[] = [];
  if (size > 0 && free < LEAST_FREE) {
    const what = `the file system has only ${Math.floor(free / 2 ** 20)} MiB left`;
    const mend = `free some space: du -xh ${point ?? '/'} | sort -h | tail`;
    found.push(finding('warning', 'space', point ?? file, what, mend));
  }
  if (inodes > 0 && freeInodes < LEAST_INODES) {
    const what = `the file system has only ${plural(freeInodes, 'inode')} left for new files`;
    const mend = `remove small files that nobody needs: du -x --inodes ${point ?? '/'} | sort -n | tail`;
    found.push(finding('warning', 'inodes', point ?? file, what, mend));
  }
  return found;
}
