// How much of a client's own address its name contains: networks write it there when they name an access line, not a
// machine. Pure text; no list of networks.

const MOST_NUMBERS = 24; // more runs of digits than any real name has
const LONGEST_RUN = 20; // an address takes twelve digits
const SEPARATORS = /[-._]/g;

/**
 * How much of the address (its bytes) the name (in lower case) contains: in decimal or hexadecimal, forward, in reverse or
 * in any order, with or without separators and leading zeros. Returns how many octets (0: fewer than two); for IPv6, 2 stands
 * for two groups and 4 for three or more.
 */
export function addressIn(name: string, bytes: readonly number[]): number {
  return bytes.length === 4 ? ipv4In(name, bytes) : ipv6In(name, bytes);
}

function ipv4In(name: string, octets: readonly number[]): number {
  const numbers: number[] = [];
  let most = 0;
  for (let i = 0; i < name.length; i++) {
    if (!isDigit(name, i)) continue;
    const from = i;
    while (isDigit(name, i)) i++;
    if (i - from <= 3) numbers.push(Number(name.slice(from, i)));
    else if (i - from <= LONGEST_RUN) most = Math.max(most, gluedIn(name, from, i, octets));
    if (numbers.length > MOST_NUMBERS) break;
  }
  most = Math.max(most, inOrder(numbers, octets), inAnyOrder(numbers, octets));
  if (most >= 3) return most;
  const compact = name.replace(SEPARATORS, '');
  const pairs = octets.map((octet) => octet.toString(16).padStart(2, '0'));
  if (compact.includes(pairs.join('')) || compact.includes(pairs.reverse().join(''))) return 4;
  return most;
}

/** The longest run of octets, forward or in reverse, among consecutive numbers. */
function inOrder(numbers: readonly number[], octets: readonly number[]): number {
  let most = 0;
  for (let at = 0; at < numbers.length; at++) {
    for (let k = 0; k < 4; k++) {
      for (let step = -1; step <= 1; step += 2) {
        let row = 0;
        while (at + row < numbers.length && numbers[at + row] === octets[k + step * row]) row++;
        if (row > most) most = row;
      }
    }
  }
  return most < 2 ? 0 : most;
}

/** Three or four octets anywhere among the numbers. Small ones occur by chance, so two have to be above 9. */
function inAnyOrder(numbers: readonly number[], octets: readonly number[]): number {
  if (numbers.length < 3) return 0;
  const left = [...numbers];
  let found = 0;
  let large = 0;
  for (const octet of octets) {
    const at = left.indexOf(octet);
    if (at < 0) continue;
    left[at] = -1;
    found++;
    if (octet > 9) large++;
  }
  return found >= 3 && large >= 2 ? found : 0;
}

/** Octets in one run of digits, each with leading zeros or without: 062163044005, 5044163062, 4405. */
function gluedIn(name: string, from: number, to: number, octets: readonly number[]): number {
  let most = 0;
  for (let start = from; start < to - 3; start++) {
    for (let k = 0; k < 4; k++) {
      for (let step = -1; step <= 1; step += 2) {
        let at = start;
        let row = 0;
        for (; k + step * row >= 0 && k + step * row < 4; row++) {
          const text = `${octets[k + step * row]}`;
          let next = at;
          // Of octet 0, all three or one: 10.0.0.5 is in 010000000005 and in 10005.
          if (text !== '0' || name.startsWith('000', at))
            while (next - at + text.length < 3 && name[next] === '0') next++;
          if (!name.startsWith(text, next)) break;
          at = next + text.length;
        }
        // Two octets are believed only with six digits, three with five.
        if (row > most && at - start >= (row === 2 ? 6 : 5)) most = row;
      }
    }
  }
  return most < 2 ? 0 : most;
}

function ipv6In(name: string, bytes: readonly number[]): number {
  const compact = name.replace(SEPARATORS, '');
  let hex = '';
  let turned = '';
  for (const byte of bytes) {
    const pair = byte.toString(16).padStart(2, '0');
    hex += pair;
    turned = pair[1]! + pair[0]! + turned;
  }
  for (let at = 0; at <= 20; at += 4) {
    if (tells(hex, at) && compact.includes(hex.slice(at, at + 12))) return 4;
    if (tells(turned, at) && compact.includes(turned.slice(at, at + 12))) return 4;
  }
  // Groups as people write them, without leading zeros; short ones occur by chance.
  let found = 0;
  for (let at = 0; at < 32; at += 4) {
    const group = hex.slice(at, at + 4).replace(/^0+/, '');
    if (group.length >= 3 && hasWord(name, group)) found++;
  }
  return found >= 3 ? 4 : found === 2 ? 2 : 0;
}

/** Whether twelve nibbles say anything: no more than seven of them are zeros. */
function tells(hex: string, at: number): boolean {
  let zeros = 0;
  for (let i = at; i < at + 12; i++) if (hex.charCodeAt(i) === 48) zeros++;
  return zeros <= 7;
}

function hasWord(name: string, word: string): boolean {
  for (let at = name.indexOf(word); at >= 0; at = name.indexOf(word, at + 1)) {
    if (!isHex(name, at - 1) && !isHex(name, at + word.length)) return true;
  }
  return false;
}

function isDigit(text: string, at: number): boolean {
  const c = text.charCodeAt(at);
  return c >= 48 && c <= 57;
}

function isHex(text: string, at: number): boolean {
  const c = text.charCodeAt(at);
  return (c >= 48 && c <= 57) || (c >= 97 && c <= 102);
}
