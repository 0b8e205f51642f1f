// The runs of letters and digits in a local part, and which of them a machine made for one message. For normaliseSender
// (sender.ts); every function here is linear in its input.

/** A run of ASCII letters and digits. */
export interface Token {
  start: number;
  end: number;
  digits: number;
  /** How often a letter follows a digit, or a digit a letter. */
  turns: number;
  /** Hexadecimal digits only. */
  hex: boolean;
  /** Where the part that varies begins; at `end`: nothing varies. */
  varies: number;
}

const DASH = 45;
const DOT = 46;
const UNDERSCORE = 95;
const UUID = [8, 4, 4, 4, 12];
/** After these words, any number is a running one. */
const BOUNCE = new Set('bounce bounces bnc error errors return returns sentto verp'.split(' '));

export function tokensOf(text: string): Token[] {
  const tokens: Token[] = [];
  let token: Token | undefined;
  let afterDigit = false;
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i);
    const lower = c | 32;
    const digit = c >= 48 && c <= 57;
    if (!digit && !(lower >= 97 && lower <= 122)) {
      token = undefined;
      continue;
    }
    if (token === undefined) {
      token = { start: i, end: i, digits: 0, turns: 0, hex: true, varies: 0 };
      tokens.push(token);
    } else if (digit !== afterDigit) token.turns++;
    token.end = token.varies = i + 1;
    if (digit) token.digits++;
    else if (lower > 102) token.hex = false;
    afterDigit = digit;
  }
  return tokens;
}

/** Whether it is a word such as "bounce", alone or with a number behind it. */
export function isBounce(text: string, token: Token): boolean {
  return token.turns < 2 && BOUNCE.has(text.slice(token.start, token.end - token.digits).toLowerCase());
}

/** Marks the tokens that were made for one message; with `numbers`, running numbers as well. */
export function markVarying(text: string, tokens: Token[], numbers: boolean): void {
  for (let i = 0; i < tokens.length; i++) {
    const token = tokens[i]!;
    if (isMadeUp(token)) token.varies = token.start;
    else if (numbers) token.varies = numberAt(text, token);
    if (isUuid(text, tokens, i)) for (let k = i; k < i + 5; k++) tokens[k]!.varies = tokens[k]!.start;
  }
  // A group such as "cafe" is a number too when its neighbour is one.
  for (let i = 1; i < tokens.length; i++) {
    if (isDashed(text, tokens[i - 1]!, tokens[i]!)) spread(tokens[i - 1]!, tokens[i]!);
  }
  for (let i = tokens.length - 1; i > 0; i--) {
    if (isDashed(text, tokens[i - 1]!, tokens[i]!)) spread(tokens[i]!, tokens[i - 1]!);
  }
}

/** The text with a "#" in place of each run of marked tokens that are joined by single dashes, dots and underscores. */
export function hideVarying(text: string, tokens: readonly Token[]): string {
  let out = '';
  let from = 0; // what is written so far
  let joins = -1; // where the last token ended, if it ended in a "#"
  for (const token of tokens) {
    if (token.varies === token.end) continue;
    const joined = joins === token.start - 1 && token.varies === token.start && isJoint(text, joins);
    if (!joined) out += `${text.slice(from, token.varies)}#`;
    from = joins = token.end;
  }
  return from === 0 ? text : out + text.slice(from);
}

/** Whether no person would call it so, wherever it stands. */
export function isMadeUp(token: Token): boolean {
  const length = token.end - token.start;
  if (token.digits === length) return length >= 14;
  if (token.hex && length >= 16) return token.digits > 0;
  return length >= 20 && token.turns >= 4;
}

/** Where a running number begins in a token; its end where there is none. */
function numberAt(text: string, token: Token): number {
  const length = token.end - token.start;
  if (length - token.digits >= 20) return token.start; // too long for a word
  if (token.digits === 0) return token.end;
  if (token.turns > 1 || isDigit(text, token.start) || (token.hex && length >= 6)) return token.start;
  return token.digits >= 3 || isBounce(text, token) ? token.end - token.digits : token.end;
}

function isUuid(text: string, tokens: readonly Token[], at: number): boolean {
  let digits = 0;
  for (let k = 0; k < 5; k++) {
    const token = tokens[at + k];
    if (token === undefined || !token.hex || token.end - token.start !== UUID[k]) return false;
    if (k > 0 && !isDashed(text, tokens[at + k - 1]!, token)) return false;
    digits += token.digits;
  }
  return digits > 0;
}

function spread(from: Token, to: Token): void {
  if (from.varies === from.start && from.hex && to.hex && to.end - to.start >= 4) to.varies = to.start;
}

/** Whether one dash and nothing else stands between two tokens. */
function isDashed(text: string, left: Token, right: Token): boolean {
  return right.start === left.end + 1 && text.charCodeAt(left.end) === DASH;
}

export function isJoint(text: string, at: number): boolean {
  const c = text.charCodeAt(at);
  return c === DASH || c === DOT || c === UNDERSCORE;
}

function isDigit(text: string, at: number): boolean {
  const c = text.charCodeAt(at);
  return c >= 48 && c <= 57;
}
