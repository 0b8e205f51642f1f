// postgrey's list of clients: names with their subdomains, addresses and networks, regular expressions for names.
// Nothing here knows of files.
import {
  DOT,
  EMPTY_HASH,
  eachEntry,
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
import { addRow, findRow, indexRows, newTable, placeOf } from './table.ts';

export interface ClientMatcher {
  /** By the verified name (`unknown` is none, except to a regular expression) or by the address. */
  match(name: string, address: string): Found | undefined;
}

const UNKNOWN = 'unknown';
const LONGEST_ADDRESS = 64;

/** Reads a whole list. */
export function parseClients(bytes: Buffer, bad: Bad): ClientMatcher {
  const names = newTable(bytes.length >> 3);
  const networks = newTable(bytes.length >> 3);
  const patterns: Pattern[] = [];
  const present = new Set<number>();
  const words = new Int32Array(4);
  const text = (start: number, end: number) => bytes.toString('latin1', start, end);

  eachEntry(bytes, (start, end, line, hash, has) => {
    if (isRegExp(bytes, start, end, has)) {
      readPattern(text(start, end), line, patterns, bad);
    } else if ((has & ~HAS_SLASH) === 0 || (has & HAS_COLON) !== 0) {
      const length = parseNetwork(bytes, start, end, words);
      if (length < 0) return bad(line, text(start, end), 'is no address, no network and no name');
      present.add(length);
      addRow(networks, hashNetwork(words, length), start, end, line);
    } else {
      const trouble = troubleWithName(bytes, start, end, has);
      if (trouble !== undefined) return bad(line, text(start, end), trouble);
      addRow(names, hash, start, end, line);
    }
  });
  indexRows(names);
  indexRows(networks);
  const lengths = [...present].sort((a, b) => b - a);

  /** From the last label to the first, so that a long name is read once. */
  function matchName(name: string): Found | undefined {
    let hash = EMPTY_HASH;
    for (let at = name.length - 1, weight = 1; at >= 0; at--, weight = nextWeight(weight)) {
      hash = hashBefore(hash, name.charCodeAt(at), weight);
      if (at > 0 && name.charCodeAt(at - 1) !== DOT) continue;
      const row = findRow(
        names,
        hash,
        (start, end) => end - start === name.length - at && sameText(bytes, start, end, name, at),
      );
      if (row >= 0) return foundAt(bytes, placeOf(names, row));
    }
    return undefined;
  }

  const client = new Int32Array(4);
  function matchAddress(address: string): Found | undefined {
    if (lengths.length === 0 || address.length > LONGEST_ADDRESS) return undefined;
    const text = Buffer.from(address, 'latin1');
    if (parseNetwork(text, 0, text.length, client) !== 128) return undefined;
    for (const length of lengths) {
      const row = findRow(
        networks,
        hashNetwork(client, length),
        (start, end) =>
          parseNetwork(bytes, start, end, words) === length && sameNetwork(words, client, length),
      );
      if (row >= 0) return foundAt(bytes, placeOf(networks, row));
    }
    return undefined;
  }

  return {
    match: (name, address) => matchName(name) ?? matchAddress(address) ?? matchPattern(patterns, name),
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
