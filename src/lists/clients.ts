// postgrey's list of clients: names with their subdomains, addresses and networks, regular expressions for names.
// Nothing here knows of files.
import {
  DOT,
  EMPTY_HASH,
  HAS_COLON,
  HAS_NAME,
  HAS_SLASH,
  hashBefore,
  nextWeight,
  sameText,
} from './bytes.ts';
import { hashNetwork, parseNetwork, sameNetwork } from './network.ts';
import {
  type Bad,
  type Found,
  foundAt,
  isRegExp,
  matchPattern,
  type Pattern,
  readPattern,
} from './pattern.ts';
import { find, type Place, readTable } from './table.ts';

export interface ClientMatcher {
  /**
   * By the verified name (`unknown` is none, except to a regular expression) or by the address. Of several lines
   * the widest is told: what it covers is there in vain.
   */
  match(name: string, address: string): Found | undefined;
}

const UNKNOWN = 'unknown';
const LONGEST_ADDRESS = 64;

/** Reads a whole list. */
export function parseClients(bytes: Buffer, bad: Bad): ClientMatcher {
  const patterns: Pattern[] = [];
  const present = new Set<number>();
  const words = new Int32Array(4);

  const table = readTable(bytes, (start, end, line, hash, has) => {
    let trouble: string | undefined;
    if (isRegExp(bytes, start, end, has)) {
      readPattern(bytes.toString('latin1', start, end), line, patterns, bad);
      return undefined;
    }
    if ((has & ~HAS_SLASH) === 0 || (has & HAS_COLON) !== 0) {
      const length = parseNetwork(bytes, start, end, words);
      if (length >= 0) {
        present.add(length);
        return hashNetwork(words, length);
      }
      trouble = 'is no address, no network and no name';
    } else {
      trouble = troubleWithName(bytes, start, end, has);
      if (trouble === undefined) return hash;
    }
    bad(line, bytes.toString('latin1', start, end), trouble);
    return undefined;
  });
  const lengths = [...present].sort((a, b) => a - b);

  /** From the last label to the first, so that a long name is read once. */
  function matchName(name: string): Place | undefined {
    let hash = EMPTY_HASH;
    for (let at = name.length - 1, weight = 1; at >= 0; at--, weight = nextWeight(weight)) {
      hash = hashBefore(hash, name.charCodeAt(at), weight);
      if (at > 0 && name.charCodeAt(at - 1) !== DOT) continue;
      const place = find(
        table,
        hash,
        (start, end) => end - start === name.length - at && sameText(bytes, start, end, name, at),
      );
      if (place !== undefined) return place;
    }
    return undefined;
  }

  const client = new Int32Array(4);
  function matchAddress(address: string): Place | undefined {
    if (lengths.length === 0 || address.length > LONGEST_ADDRESS) return undefined;
    const text = Buffer.from(address, 'latin1');
    if (parseNetwork(text, 0, text.length, client) !== 128) return undefined;
    for (const length of lengths) {
      const place = find(
        table,
        hashNetwork(client, length),
        (start, end) =>
          parseNetwork(bytes, start, end, words) === length && sameNetwork(words, client, length),
      );
      if (place !== undefined) return place;
    }
    return undefined;
  }

  return {
    match(name, address) {
      const place = matchName(name) ?? matchAddress(address);
      return place === undefined ? matchPattern(patterns, name) : foundAt(bytes, place);
    },
  };
}

/** Why no client's verified name could ever match; the list says so, rather than being silent for ever. */
function troubleWithName(bytes: Buffer, start: number, end: number, has: number): string | undefined {
  if ((has & ~HAS_NAME) !== 0) return 'is no name, no address and no /regular expression/';
  if (bytes[start] === DOT || bytes[end - 1] === DOT) {
    return 'begins or ends with a dot; a name alone stands for its subdomains, too';
  }
  if (end - start === UNKNOWN.length && sameText(bytes, start, end, UNKNOWN, 0)) {
    return 'is what a client without a verified name is called; for all of these write /^unknown$/';
  }
  return undefined;
}
