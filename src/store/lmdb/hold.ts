// Holding a state while its pages are read: by a reader's slot in the lock file, because of which LMDB re-uses none of them.
// To be held no longer than necessary, for the file grows meanwhile.
import { existsSync } from 'node:fs';
import { checkBeforeWriting } from '../pages/doubt.ts';
import type { Meta } from '../pages/format.ts';
import { lockPath } from '../pages/lock.ts';
import { native, READ_ONLY } from './native.ts';
import { openWriter } from './open.ts';
import { begin, closeWriter, type Writer } from './writer.ts';

/** A state whose pages stay as they are until it is released. */
export interface Held {
  meta: Meta;
  release(): void;
}

/** Holds the newest state. Throws what `begin` throws. */
export function holdNewest(writer: Writer): Held {
  const meta = begin(writer);
  try {
    const pin = new (native().Txn)(writer.env, READ_ONLY);
    return { meta, release: () => pin.abort() };
  } finally {
    writer.env.abortTxn();
  }
}

const NOTHING = () => {};

/** Reader's slots, as far as permissions allow: `hold` takes one on the newest state, and returns what gives it back. */
export function slotsOf(path: string): { hold(): () => void; close(): void } {
  let writer: Writer | undefined;
  try {
    // Where there is no lock file, nobody writes to the database.
    if (existsSync(lockPath(path))) {
      checkBeforeWriting(path);
      writer = openWriter(path);
    }
  } catch {
    // then pages are read without a slot; if one is re-used meanwhile, the checks of pages notice it
  }
  return {
    hold() {
      try {
        return writer === undefined ? NOTHING : holdNewest(writer).release;
      } catch {
        return NOTHING;
      }
    },
    close() {
      if (writer !== undefined) closeWriter(writer);
      writer = undefined;
    },
  };
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
