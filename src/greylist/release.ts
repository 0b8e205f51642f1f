// Mail that somebody is waiting for: an administrator has said that it passes, for a while. Pure.
import type { Release } from '../store/releases.ts';
import { addressTest, clientTest } from './pattern.ts';
import type { PolicyRequest } from './request.ts';

/** The first release that the request falls under at time `now`. */
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
