// Clients' addresses as Postfix spells them, and the networks that other programs keep instead.
import { isIPv4, isIPv6, SocketAddress } from 'node:net';

/** The address as inet_ntop(3), and so Postfix, writes it; undefined where the text is no address. */
export function addressOf(text: string): string | undefined {
  if (isIPv4(text) || text === 'unknown') return text;
  if (!isIPv6(text) || text.includes('%')) return undefined;
  return new SocketAddress({ address: text, family: 'ipv6' }).address;
}

/**
 * The client of a triple of postgrey. By default postgrey keeps the network's first address (--ipv4cidr=24, --ipv6cidr=64),
 * which no client has as its own; with --lookup-by-host it keeps the client's address.
 */
export function postgreyClient(text: string): string | undefined {
  const address = addressOf(text);
  if (address === undefined || address === 'unknown') return undefined;
  if (isIPv4(address)) return address.endsWith('.0') ? `${address}/24` : address;
  return /(:0){4}$/.test(text) ? `${address}/64` : address;
}

/** The client of a row of sqlgrey (`src`): an address, three of its four bytes, or half of an IPv6 address. */
export function sqlgreyClient(text: string): string | undefined {
  if (/^(\d{1,3}\.){2}\d{1,3}$/.test(text)) return isIPv4(`${text}.0`) ? `${text}.0/24` : undefined;
  if (/^([\da-f]{1,4}:){3}[\da-f]{1,4}$/i.test(text)) return `${addressOf(`${text}::`)}/64`;
  return addressOf(text);
}
