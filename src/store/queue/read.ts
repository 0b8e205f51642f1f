// Reading a queue without using it: what is in it at this moment, and where that belongs among the database's records.
import { constants, readSync } from 'node:fs';
import { HARMLESS, withOpen } from '../disk/files.ts';
import { CONSUMED, HEADER, type Header, isSound, readEntries } from './format.ts';
import { MOST } from './waiting.ts';

/** The file beside the database. */
export function queuePath(database: string): string {
  return `${database}-queue`;
}

/** What is queued at this moment: the earliest sight of each key (latin1), in the order of keys. Throws nothing. */
export function readQueue(database: string): Map<string, number> {
  const firstSeen = new Map<string, number>();
  try {
    withOpen(queuePath(database), constants.O_RDONLY | HARMLESS, (fd) => {
      const header: Header = new Uint32Array(HEADER / 4);
      if (readSync(fd, header, 0, HEADER, 0) < HEADER || !isSound(header)) return;
      const bytes = Buffer.allocUnsafe(MOST);
      const got = readSync(fd, bytes, 0, MOST, header[CONSUMED]!);
      readEntries(bytes.subarray(0, got), firstSeen);
    });
  } catch {
    // there is none, or it is of no use to anybody
  }
  return new Map([...firstSeen].sort(([a], [b]) => (a < b ? -1 : 1)));
}

/**
 * Removes from `queued`, and yields, the sights whose keys come before `name`, or all: to be called for each record, in the
 * order of keys. A sight of the key `name` itself is dropped, for the record counts.
 */
export function* sightsBefore(queued: Map<string, number>, name?: string): Generator<[string, number]> {
  for (const [key, firstSeen] of queued) {
    if (name !== undefined && key > name) return;
    queued.delete(key);
    if (key !== name) yield [key, firstSeen];
  }
}
