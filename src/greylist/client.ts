// Who the client of a triple is: an address, its subnet, or the pool of mail servers that it belongs to. Pure; the
// Public Suffix List, which only pools need, is handed in.
import { parseAddress, subnetText } from './address.ts';
import { kindOfName, withoutDot } from './name.ts';

export interface ClientKeySettings {
  clientKey: 'address' | 'subnet' | 'pool';
  /** How many bits of an IPv4 address make a subnet, 0 to 32. */
  ipv4Prefix: number;
  /** How many bits of an IPv6 address make a subnet, 0 to 128. */
  ipv6Prefix: number;
  /** The registrable domain of a host name in lower case, undefined for a public suffix. Asked for pools only. */
  registrableDomain(name: string): string | undefined;
}

/**
 * The text that stands for the client in a triple and in the auto-whitelist. `name` is the *verified* client_name.
 *   address: the address as it is
 *   subnet:  `192.0.2.0/24`, `2001:db8:1:2::/64`; an address that does not parse stands for itself
 *   pool:    the registrable domain of a name that looks like a mail server's, e.g. `example.com`; else the subnet
 * Machines that a hoster rents out have its domain in common and nothing else: they are a subnet, never a pool.
 */
export function clientKeyOf(address: string, name: string, settings: ClientKeySettings): string {
  if (settings.clientKey === 'address') return address;
  if (settings.clientKey === 'pool' && kindOfName(name, address) === 'mail server') {
    const domain = settings.registrableDomain(withoutDot(name.toLowerCase()));
    if (domain !== undefined) return domain;
  }
  const bytes = parseAddress(address);
  if (bytes === undefined) return address;
  return subnetText(bytes, bytes.length === 4 ? settings.ipv4Prefix : settings.ipv6Prefix);
}
