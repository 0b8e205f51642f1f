// What administrators have released for the whole fleet, as a filter's thread knows it: read from the engine now and then.
import { monotonic } from '../../time/monotonic.ts';
import { RELEASES, type Release, readReleases, SEEN_WITHIN } from '../releases.ts';
import type { Client } from './client.ts';
import { houseKey } from './key.ts';

export interface Released {
  /** Reads them, unless that was done a moment ago. Where that fails, what was read before holds. Throws nothing. */
  look(): Promise<void>;
  /** By this host's clock. */
  list(): readonly Release[];
}

export function newReleased(client: Client): Released {
  let releases: readonly Release[] = [];
  let readAt = Number.NEGATIVE_INFINITY;
  return {
    list: () => releases,
    async look() {
      if (monotonic() - readAt < SEEN_WITHIN) return;
      readAt = monotonic();
      try {
        const [time, value] = await client.houseBuffer(houseKey(RELEASES));
        const ahead = Number(time) - Math.floor(Date.now() / 1000); // of this host's clock
        releases = readReleases(value.toString('latin1') || undefined).map((release) => ({
          ...release,
          until: release.until - ahead,
        }));
      } catch {}
    },
  };
}
