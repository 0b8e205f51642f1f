// Waiting for other processes, which give no sign when their state changes: a condition is looked at again and again,
// never a time slept through in hope.
import { setTimeout as sleep } from 'node:timers/promises';

const PATIENCE = 60_000; // ms; far above what anything here takes, even on a busy machine

/**
 * Polls until `look` gives something other than undefined or false, and returns that. The error is the condition itself
 * and what `explain` says.
 */
export async function until<T>(
  look: () => T | undefined | false | Promise<T | undefined | false>,
  explain: () => string = () => '',
): Promise<T> {
  const end = performance.now() + PATIENCE;
  for (;;) {
    const found = await look();
    if (found !== undefined && found !== false) return found;
    if (performance.now() > end) throw new Error(`waited ${PATIENCE / 1000} s in vain: ${look} ${explain()}`);
    await sleep(20);
  }
}
