// Splitting keys of greylist.pl and postgrey, which join client, sender and recipient with "/", though a local part may have
// one too.
import type { Triple } from '../../store/store.ts';

/**
 * Splits a key `client/sender/recipient`; undefined where that is possible in more than one way. No client and no domain has a
 * "/". So if there is a single "/" after the client's, it ends the sender; of several, it is the first one after the sender's
 * "@", or the very first if the sender is null and the "@" is the recipient's.
 */
export function splitKey(key: string): Triple | undefined {
  const slash = key.indexOf('/');
  const addresses = key.slice(slash + 1);
  const cut = slash < 1 ? -1 : cutOf(addresses);
  if (cut < 0) return undefined;
  return {
    client: key.slice(0, slash),
    sender: addresses.slice(0, cut),
    recipient: addresses.slice(cut + 1),
  };
}

function cutOf(addresses: string): number {
  const first = addresses.indexOf('/');
  if (first === addresses.lastIndexOf('/')) return first;
  const at = addresses.indexOf('@');
  const last = addresses.lastIndexOf('@');
  const cut = addresses.indexOf('/', at);
  if (first === 0 && at > 0 && cut < 0) return 0;
  if (at < 1 || cut < 0) return -1;
  if (at === last) return cut; // the recipient has no domain
  // A second "@" has to be the recipient's: the only one after the cut, and followed by a domain.
  const recipient = addresses.slice(cut + 1);
  return /^[^@]+@[^@/]+$/.test(recipient) && addresses.indexOf('@', at + 1) > cut ? cut : -1;
}
