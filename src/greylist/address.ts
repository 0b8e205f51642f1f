// Addresses as bytes, and subnets in their canonical spelling. Text in, plain data out; knows of no client, no name and no
// option.

const COLON = 58;
const DOT = 46;

/**
 * The bytes of an address: 4 for IPv4, 16 for IPv6. The IPv4-mapped form (::ffff:192.0.2.1, RFC 4291, section 2.5.5.2) is
 * an IPv4 address. Undefined where the text is no address; one with a scope (%eth0) is none.
 */
export function parseAddress(text: string): number[] | undefined {
  if (text.indexOf(':') < 0) return parseIpv4(text, 0);
  const bytes = parseIpv6(text);
  if (bytes === undefined) return undefined;
  for (let i = 0; i < 10; i++) if (bytes[i] !== 0) return bytes;
  return bytes[10] === 255 && bytes[11] === 255 ? bytes.slice(12) : bytes;
}

/** The subnet of `prefix` bits that holds the address: `192.0.2.0/24`, `2001:db8:1:2::/64` (RFC 5952). */
export function subnetText(bytes: readonly number[], prefix: number): string {
  const kept = bytes.map((byte, i) => byte & (0xff00 >> Math.min(Math.max(prefix - 8 * i, 0), 8)));
  return `${kept.length === 4 ? kept.join('.') : ipv6Text(kept)}/${prefix}`;
}

function parseIpv4(text: string, from: number): number[] | undefined {
  const bytes: number[] = [];
  let part = -1;
  for (let i = from; i <= text.length; i++) {
    const c = i < text.length ? text.charCodeAt(i) : DOT;
    if (c === DOT) {
      if (part < 0 || bytes.push(part) > 4) return undefined;
      part = -1;
    } else if (c >= 48 && c <= 57 && part !== 0) {
      part = part < 0 ? c - 48 : part * 10 + c - 48;
      if (part > 255) return undefined;
    } else return undefined; // a letter, or "01", which some would read as octal
  }
  return bytes.length === 4 ? bytes : undefined;
}

function parseIpv6(text: string): number[] | undefined {
  const bytes: number[] = [];
  let gap = -1; // where "::" stands for the zeros that are missing
  let i = 0;
  if (text.charCodeAt(0) === COLON) {
    if (text.charCodeAt(1) !== COLON) return undefined;
    gap = 0;
    i = 2;
  }
  while (i < text.length) {
    const end = hexEnd(text, i);
    if (text.charCodeAt(end) === DOT) {
      const last = parseIpv4(text, i);
      if (last === undefined) return undefined;
      bytes.push(...last);
      break;
    }
    if (end === i || end > i + 4) return undefined;
    const group = Number.parseInt(text.slice(i, end), 16);
    if (bytes.push(group >> 8, group & 255) > 16) return undefined;
    i = end;
    if (i === text.length) break;
    if (text.charCodeAt(i++) !== COLON || i === text.length) return undefined;
    if (text.charCodeAt(i) === COLON) {
      if (gap >= 0) return undefined;
      gap = bytes.length;
      i++;
    }
  }
  if (gap < 0) return bytes.length === 16 ? bytes : undefined;
  if (bytes.length > 14) return undefined;
  bytes.splice(gap, 0, ...new Array<number>(16 - bytes.length).fill(0));
  return bytes;
}

function hexEnd(text: string, i: number): number {
  for (; i < text.length; i++) {
    const c = text.charCodeAt(i) | 32; // lower case; digits stay as they are
    if (!((c >= 48 && c <= 57) || (c >= 97 && c <= 102))) break;
  }
  return i;
}

/** RFC 5952: groups without leading zeros in lower case, the first of the longest runs of zero groups as "::". */
function ipv6Text(bytes: readonly number[]): string {
  const groups: string[] = [];
  let best = 0;
  let bestAt = -1;
  let run = 0;
  for (let i = 0; i < 8; i++) {
    const group = (bytes[2 * i]! << 8) | bytes[2 * i + 1]!;
    groups.push(group.toString(16));
    run = group === 0 ? run + 1 : 0;
    if (run > best) {
      best = run;
      bestAt = i - run + 1;
    }
  }
  if (best < 2) return groups.join(':');
  return `${groups.slice(0, bestAt).join(':')}::${groups.slice(bestAt + best).join(':')}`;
}
