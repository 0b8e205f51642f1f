// postgrey's list of clients: names with their subdomains, addresses and networks, regular expressions for names. Knows of
// no file.
import { END, networksOf, tailsOf } from './beginnings.ts';
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
import { type Bad, type ListKind, type Matcher, type Reading, readList } from './list.ts';
import { hashNetwork, parseNetwork, sameNetwork } from './network.ts';
import type { Place } from './table.ts';

type Client = [name: string, address: string];

/**
 * Matches by the verified name (`unknown` is none, except to a regular expression) or by the address. Where several lines
 * match, the widest is returned: the others are superfluous.
 */
export type ClientMatcher = Matcher<Client>;

export const CLIENTS: ListKind<Client> = {
  read: readClients,
  beginnings(name, address) {
    const tails = tailsOf(name);
    if (tails === undefined) return undefined;
    const words = new Int32Array(4);
    return `${tails}${END}${isAddress(address, words) ? `|${networksOf(words)}` : ''}`;
  },
};

const UNKNOWN = 'unknown';

function* readClients(bytes: Buffer, bad: Bad): Reading<ClientMatcher> {
  const present = new Set<number>();
  const words = new Int32Array(4);

  const { find, found } = yield* readList(bytes, bad, (start, end, hash, has) => {
    if ((has & ~HAS_SLASH) === 0 || (has & HAS_COLON) !== 0) {
      const length = parseNetwork(bytes, start, end, words);
      if (length < 0) return 'is no address, no network and no name';
      present.add(length);
      return hashNetwork(words, length);
    }
    return troubleWithName(bytes, start, end, has) ?? hash;
  });
  const lengths = [...present].sort((a, b) => a - b);

  /** The widest domain of the name in the list. From the last label to the first, so that a long name is read once. */
  function matchName(name: string): Place | undefined {
    let hash = EMPTY_HASH;
    for (let at = name.length - 1, weight = 1; at >= 0; at--, weight = nextWeight(weight)) {
      hash = hashBefore(hash, name.charCodeAt(at), weight);
      if (at > 0 && name.charCodeAt(at - 1) !== DOT) continue;
      const place = find(
        hash,
        (start, end) => end - start === name.length - at && sameText(bytes, start, end, name, at),
      );
      if (place !== undefined) return place;
    }
    return undefined;
  }

  const client = new Int32Array(4);
  function matchAddress(address: string): Place | undefined {
    if (lengths.length === 0 || !isAddress(address, client)) return undefined;
    for (const length of lengths) {
      const place = find(
        hashNetwork(client, length),
        (start, end) =>
          parseNetwork(bytes, start, end, words) === length && sameNetwork(words, client, length),
      );
      if (place !== undefined) return place;
    }
    return undefined;
  }

  return { match: (name, address) => found(matchName(name) ?? matchAddress(address), name) };
}

/** Whether the text is a whole address, not a network; reads it into `words`. */
function isAddress(text: string, words: Int32Array): boolean {
  const bytes = Buffer.from(text, 'latin1');
  return parseNetwork(bytes, 0, bytes.length, words) === 128;
}

/** Why the entry could never match a verified name, so that the administrator is told; undefined: it could. */
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
