// The patterns by which an administrator names clients, senders and recipients, as functions that test a text. Pure; texts
// and patterns are latin1 strings (one character a byte), and the case of ASCII letters does not matter.
import { parseAddress, subnetText } from './address.ts';
import { lower } from './request.ts';

export type Test = (text: string) => boolean;

/** `a@example.org` is that address, `@example.org` all of a domain, `*` any characters and `?` one; '' is ''. */
export function addressTest(pattern: string): Test {
  if (/[*?]/.test(pattern)) return globTest(pattern);
  const wanted = lower(pattern);
  if (wanted.startsWith('@')) return (text) => lower(text).endsWith(wanted);
  return (text) => lower(text) === wanted;
}

/**
 * `192.0.2.1` is that address and any network on record that contains it, `192.0.2.0/24` all that lies in this network;
 * anything else is a name, in which `*` is any characters and `?` one.
 */
export function clientTest(pattern: string): Test {
  const network = networkOf(pattern);
  if (network === undefined) return addressTest(pattern);
  return (text) => {
    const other = networkOf(text);
    if (other === undefined) return false; // of the other family: no text of a subnet is the same
    if (other.bits >= network.bits) return isWithin(other, network);
    return isAddress(network) && isWithin(network, other);
  };
}

export function isNetwork(pattern: string): boolean {
  return networkOf(pattern) !== undefined;
}

function globTest(pattern: string): Test {
  const source = lower(pattern)
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replace(/\*+/g, '.*')
    .replace(/\?/g, '.');
  const whole = new RegExp(`^${source}$`, 's');
  return (text) => whole.test(lower(text));
}

interface Network {
  bytes: readonly number[];
  bits: number;
}

/** An address, or a network as `address/bits`; undefined for anything else. */
function networkOf(text: string): Network | undefined {
  const [address, bits, ...rest] = text.split('/');
  const bytes = parseAddress(address!);
  if (bytes === undefined || rest.length > 0) return undefined;
  if (bits === undefined) return { bytes, bits: 8 * bytes.length };
  if (!/^\d{1,3}$/.test(bits) || Number(bits) > 8 * bytes.length) return undefined;
  return { bytes, bits: Number(bits) };
}

function isAddress({ bytes, bits }: Network): boolean {
  return bits === 8 * bytes.length;
}

function isWithin(inner: Network, outer: Network): boolean {
  return subnetText(inner.bytes, outer.bits) === subnetText(outer.bytes, outer.bits);
}
