// Addresses that are not on the Internet: of the machine itself, and of private networks. A log does not say what mynetworks
// was, but these are never greylisted.
import { BlockList, isIPv4 } from 'node:net';

const OWN = new BlockList();
for (const [network, prefix] of [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8], // RFC 1918
  ['100.64.0.0', 10], // RFC 6598
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.168.0.0', 16],
] as const) {
  OWN.addSubnet(network, prefix, 'ipv4');
}
for (const [network, prefix] of [
  ['::', 127],
  ['fc00::', 7], // RFC 4193
  ['fe80::', 10],
] as const) {
  OWN.addSubnet(network, prefix, 'ipv6');
}

/** Whether an address is loopback, link-local or private. */
export function isOwn(address: string): boolean {
  return OWN.check(address, isIPv4(address) ? 'ipv4' : 'ipv6');
}
