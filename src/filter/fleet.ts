// The store that several hosts share, for --store; without that option, none of it is loaded.
import type { FilterArguments } from '../cli/arguments.ts';
import { UsageError } from '../cli/values.ts';
import { type Log, sparingly } from '../log/log.ts';
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
    say: log.write,
    complain: sparingly(log, clock),
  });
}
