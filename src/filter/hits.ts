// Counts which entries of the administrator's lists match, for `greylatch lists audit`. For a request this is one step in
// a map; the counts go to the store between requests (store/embedded/hits.ts), and an error there disturbs no mail.
import type { FilterArguments } from '../cli/arguments.ts';
import type { ListEntry } from '../lists/lists.ts';
import type { NewHits, Store } from '../store/store.ts';

interface HitCounter {
  hit(entry: ListEntry): void;
  /** Stores the counts, once a minute; at once where this is the `last` call. Throws nothing. */
  write(now: number, last?: boolean): void;
}

/** Seconds after which a process stores its counts again. */
const EVERY = 60;
/** Entries in one transaction: others wait for it. */
const BATCH = 100;

/** Undefined where there is no list, or nothing may be stored. `clock` gives seconds since the epoch. */
export function newHitCounter(
  settings: Pick<FilterArguments, 'whitelistClients' | 'whitelistRecipients' | 'onlyRecipients' | 'dryRun'>,
  store: Pick<Store, 'noteHits'>,
  clock: () => number,
): HitCounter | undefined {
  const { whitelistClients, whitelistRecipients, onlyRecipients, dryRun } = settings;
  const files = [...new Set([...whitelistClients, ...whitelistRecipients, ...onlyRecipients])];
  if (files.length === 0 || dryRun) return undefined;
  const counted = new Map(files.map((file) => [file, new Map<string, NewHits>()]));
  let written = clock();
  let used = false; // a session without a request leaves nothing behind

  function writeAll(now: number): void {
    const all = [...counted.values()].flatMap((entries) => [...entries.values()]);
    // Also without a hit: an entry counts as dead only if recording had begun.
    for (let i = 0; i === 0 || i < all.length; i += BATCH) {
      const batch = all.slice(i, i + BATCH);
      store.noteHits(files, batch, now);
      for (const { file, text } of batch) counted.get(file)!.delete(text);
    }
  }

  return {
    hit({ file, text }) {
      used = true;
      const entries = counted.get(file)!;
      const known = entries.get(text);
      if (known === undefined) entries.set(text, { file, text, count: 1, last: clock() });
      else {
        known.count++;
        known.last = clock();
      }
    },
    write(now, last = false) {
      used ||= !last;
      if (!used || (!last && Math.abs(now - written) < EVERY)) return;
      written = now;
      try {
        writeAll(now);
      } catch {
        // the counts are kept, and tried again next time
      }
    },
  };
}
