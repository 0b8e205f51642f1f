// Clients that waited often and always came back: to greylist them keeps nothing out. Pure.
import type { Entry } from '../../store/admin/entry.ts';

export interface WantedClient {
  /** In postgrey's syntax: an address, a network or a domain. latin1. */
  line: string;
  /** Triples that passed. */
  passed: number;
  /** The median of their waits, in seconds. */
  median: number;
}

/** How many triples of a client must have passed. */
const LEAST = 5;

/**
 * Takes the records in any order; `all` returns the clients, those that waited longest in all first. A client with a
 * triple that waits beyond the retry window did not always come back. `now` in seconds since the epoch, the others in seconds.
 */
export function newWanted(now: number, { delay, retryWindow }: { delay: number; retryWindow: number }) {
  const waits = new Map<string, number[]>();
  const lost = new Set<string>();
  return {
    add(entry: Entry) {
      if (entry.kind !== 'triple') return;
      const { client, passed, firstSeen, wait } = entry;
      if (!passed) {
        if (retryWindow > 0 && now - firstSeen > retryWindow) lost.add(client);
      } else if (wait > 0) {
        const known = waits.get(client);
        if (known === undefined) waits.set(client, [wait]);
        else known.push(wait);
      }
    },
    all(): WantedClient[] {
      const found: (WantedClient & { sum: number })[] = [];
      for (const [client, all] of waits) {
        if (all.length < LEAST || lost.has(client) || !isListable(client)) continue;
        const sorted = all.sort((a, b) => a - b);
        const median = sorted[sorted.length >> 1]!;
        const sum = sorted.reduce((total, wait) => total + wait, 0);
        if (median > delay) found.push({ line: client, passed: all.length, median, sum });
      }
      return found.sort((a, b) => b.sum - a.sum).map(({ sum: _, ...client }) => client);
    },
  };
}

/** Whether the text is an address, a network or a domain; pseudonyms of --privacy and rubbish are not. */
function isListable(client: string): boolean {
  return /^[\w.:/-]+$/.test(client) && /[.:]/.test(client);
}
