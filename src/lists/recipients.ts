// postgrey's list of recipients: `name@`, `name@domain`, both with any extension, `domain` with its subdomains, regular
// expressions for the whole address. Knows of no file.
import { END, headsOf, literal, tailsOf } from './beginnings.ts';
import {
  AT,
  DOT,
  EMPTY_HASH,
  HAS_AT,
  HAS_SPACE,
  hashBefore,
  hashBoth,
  hashOn,
  nextWeight,
  PLUS,
  SLASH,
  sameText,
} from './bytes.ts';
import { type Bad, type ListKind, type Matcher, type Reading, readList } from './list.ts';
import type { Place } from './table.ts';

type Recipient = [recipient: string];
export type RecipientMatcher = Matcher<Recipient>;

export const RECIPIENTS: ListKind<Recipient> = {
  read: readRecipients,
  beginnings(recipient) {
    const at = recipient.indexOf('@');
    const domain = tailsOf(recipient.slice(recipient.lastIndexOf('@') + 1));
    const user = headsOf(recipient.slice(0, Math.max(at, 0)));
    if (domain === undefined || user === undefined) return undefined;
    return `(?:${domain}|${user}@(?:${literal(recipient.slice(at + 1))})?)${END}`;
  },
};

const STAR = 0x2a;

function* readRecipients(bytes: Buffer, bad: Bad): Reading<RecipientMatcher> {
  const { find, found } = yield* readList(
    bytes,
    bad,
    (start, end, hash, has) => troubleWith(bytes, start, end, has) ?? hash,
  );

  /** The entry that is the first `user` characters of the recipient, followed by those from `from` to `to`. */
  function findPart(recipient: string, user: number, from: number, to: number, hash: number) {
    return find(
      hash,
      (start, end) =>
        end - start === user + to - from &&
        sameText(bytes, start, start + user, recipient, 0) &&
        sameText(bytes, start + user, end, recipient, from),
    );
  }

  function findRecipient(recipient: string): Place | undefined {
    const { length } = recipient;
    const at = recipient.indexOf('@');
    // From the end: a domain is what follows a dot or the last @. Goes on to the first @ for the hash of `@domain`.
    let hash = EMPTY_HASH;
    let weight = 1;
    let isDomain = true;
    for (let i = length - 1; i >= Math.max(at, 0); i--) {
      const code = recipient.charCodeAt(i);
      if (isDomain && (code === DOT || code === AT)) {
        const place = findPart(recipient, 0, i + 1, length, hash);
        if (place !== undefined) return place;
        isDomain = code !== AT;
      }
      hash = hashBefore(hash, code, weight);
      weight = nextWeight(weight);
    }
    // From the beginning: a user is what stands before the first @, or before a + in it that something follows.
    let user = EMPTY_HASH;
    for (let i = 0; i <= at; i++) {
      const code = recipient.charCodeAt(i);
      if (i === at || (code === PLUS && i + 1 < at)) {
        const place =
          findPart(recipient, i, at, length, hashBoth(user, hash, weight)) ??
          findPart(recipient, i, at, at + 1, hashOn(user, AT));
        if (place !== undefined) return place;
      }
      user = hashOn(user, code);
    }
    return undefined;
  }

  return { match: (recipient) => found(findRecipient(recipient), recipient) };
}

/** Why the line cannot be meant so, or could never match a recipient; undefined: nothing is wrong with it. */
function troubleWith(bytes: Buffer, start: number, end: number, has: number): string | undefined {
  const first = bytes[start];
  const isDomain = (has & HAS_AT) === 0;
  if ((has & HAS_SPACE) !== 0) return 'has space in it, so it is no address';
  if (first === SLASH && isDomain) return 'is no regular expression without a slash at both ends';
  if (first === STAR) return 'is no wildcard; write domain, user@, or a /regular expression/';
  if (first === AT) return 'has no user before the @; a domain is written without it';
  if (isDomain && (first === DOT || bytes[end - 1] === DOT))
    return 'begins or ends with a dot; a domain alone stands for its subdomains, too';
  return undefined;
}
