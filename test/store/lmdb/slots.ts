// The reader's slots of this process, as the lock file has them.
import { readFileSync } from 'node:fs';
import { lockPath } from '../../../src/store/pages/lock.ts';

/** How many states this process holds: 64 bytes a reader, at 16 the transaction (8; all ones: none), then the process. */
export function statesHeld(database: string): number {
  const bytes = readFileSync(lockPath(database));
  let count = 0;
  for (let at = 192; at + 64 <= bytes.length; at += 64)
    if (bytes.readUInt32LE(at + 24) === process.pid && bytes.readBigInt64LE(at + 16) !== -1n) count++;
  return count;
}
