// What a request gets when all goes well, and what it gets when the store is in trouble: mail always gets an
// answer.
import { DUNNO, decide, type Settings } from '../greylist/decide.ts';
import type { PolicyRequest } from '../greylist/request.ts';
import { type Log, sparingly } from '../log/log.ts';
import type { Store } from '../store/store.ts';

export type OnError = 'dunno' | 'defer' | 'exit';

const ONCE_IN = 60; // seconds between two messages about the same trouble

/**
 * The action for each request; undefined where there is to be none (`exit`).
 * `clock` gives seconds since the epoch, whole ones, as time(2) does.
 */
export function newAnswer(
  store: Store,
  settings: Settings,
  onError: OnError,
  log: Log,
  clock: () => number,
): (request: PolicyRequest) => string | undefined {
  const complain = sparingly(log, ONCE_IN, clock);
  return (request) => {
    try {
      return decide(request, store, clock(), settings);
    } catch (error) {
      complain('err', 'store', `${(error as Error).message}; mail gets --on-error=${onError} meanwhile`);
      if (onError === 'exit') return undefined;
      return onError === 'dunno' ? DUNNO : settings.deferral;
    }
  };
}
