// How a filter saves a damaged database that was set aside: it copies what that still holds into the new one, for a second at
// once, while the request waits, and the rest between requests.
import { lstatSync } from 'node:fs';
import { monotonic } from '../../time/monotonic.ts';
import { MovedError } from '../damage.ts';
import type { Writer } from '../lmdb/writer.ts';
import { type Saved, salvage } from './salvage.ts';
import { noteSaved } from './unsaved.ts';

export interface Saving {
  /** Begins to save the file that is now `aside`; `what` says what was wrong with it. */
  begin(aside: string, what: string): void;
  /** Saves all that is left, now. */
  finish(): void;
  /** To be called when the new database is about to be closed. What is left goes to the one that is opened next. */
  stop(): void;
}

interface SavingOptions {
  database: string;
  /** The new database, made where there is none yet. */
  writable: () => Writer;
  /** Calls `stop`, and closes it: it was moved. */
  release: () => void;
  /** Called when all that could be saved was, and has to reach the disk. */
  saved: () => void;
  onDamage: (what: string) => void;
}

interface Work {
  aside: string;
  what: string;
  done: Saved;
  /** Records that were saved before this beginning, the `begun`th. */
  before: number;
  begun: number;
  steps: Generator<Saved, Saved> | undefined;
}

/** How long a request waits, in milliseconds. */
const AT_ONCE = 1000;
/** How often to begin anew with a database that has moved: it was compacted, or its lock file removed. */
const MOST_BEGUN = 20;

export function newSaving({ database, writable, release, saved, onDamage }: SavingOptions): Saving {
  const works: Work[] = []; // the newest first: what is there already stays as it is

  function begin(aside: string, what: string): void {
    if (!lstatSync(aside).isFile()) {
      noteSaved(database, aside);
      onDamage(`${database} ${what}; it is now ${aside}; a new one was begun`);
      return;
    }
    works.unshift({
      aside,
      what,
      done: { records: 0, pages: 0, of: 0 },
      before: 0,
      begun: 0,
      steps: undefined,
    });
    const end = monotonic() + AT_ONCE;
    do step();
    while (works.length > 0 && monotonic() < end);
    if (works.length > 0) setImmediate(inTurns);
  }

  function inTurns(): void {
    if (works.length === 0) return;
    step();
    setImmediate(inTurns);
  }

  /** Saves a few pages more of the newest file, and reports when they were its last. */
  function step(): void {
    const work = works[0]!;
    let trouble = '';
    try {
      if (work.steps === undefined) {
        work.before += work.done.records;
        work.begun++;
        work.steps = salvage(work.aside, writable());
      }
      const { value, done } = work.steps.next();
      work.done = value;
      if (!done) return;
    } catch (error) {
      if (error instanceof MovedError && work.begun < MOST_BEGUN) {
        release();
        return;
      }
      trouble = `, then: ${(error as Error).message}`;
    }
    works.shift();
    saved();
    const { aside, what, done, before } = work;
    noteSaved(database, aside);
    onDamage(
      `${database} ${what}; it is now ${aside}; ${before + done.records} records were saved from ${done.pages} pages${trouble}`,
    );
  }

  function stop(): void {
    for (const work of works) {
      work.steps?.return(work.done);
      work.steps = undefined;
    }
  }

  return {
    begin,
    finish() {
      while (works.length > 0) step();
    },
    stop,
  };
}
