// greylist.pl and postgrey join client, sender and recipient with "/", which may itself stand in a local part.

export interface Parts {
  client: string;
  sender: string;
  recipient: string;
}

/**
 * Takes a key `client/sender/recipient` apart; undefined where that can be done in more than one way. No client
 * and no domain has a "/". So a single "/" between sender and recipient is the one; of several it is the first
 * behind the sender's "@", or the very first where the sender is null and the "@" is the recipient's.
 */
export function splitKey(key: string): Parts | undefined {
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
  // A second "@" has to be the recipient's, and the only one behind the cut, with a domain behind it.
  const recipient = addresses.slice(cut + 1);
  return /^[^@]+@[^@/]+$/.test(recipient) && addresses.indexOf('@', at + 1) > cut ? cut : -1;
}
