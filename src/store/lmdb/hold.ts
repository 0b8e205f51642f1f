// Holding a state while its pages are read: by a reader's slot in the lock file, because of which LMDB re-uses none of them.
// To be held no longer than necessary, for the file grows meanwhile.
import { existsSync } from 'node:fs';
import { BadLockError, MovedError } from '../damage.ts';
import { checkBeforeWriting } from '../pages/doubt.ts';
import type { Meta } from '../pages/format.ts';
import { lockPath } from '../pages/lock.ts';
import { tryAgain } from './again.ts';
import { native, READ_ONLY } from './native.ts';
import { openWriter } from './open.ts';
import { withLock } from './transaction.ts';
import { closeWriter, mayRelease, type Writer } from './writer.ts';

/** A state whose pages stay as they are until it is released. */
export interface Held {
  meta: Meta;
  release(): void;
}

/** Holds the newest state. Throws what `begin` throws. */
export function holdNewest(writer: Writer): Held {
  return withLock(writer, (meta) => {
    const pin = new (native().Txn)(writer.env, READ_ONLY);
    return { meta, release: () => (mayRelease(writer) ? pin.abort() : void writer.stuck.push(pin)) };
  });
}

const NOTHING = () => {};

/** Reader's slots, as far as permissions allow: `hold` takes one on the newest state, and returns what gives it back. */
export function slotsOf(path: string): { hold(): () => void; close(): void } {
  // Without a slot, pages are read all the same; if one is re-used meanwhile, the checks of pages notice it.
  let writer = attempt(open);

  function open(): Writer | undefined {
    // Where there is no lock file, nobody writes to the database.
    if (!existsSync(lockPath(path))) return undefined;
    checkBeforeWriting(path);
    return openWriter(path);
  }

  function close(): void {
    if (writer !== undefined) closeWriter(writer);
    writer = undefined;
  }

  function holdNow(): (() => void) | undefined {
    try {
      return writer && holdNewest(writer).release;
    } catch (error) {
      if (error instanceof MovedError || error instanceof BadLockError) {
        close();
        writer = attempt(open);
      }
      throw error;
    }
  }

  return { hold: () => attempt(holdNow) ?? NOTHING, close };
}

/**
 * What `work` returns, once nothing is replaced any more; undefined where it throws. A lock file that is being replaced may look
 * wrong, too.
 */
function attempt<T>(work: () => T): T | undefined {
  try {
    return tryAgain([MovedError, BadLockError], work);
  } catch {
    return undefined;
  }
}

/** Takes a reader's slot on the newest state of a database, if permissions allow; returns what gives it back. */
export function hold(path: string): () => void {
  const slots = slotsOf(path);
  const release = slots.hold();
  return () => {
    release();
    slots.close();
  };
}
