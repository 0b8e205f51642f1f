// How a filter saves a damaged database that was set aside: it copies what that still holds into the new one, for a second at
// once, while the request waits, and the rest between requests.
import { lstatSync } from 'node:fs';
import type { Writer } from '../lmdb/writer.ts';
import { type Saved, salvage } from './salvage.ts';

export interface Saving {
  /** Begins to save the file that is now `aside`; `what` says what was wrong with it. */
  begin(aside: string, what: string): void;
  /** Saves all that is left, now. */
  finish(): void;
  /** Abandons what is left; called when the new database is closed. */
  stop(): void;
}

export interface SavingOptions {
  database: string;
  /** The new database, made where there is none yet. */
  writable: () => Writer;
  /** Called when all that could be saved was, and has to reach the disk. */
  saved: () => void;
  onDamage: (what: string) => void;
}

/** How long a request waits, in milliseconds. */
const AT_ONCE = 1000;

export function newSaving({ database, writable, saved, onDamage }: SavingOptions): Saving {
  let work: { aside: string; what: string; done: Saved; steps: Generator<Saved, Saved> } | undefined;

  function begin(aside: string, what: string): void {
    if (!lstatSync(aside).isFile()) {
      onDamage(`${database} ${what}; it is now ${aside}; a new one was begun`);
      return;
    }
    work = { aside, what, done: { records: 0, pages: 0, of: 0 }, steps: salvage(aside, writable()) };
    const end = Date.now() + AT_ONCE;
    while (work !== undefined && Date.now() < end) step();
    if (work !== undefined) setImmediate(inTurns);
  }

  function inTurns(): void {
    if (work === undefined) return;
    step();
    setImmediate(inTurns);
  }

  /** Saves a few pages more, and reports when it was the last. */
  function step(): void {
    if (work === undefined) return;
    let trouble = '';
    try {
      const { value, done } = work.steps.next();
      work.done = value;
      if (!done) return;
    } catch (error) {
      trouble = `, then: ${(error as Error).message}`;
    }
    const { aside, what, done } = work;
    work = undefined;
    saved();
    const { records, pages } = done;
    onDamage(
      `${database} ${what}; it is now ${aside}; ${records} records were saved from ${pages} pages${trouble}`,
    );
  }

  return {
    begin,
    finish() {
      while (work !== undefined) step();
    },
    stop() {
      work = undefined;
    },
  };
}
