// The store of one host as a test opens it: what it has to tell is an error, unless the test listens.
import { openStore } from '../../src/store/embedded/embedded.ts';
import type { Limits, Store } from '../../src/store/store.ts';

/** Nothing expires, and as many may wait as like. */
export const NO_LIMITS: Limits = { retryWindow: 0, maxAge: 0, maxWaiting: 0 };

export function storeAt(
  path: string,
  limits = NO_LIMITS,
  say = (what: string): void => {
    throw new Error(what);
  },
  sync: 'later' | 'always' = 'later',
): Store {
  const told = (what: string | Error) => say(typeof what === 'string' ? what : what.message);
  return openStore({ path, sync, limits, onDamage: told, onTrouble: told, onFull: told });
}
