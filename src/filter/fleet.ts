// The store that several hosts share, for --store; without that option, none of it is loaded.
import type { FilterArguments } from '../cli/arguments.ts';
import { UsageError } from '../cli/values.ts';
import { newPseudonym } from '../greylist/pseudonym.ts';
import { type Log, sparingly } from '../log/log.ts';
import { readSecret } from '../store/disk/secret.ts';
import type { Address } from '../store/fleet/address.ts';
import type { Store } from '../store/store.ts';

/** The fleet's store in front of `local`, this host's own; without --store, `local` itself. Throws UsageError. */
export function withFleet(local: Store, settings: FilterArguments, log: Log, clock: () => number): Store {
  const { store, storePasswordFile, storeTimeout, db, retryWindow, maxAge } = settings;
  if (store === undefined) return local;
  // A bundle of its own, and another for the thread that it starts.
  const { openFleet, readAddress } = require('./fleet.js') as typeof import('../store/fleet/fleet.ts');
  let address: Address;
  try {
    address = readAddress(store);
  } catch (error) {
    throw new UsageError(`--store: ${(error as Error).message}`);
  }
  return openFleet(local, {
    address,
    passwordFile: storePasswordFile,
    timeout: storeTimeout,
    database: db,
    lives: { retryWindow, maxAge },
    keys: keysOf(settings),
    say: log.write,
    complain: sparingly(log, clock),
  });
}

/**
 * What a record's key depends on, for `doctor` to compare the hosts of a fleet; '': nothing is stored, or it is not known. Of the
 * key of --privacy, a hash.
 */
function keysOf(settings: FilterArguments): string {
  const { clientKey, ipv4Prefix, ipv6Prefix, senderKey, privacy, db } = settings;
  if (settings.dryRun) return '';
  const prefixes = clientKey === 'address' ? '' : `,${ipv4Prefix},${ipv6Prefix}`;
  const words = [`client-key=${clientKey}${prefixes}`, `sender-key=${senderKey}`];
  try {
    if (privacy) words.push(`privacy=${newPseudonym(readSecret(db))('--privacy').slice(0, 8)}`);
  } catch {
    return ''; // the first request meets the same trouble, and tells
  }
  return words.join('/');
}
