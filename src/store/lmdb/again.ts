// Trying again what fails only at that very moment, above all where the database or its lock file is replaced, as a compact or
// restore does. For commands: a filter's keeper has its own way.
import { pause } from '../../time/pause.ts';

type Kind = new (...words: never[]) => Error;

/** How often in all, and how long to wait in between, in milliseconds. */
const MOST_TRIES = 5;
const BETWEEN = 20;

/** Does `work`, and does it again where it throws an error of these kinds, which pass by themselves. */
export function tryAgain<T>(kinds: readonly Kind[], work: () => T): T {
  for (let tries = 1; ; tries++) {
    try {
      return work();
    } catch (error) {
      if (!kinds.some((kind) => error instanceof kind) || tries === MOST_TRIES) throw error;
      pause(BETWEEN);
    }
  }
}
