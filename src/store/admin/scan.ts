// Reading all records, for the administrator's commands: in the order of their keys, some pages at a time, each time from the
// newest state. A state is held (../lmdb/hold.ts) only while its pages are read, for the caller may be slow.
import { checkPlace } from '../disk/place.ts';
import { slotsOf } from '../lmdb/hold.ts';
import { newTriple } from '../lmdb/triples.ts';
import { closeFile, openFile } from '../pages/file.ts';
import { keysOn, nodeAt, nodeData, nodeDataSize, nodeKey } from '../pages/format.ts';
import { readHead } from '../pages/head.ts';
import { holdsRecord, leaves } from '../pages/leaves.ts';
import { readQueue, sightsBefore } from '../queue/read.ts';
import { u32 } from '../records/bytes.ts';
import { isHouse, readKey } from '../records/key.ts';
import { readClient, readHouse, readTriple } from '../records/record.ts';
import type { Entry, TripleEntry } from './entry.ts';

/** How many leaves are read at a time: a megabyte, some 15,000 records. */
const AT_ONCE = 256;

/** The entries of a database, and how much of it was read for those that were taken, from 0 to 1. */
interface Scan {
  entries: Generator<Entry>;
  part(): number;
}

/**
 * Reads the database at `path`; undefined where there is none. What is damaged is passed over, and `onDamage` called. Throws
 * StoreError or DamageError where it cannot be read. Take all entries, or call `return`: the generator holds files open.
 * `onHouse` is called with the records of the house, which come before all others. A record that is there all the time is
 * yielded once; one that is changed meanwhile, as it was before or after.
 */
export function scan(
  path: string,
  onDamage: (what: string) => void = () => {},
  onHouse: (name: string, text: string) => void = () => {},
): Scan | undefined {
  checkPlace(path);
  const file = openFile(path);
  if (file === undefined) return undefined;
  let done = 0;
  const queued = readQueue(path); // before the state, which then has what leaves the queue meanwhile
  const slots = slotsOf(path);
  const close = () => {
    slots.close();
    closeFile(file);
  };
  let all: number;
  try {
    all = readHead(file).main.entries;
  } catch (error) {
    close();
    throw error;
  }

  /** Some leaves, from the one where the key `after` belongs; undefined: from the first on. */
  function next(after: Buffer | undefined): { pages: Buffer[]; isLast: boolean } {
    for (let before = ''; ; ) {
      const { wrong, ...read } = readSome(after);
      // Pages that filters re-use while we read look wrong, as the lock file may be removed at any time; others do the next time.
      if (wrong.join() === before) {
        wrong.forEach(onDamage);
        return read;
      }
      before = wrong.join();
    }
  }

  function readSome(after: Buffer | undefined) {
    const pages: Buffer[] = [];
    const wrong: string[] = [];
    const release = slots.hold();
    try {
      for (const page of leaves(file!, readHead(file!), { onDamage: (what) => wrong.push(what), after })) {
        pages.push(page);
        if (pages.length === AT_ONCE) return { pages, wrong, isLast: false };
      }
      return { pages, wrong, isLast: true };
    } finally {
      release();
    }
  }

  function* entries(): Generator<Entry> {
    try {
      let after: Buffer | undefined;
      for (let isLast = false; !isLast; ) {
        let pages: Buffer[];
        ({ pages, isLast } = next(after));
        for (const { page, node, key } of nodesOn(pages)) {
          if (after !== undefined && Buffer.compare(key, after) <= 0) continue;
          after = key;
          done++;
          if (queued.size > 0) yield* queuedEntries(queued, key.toString('latin1'));
          if (!holdsRecord(page, node)) {
            onDamage(`page ${u32(page, 0)} has a damaged record`);
            continue;
          }
          const entry = entryAt(page, node, key, onHouse);
          if (entry !== undefined) yield entry;
        }
      }
      yield* queuedEntries(queued);
    } finally {
      close();
    }
  }
  return { entries: entries(), part: () => Math.min(1, done / Math.max(1, all)) };
}

function* nodesOn(pages: readonly Buffer[]): Generator<{ page: Buffer; node: number; key: Buffer }> {
  for (const page of pages) {
    for (let i = 0; i < keysOn(page, 0); i++) {
      const node = nodeAt(page, 0, i);
      yield { page, node, key: page.subarray(nodeKey(node), nodeData(page, node)) };
    }
  }
}

/** The entries that queued first sights will become; takes them from `queued` as `sightsBefore` does. */
export function* queuedEntries(queued: Map<string, number>, name?: string): Generator<TripleEntry> {
  for (const [key, firstSeen] of sightsBefore(queued, name)) {
    const { client, tail } = readKey(Buffer.from(key, 'latin1')) ?? {};
    if (client === undefined || tail === undefined) continue;
    yield { kind: 'triple', client, ...tail, ...newTriple(firstSeen) };
  }
}

/** The entry of a leaf's node with a sound record; undefined for records of the house and for unknown keys. */
function entryAt(
  page: Buffer,
  node: number,
  key: Buffer,
  onHouse: (name: string, text: string) => void,
): Entry | undefined {
  const at = nodeData(page, node);
  if (isHouse(key)) {
    onHouse(key.toString('latin1', 1), readHouse(page, at, nodeDataSize(page, node)));
    return undefined;
  }
  const read = readKey(key);
  if (read === undefined) return undefined;
  const { client, tail } = read;
  if (tail === undefined) return { kind: 'client', client, ...readClient(page, at) };
  return { kind: 'triple', client, ...tail, ...readTriple(page, at) };
}
