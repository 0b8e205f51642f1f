// The files of a database: whether the filter may use them, and others may not. Facts in, findings out.
import type { Database } from '../database.ts';
import { type Finding, finding } from '../finding.ts';
import { denied, type Place, type User } from '../permissions.ts';

const ANYBODY_READS = 0o004;
const ANYBODY_WRITES = 0o002;

/** `user` is the filter's; undefined where it is not known. */
export function judgeFiles({ file, lock, queue, key }: Database, user: User | undefined): Finding[] {
  return [
    ...[file, lock].flatMap((each) => judgeFile(each, user)),
    ...judgeQueue(queue, user),
    ...(key === undefined ? [] : judgeKey(key, user)),
  ];
}

function judgeFile(place: Place, user: User | undefined): Finding[] {
  if (place.self?.kind !== 'file') return [];
  const refused = refusal(place, user, 'read', 'write');
  if (refused !== '') return [finding('error', 'file', place.path, refused, giveTo(user, place))];
  if ((place.self.mode & ANYBODY_WRITES) === 0) return [];
  return [finding('warning', 'file', place.path, 'is writable by everybody', `chmod 600 ${place.path}`)];
}

/** Filters do without the queue, one by one and more slowly. */
function judgeQueue(queue: Place, user: User | undefined): Finding[] {
  if (queue.self?.kind !== 'file') return [];
  const refused = refusal(queue, user, 'read', 'write');
  if (refused === '') return [];
  const what = `new triples do not go through the queue, which is slower: ${refused}`;
  return [finding('warning', 'file', queue.path, what, giveTo(user, queue))];
}

/** Without it, nothing can be looked up. */
function judgeKey({ place, isKey }: NonNullable<Database['key']>, user: User | undefined): Finding[] {
  if (place.self === undefined) return [];
  const why = '--privacy cannot be kept, so that mail gets what --on-error says';
  const refused = refusal(place, user, 'read');
  if (refused !== '') return [finding('error', 'key', place.path, `${why}: ${refused}`, giveTo(user, place))];
  if (!isKey) {
    const mend = `the file of a backup in its place; or rm ${place.path}, and what is on record is forgotten`;
    return [finding('error', 'key', place.path, `${why}: this is no key`, mend)];
  }
  if ((place.self.mode & ANYBODY_READS) === 0) return [];
  const what = 'everybody may read the key, with which addresses can be guessed from their hashes';
  return [finding('warning', 'key', place.path, what, `chmod 600 ${place.path}`)];
}

function refusal(place: Place, user: User | undefined, ...accesses: ('read' | 'write')[]): string {
  return denied(user, { ...place, parents: [] }, ...accesses);
}

function giveTo(user: User | undefined, { path }: Place): string {
  return `chown ${user?.name} ${path} && chmod 600 ${path}`;
}
