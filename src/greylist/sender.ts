// One sender for envelope senders that differ only by what changes from message to message: VERP, BATV, SRS, running
// numbers and tokens. A sender may come from an attacker, so each byte is looked at a fixed number of times, and no regular
// expression is used. Pure; the domain is never touched.
import { hideVarying, isBounce, isJoint, isMadeUp, markVarying, type Token, tokensOf } from './tokens.ts';

// What is removed or becomes a "#", in this order:
//   BATV      prvs=1234abcdef=user, prvs=user=1234abcdef, btv1==1234abcdef==user, msprvs1=tag=user  ->  user
//   SRS       SRS0=hash=stamp=host=user  ->  SRS0=#=#=host=user; SRS1 and +SRS= (Microsoft 365) likewise
//   VERP      bounce+user=host, list-return-123-user=host, TOKEN-user=host, owner-list*user**host  ->  bounce+#, list-return-#, ...
//   tokens    16 and more hexadecimal digits with a letter among them, a UUID, 14 and more decimal digits, 20 and more
//             letters and digits in turn; with the hexadecimal groups that adjoin them
//   numbers   where a word such as "bounce" stands in the local part or in a subdomain: every number, and every word with
//             digits in it except a name followed by one or two digits (list2-bounces); in such a subdomain, also all that
//             follows a word which begins so and is no mere number
// Everything else is somebody's address and stays as it is: joe1 and joe2 are two people (postgrey folds all digits, and
// takes them for one), and a local part of digits only is a telephone or account number.

const STAR = 42;
const PLUS = 43;
const DASH = 45;
const DOT = 46;
const EQUALS = 61;
const TAG = 10;

/**
 * The envelope sender without what changes from message to message, for `--sender-key normalised`. A second time it changes
 * nothing; a sender that is not empty never becomes empty.
 */
export function normaliseSender(sender: string): string {
  const at = sender.lastIndexOf('@');
  if (!mayVary(sender, at)) return sender;
  const local = withoutTagBehind(sender.slice(0, at));
  const { head, from } = unwrap(local);
  return head + fold(local.slice(from), hasBounceLabel(sender, at + 1)) + sender.slice(at);
}

/** Whether the local part has any character that the rules need; most people's addresses have none. */
function mayVary(sender: string, at: number): boolean {
  for (let i = 0; i < at; i++) {
    const c = sender.charCodeAt(i);
    if ((c >= 48 && c <= 57) || c === EQUALS || c === STAR) return true;
  }
  return false;
}

/** Where the local part inside BATV and SRS begins (`from`), and what of BATV and SRS stays before it (`head`). */
function unwrap(local: string): { head: string; from: number } {
  let head = '';
  let from = 0;
  for (;;) {
    const user = afterBatv(local, from);
    if (user > from) {
      from = user;
      continue;
    }
    let mark = srsMark(local, from);
    if (mark < 0) {
      const plus = local.indexOf('+SRS=', from);
      if (plus >= 0) mark = plus + 4;
    }
    const srs = mark < 0 ? undefined : hideSrs(local, mark);
    if (srs === undefined) return { head, from };
    head += local.slice(from, mark + 1) + srs.hidden;
    from = srs.end;
  }
}

/** The user of `prvs=user=tag`, an order that some senders use; the tag is ten characters: a key, a day, a hash. */
function withoutTagBehind(local: string): string {
  const tag = local.length - TAG;
  const isBehind =
    local.slice(0, 5).toLowerCase() === 'prvs=' &&
    tag > 6 &&
    local.charCodeAt(tag - 1) === EQUALS &&
    isTag(local, tag) &&
    !(local.indexOf('=', 5) === 5 + TAG && isTag(local, 5));
  return isBehind ? withoutTagBehind(local.slice(5, tag - 1)) : local;
}

/** Four digits and six hexadecimal ones. */
function isTag(local: string, at: number): boolean {
  for (let i = 0; i < TAG; i++) {
    const c = local.charCodeAt(at + i) | 32;
    if (!((c >= 48 && c <= 57) || (i >= 4 && c >= 97 && c <= 102))) return false;
  }
  return true;
}

/** Where the user begins after a BATV tag at `from`; `from` where there is none. draft-levine-smtp-batv. */
function afterBatv(local: string, from: number): number {
  const start = local.slice(from, from + 8).toLowerCase();
  const size = start.startsWith('prvs=') ? 5 : start.startsWith('btv1==') ? 6 : start === 'msprvs1=' ? 8 : 0;
  if (size === 0) return from;
  const end = local.indexOf('=', from + size);
  if (end <= from + size) return from;
  const user = size === 6 && local.charCodeAt(end + 1) === EQUALS ? end + 2 : end + 1;
  return user < local.length ? user : from;
}

