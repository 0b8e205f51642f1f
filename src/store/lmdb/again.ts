// Trying again what fails only at that very moment, above all where the database or its lock file is replaced, as a compact or
// restore does. For commands: a filter's keeper has its own way.
import { pause } from '../../time/pause.ts';
import { MovedError } from '../damage.ts';

/** How often in all, and how long to wait in between, in milliseconds. */
const MOST_TRIES = 5;
const BETWEEN = 20;

/** Does `work`, and does it again where it throws what passes by itself. */
export function tryAgain<T>(work: () => T, passes = hasMoved): T {
  for (let tries = 1; ; tries++) {
    try {
      return work();
    } catch (error) {
      if (!passes(error) || tries === MOST_TRIES) throw error;
      pause(BETWEEN);
    }
  }
}

function hasMoved(error: unknown): boolean {
  return error instanceof MovedError;
}
