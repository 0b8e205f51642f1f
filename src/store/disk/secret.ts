// The key of --privacy, FILE.secret beside the database. The first process that needs it makes it, for all.
import { constants, readFileSync, statSync } from 'node:fs';
import { refused, StoreError } from '../damage.ts';
import { HARMLESS, makeWhole, withOpen } from './files.ts';
import { checkPlace } from './place.ts';

export const SECRET_BYTES = 32;

export function secretPath(database: string): string {
  return `${database}.secret`;
}

/**
 * The key for the database at `path`. Where there is none, it is made; in a `dryRun` any will do, for nothing is on record
 * under it. Throws StoreError.
 */
export function readSecret(path: string, dryRun = false): Buffer {
  checkPlace(path);
  const place = secretPath(path);
  try {
    if (statSync(place, { throwIfNoEntry: false }) === undefined) {
      const { randomBytes } = require('node:crypto') as typeof import('node:crypto');
      const secret = randomBytes(SECRET_BYTES);
      if (dryRun) return secret;
      // Durable: were it lost or cut short by a power cut, all that is on the disk under it could never be found again.
      makeWhole(place, secret, true);
    }
    const secret = withOpen(place, constants.O_RDONLY | HARMLESS, (fd) => readFileSync(fd));
    if (secret.length === SECRET_BYTES) return secret;
  } catch (error) {
    throw refused(error, place, 'read');
  }
  throw new StoreError(
    `${place} is not the key of --privacy; remove it (what is on record is then forgotten)`,
  );
}