/** Where the separator after SRS0 or SRS1 stands; -1 where there is neither. */
function srsMark(local: string, from: number): number {
  const start = local.slice(from, from + 4).toUpperCase();
  return (start === 'SRS0' || start === 'SRS1') && isSrsSeparator(local, from + 4) ? from + 4 : -1;
}

function isSrsSeparator(local: string, at: number): boolean {
  const c = local.charCodeAt(at);
  return c === EQUALS || c === PLUS || c === DASH;
}

/**
 * What follows the separator at `mark`, with hash and stamp hidden, and where the original local part begins.
 *   SRS0: hash=stamp=host=local    SRS1: hash=forwarder==hash=stamp=host=local    +SRS: as SRS0, or hash=stamp only
 */
function hideSrs(local: string, mark: number): { hidden: string; end: number } | undefined {
  let hidden = '';
  let at = mark + 1;
  if (local[mark - 1] === '1') {
    const hash = local.indexOf('=', at);
    const forwarder = hash < 0 ? -1 : local.indexOf('=', hash + 1);
    if (forwarder < 0 || !isSrsSeparator(local, forwarder + 1)) return undefined;
    hidden = `#${local.slice(hash, forwarder + 2)}`;
    at = forwarder + 2;
  }
  const hash = local.indexOf('=', at);
  if (hash <= at) return undefined;
  const stamp = local.indexOf('=', hash + 1);
  if (stamp < 0) {
    // Microsoft 365, in a bounce: user+SRS=hash=stamp and no more
    return local[mark - 1] === 'S' && isBareStamp(local, hash + 1)
      ? { hidden: '#=#', end: local.length }
      : undefined;
  }
  const host = local.indexOf('=', stamp + 1);
  return host < 0 ? undefined : { hidden: `${hidden}#=#${local.slice(stamp, host + 1)}`, end: host + 1 };
}

function isBareStamp(local: string, at: number): boolean {
  const stamp = local.slice(at);
  return stamp === '#' ? local.endsWith('+SRS=#=#') : stamp.length === 2 && tokensOf(stamp)[0]?.end === 2;
}

/** VERP, tokens and numbers. */
function fold(local: string, bounceDomain: boolean): string {
  const tokens = tokensOf(local);
  if (tokens[0]?.digits === local.length && !bounceDomain) return local; // somebody's number
  const bounce = tokens.find((token) => isBounce(local, token));
  const cut = verpCut(local, tokens, bounce);
  const before = (end: number) => (end < 0 ? tokens : tokens.filter((token) => token.end <= end));
  markVarying(local, before(cut), bounceDomain || bounce !== undefined || cut >= 0);
  // Letters alone may be a word or a piece of a token (Google: 3Kj8aXwgTCvED.PbzQbLRKNZCYR): here, nobody has a name for it.
  const mixed = bounceDomain
    ? before(cut).find((token) => token.varies === token.start && !isNumber(token))
    : undefined;
  const end = mixed?.end ?? cut;
  if (end < 0) return hideVarying(local, tokens);
  const hidden = hideVarying(local.slice(0, end), before(end));
  return hidden.endsWith('#') ? hidden : `${hidden}#`;
}

/** Where the recipient that VERP put into the local part begins, or where a number right before it ends; -1: none. */
function verpCut(local: string, tokens: readonly Token[], bounce: Token | undefined): number {
  const plus = local.indexOf('+');
  const star = local.indexOf('*');
  const listserv = star > 0 && local.indexOf('**', star + 1) > 0 ? star + 1 : Infinity;
  const sympa = plus > 0 && plus < local.indexOf('==a==') ? plus + 1 : Infinity;
  if (listserv !== sympa) return Math.min(listserv, sympa);
  const equals = local.lastIndexOf('=');
  if (equals <= 0 || !isHostName(local, equals + 1)) return -1;
  if (plus > 0) return plus + 1; // before the =, for no host has one
  for (const token of tokens) {
    if (token.end >= equals) break;
    if (isNumber(token) || isMadeUp(token)) return token.end;
  }
  return bounce !== undefined && bounce.end < equals && isJoint(local, bounce.end) ? bounce.end + 1 : -1;
}

function isNumber({ digits, start, end }: Token): boolean {
  return digits === end - start;
}

function isHostName(text: string, from: number): boolean {
  let dots = 0;
  for (let i = from; i < text.length; i++) {
    const c = text.charCodeAt(i);
    const lower = c | 32;
    if (c === DOT) dots++;
    else if (c !== DASH && !(c >= 48 && c <= 57) && !(lower >= 97 && lower <= 122)) return false;
  }
  return dots > 0;
}

/** Whether a label below the domain itself is a word such as "bounce": bounce.example.com. */
function hasBounceLabel(sender: string, from: number): boolean {
  const end = sender.lastIndexOf('.', sender.lastIndexOf('.') - 1);
  if (end <= from) return false;
  const labels = sender.slice(from, end);
  return tokensOf(labels).some((token) => isBounce(labels, token));
}
