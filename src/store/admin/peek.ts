// Looks up what is on record of one triple, for `why`, without changing anything: no file is made, set aside or mended.
import { DamageError } from '../damage.ts';
import { checkPlace } from '../disk/place.ts';
import { tryAgain } from '../lmdb/again.ts';
import { houseText } from '../lmdb/house.ts';
import { newTriple } from '../lmdb/triples.ts';
import { withFile } from '../pages/file.ts';
import { readHead } from '../pages/head.ts';
import { newPath, seek } from '../pages/tree.ts';
import { readQueue } from '../queue/read.ts';
import * as key from '../records/key.ts';
import { type ClientRecord, readClient, readTriple, type TripleRecord } from '../records/record.ts';
import { RELEASES, type Release, readReleases } from '../releases.ts';
import type { Triple } from '../store.ts';

export interface Peek {
  /** There is no database yet. */
  missing: boolean;
  triple: TripleRecord | undefined;
  client: ClientRecord | undefined;
  releases: readonly Release[];
}

/** Throws StoreError or DamageError where it cannot be read. */
export function peek(path: string, triple: Triple): Peek {
  checkPlace(path);
  return tryAgain([DamageError], () => peekOnce(path, triple)); // another process may have written between two pages
}

function peekOnce(database: string, triple: Triple): Peek {
  const wanted = Buffer.alloc(key.MAX_KEY);
  const length = key.writeTriple(wanted, 0, triple);
  const queued = readQueue(database).get(wanted.toString('latin1', 0, length)); // before the state, which then has what leaves it
  const waiting = queued === undefined ? undefined : newTriple(queued);
  const peeked = withFile(database, (file) => {
    const meta = readHead(file);
    const path = newPath(file);
    const find = (length: number) => seek(path, meta, wanted, length);
    const tripleAt = find(length);
    const known = tripleAt < 0 ? waiting : readTriple(path.pages, tripleAt);
    const clientAt = find(key.writeClient(wanted, 0, triple.client, false));
    const client = clientAt < 0 ? undefined : readClient(path.pages, clientAt);
    const releases = readReleases(houseText(path, find(key.writeHouse(wanted, 0, RELEASES))));
    return { missing: false, triple: known, client, releases };
  });
  // A filter may have been killed before it made the database of what it had queued: the next one makes it.
  return peeked ?? { missing: true, triple: waiting, client: undefined, releases: [] };
}
