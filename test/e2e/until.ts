// Waiting for other processes: a condition is looked at again and again, never a time slept through in hope.
import { setTimeout as sleep } from 'node:timers/promises';

const PATIENCE = 20_000; // ms; far above what anything here takes, even on a busy machine

/** Polls until `look` gives something other than undefined or false, and returns that. */
export async function until<T>(
  what: string,
  look: () => T | undefined | false | Promise<T | undefined | false>,
): Promise<T> {
  const end = performance.now() + PATIENCE;
  for (;;) {
    const found = await look();
    if (found !== undefined && found !== false) return found;
    if (performance.now() > end) throw new Error(`waited ${PATIENCE / 1000} s in vain for ${what}`);
    await sleep(25);
  }
}
