// The store that several hosts share, for --store. Nothing of it is loaded where that is not set.
import type { FilterArguments } from '../cli/arguments.ts';
import { UsageError } from '../cli/values.ts';
import { type Log, sparingly } from '../log/log.ts';
import type { Store } from '../store/store.ts';

/** A function that puts the fleet's store in front of the host's own. Throws UsageError. */
export function fleetFrom(settings: FilterArguments, log: Log, clock: () => number): (local: Store) => Store {
  const { store, storePasswordFile, storeTimeout, db, retryWindow, maxAge, maxWaiting } = settings;
  if (store === undefined) return (local) => local;
  // A bundle of its own, and another for the thread that it starts.
  const { openFleet, readAddress } = require('./fleet.js') as typeof import('../store/fleet/fleet.ts');
  const address = (() => {
    try {
      return readAddress(store);
    } catch (error) {
      throw new UsageError(`--store: ${(error as Error).message}`);
    }
  })();
  return (local) =>
    openFleet(local, {
      address,
      passwordFile: storePasswordFile,
      timeout: storeTimeout,
      database: db,
      limits: { retryWindow, maxAge, maxWaiting },
      say: (level, text) => log.write(level, text),
      complain: sparingly(log, clock),
    });
}
