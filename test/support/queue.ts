// A queue's file as another process would leave it.
import { readFileSync, writeFileSync } from 'node:fs';
import { STORER } from '../../src/store/queue/format.ts';
import { queuePath } from '../../src/store/queue/read.ts';

export const STORER_AT = 4 * STORER;

/** Has the process be the one that took something out of the database's queue last. */
export function nameStorer(database: string, pid: number): void {
  const bytes = readFileSync(queuePath(database));
  bytes.writeUInt32LE(pid, STORER_AT);
  writeFileSync(queuePath(database), bytes);
}
