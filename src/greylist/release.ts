// Which mail an administrator has released (greylatch release), so that it passes for a while. Pure.
import type { Release } from '../store/releases.ts';
import { addressTest, clientTest } from './pattern.ts';
import type { PolicyRequest } from './request.ts';

/** The first release that covers the request at time `now` (seconds since the epoch). */
export function releaseFor(
  { client_address, client_name, sender, recipient }: PolicyRequest,
  releases: readonly Release[],
  now: number,
): Release | undefined {
  return releases.find((release) => {
    if (release.until < now) return false;
    if (release.sender !== undefined && !addressTest(release.sender)(sender)) return false;
    if (release.recipient !== undefined && !addressTest(release.recipient)(recipient)) return false;
    if (release.client === undefined) return true;
    const test = clientTest(release.client);
    return test(client_address) || test(client_name);
  });
}
