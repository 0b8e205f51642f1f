// A queue for whoever only reads: what is in it at this moment, and where that belongs among the records.
import { closeSync, constants, openSync, readSync } from 'node:fs';
import { CONSUMED, HEADER, type Header, isSound, readEntries } from './format.ts';
import { MOST } from './waiting.ts';

// Neither a link is followed nor a pipe waited for, whoever has put one there.
export const HARMLESS = constants.O_NOFOLLOW | constants.O_NONBLOCK;

/** The file beside the database. */
export function queuePath(database: string): string {
  return `${database}-queue`;
}

/** What is queued at this moment, for whoever only reads: the earliest sight of each key (latin1), in their order. */
export function readQueue(database: string): Map<string, number> {
  const firstSeen = new Map<string, number>();
  try {
    const fd = openSync(queuePath(database), constants.O_RDONLY | HARMLESS);
    try {
      const header: Header = new Uint32Array(HEADER / 4);
      if (readSync(fd, header, 0, HEADER, 0) === HEADER && isSound(header)) {
        const bytes = Buffer.allocUnsafe(MOST);
        const got = readSync(fd, bytes, 0, MOST, header[CONSUMED]!);
        readEntries(bytes.subarray(0, got), firstSeen);
      }
    } finally {
      closeSync(fd);
    }
  } catch {
    // there is none, or it is of no use to anybody
  }
  return new Map([...firstSeen].sort(([a], [b]) => (a < b ? -1 : 1)));
}

/**
 * Takes from what is queued, for records that come in the order of their keys, the sights whose keys come before `name`,
 * or all. What is on record of that very key counts.
 */
export function* sightsBefore(queued: Map<string, number>, name?: string): Generator<[string, number]> {
  for (const [key, firstSeen] of queued) {
    if (name !== undefined && key > name) return;
    queued.delete(key);
    if (key !== name) yield [key, firstSeen];
  }
}
