// Regular expressions that may take for ever (Perl's and V8's try all ways to match): for these, V8 goes over to its other
// engine, whose time is in proportion to the text, once it has tried many ways in vain. That engine knows no flag to ignore
// case, so both cases of each letter are written out. What else it does not know stays as it was: references back, looks ahead
// and behind, and counts above 16.

/** Before so many characters repeat each for itself, a text of 2,000 takes some seconds at most. */
const MOST_REPEATED = 3;

const REPEATED_GROUP = /\)[*+{]/;
const REPEATS = /[*+{]/g;
/** References back, or numbers of characters that look like them. */
const NOT_LINEAR = /\\[1-9]|\\k<|\(\?<?[=!]/;

const ATOM = String.raw`\\c[a-z]|\\x[\da-f]{2}|\\.|[^\\]`;
const RANGE = new RegExp(`(${ATOM})(?:-(${ATOM}))?`, 'gis');
const TOKEN = /\\c[a-z]|\\x[\da-f]{2}|\\.|\[(?<not>\^?)(?<members>(?:\\.|[^\\\]])*)\]|\(\?<\w+>|[a-z]/gis;

/** The codes of letters, and how far they are from their other case. */
const LETTERS = [
  [65, 90, 32],
  [97, 122, -32],
] as const;

/** The expression in JavaScript's syntax, with flags `is`, of ASCII texts and characters that have no case. */
export function safely(source: string): RegExp {
  if (!mayExplode(source) || NOT_LINEAR.test(source)) return new RegExp(source, 'is');
  // Only now: it takes 2 ms at the start of a filter, and few lists need it.
  const { setFlagsFromString } = require('node:v8') as typeof import('node:v8');
  setFlagsFromString('--enable-experimental-regexp-engine-on-excessive-backtracks');
  return new RegExp(inBothCases(source), 's');
}

/** Errs on the side of yes. */
function mayExplode(source: string): boolean {
  const repeated = source.match(REPEATS)?.length ?? 0;
  // Without an anchor, or with one that may stand before some of its alternatives only, it is tried from each character on.
  const isAnchored = source.startsWith('^') && !source.includes('|');
  return REPEATED_GROUP.test(source) || repeated + (isAnchored ? 0 : 1) > MOST_REPEATED;
}

/** The expression that means the same where case counts. */
function inBothCases(source: string): string {
  return source.replace(TOKEN, (token: string, ...rest: unknown[]) => {
    const { not, members } = rest.at(-1) as Record<string, string | undefined>;
    // As ranges, so that a hyphen behind them stays one.
    if (members !== undefined) return `[${not}${otherCases(members)}${members}]`;
    const other = otherCases(token);
    return other === '' || token.startsWith('(') ? token : `[${other}${token}]`;
  });
}

/** The letters among the members of a class in their other case, as ranges. */
function otherCases(members: string): string {
  let others = '';
  for (const [, from, to = from] of members.matchAll(RANGE)) {
    const ends = [codeOf(from!), codeOf(to!)];
    const isRange = !ends.includes(undefined); // in [\\w-x], the hyphen stands for itself
    for (const [low, high] of isRange ? [ends] : ends.map((end) => [end, end])) {
      if (low === undefined || high === undefined) continue;
      for (const [a, z, shift] of LETTERS) {
        if (low > z || high < a) continue;
        others += `${character(Math.max(low, a) + shift)}-${character(Math.min(high, z) + shift)}`;
      }
    }
  }
  return others;
}

const character = (code: number) => String.fromCharCode(code);

/** The code of a character of the class; undefined: it stands for several, or for none. */
function codeOf(atom: string): number | undefined {
  if (/^\\x../is.test(atom)) return Number.parseInt(atom.slice(2), 16);
  if (atom.startsWith('\\')) return /\W/.test(atom[1]!) ? atom.charCodeAt(1) : undefined;
  return atom.charCodeAt(0);
}
