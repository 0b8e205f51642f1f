// Perl's regular expressions as JavaScript's, for texts of one line, one character a byte. What means something else in
// JavaScript is translated (perlre, perlrecharclass, perlrebackslash); what cannot be translated is refused.
import { safely } from './linear.ts';

/** `[...]` with its POSIX classes; a `]` that comes first is one of its members. */
const CLASS = String.raw`\[(?<not>\^?)(?<members>\]?(?:\\.|\[:\^?\w+:\]|[^\]\\])*)\]`;
const ESCAPE = String.raw`\\(?:x\{(?<code>[^}]*)\}|x(?<digits>[\dA-Fa-f]{0,2})|[gk](?<reference>\{[^}]*\}|<\w+>|'\w+'|-?\d+)|[NbB]\{[^}]*\}|(?<letter>.))`;
/** Flags are dropped: case is ignored anyway, texts are one line, and an entry has no space or comment in it. */
const FLAGS = String.raw`\(\?[imsxad]*(?:-[msx]*)?(?<flagged>[:)])`;
const NAMED = String.raw`\(\?(?:P?<(?<name>[A-Za-z_]\w*)>|'(?<quoted>\w+)'|P=(?<again>\w+)\))`;
const TOKEN = new RegExp(
  String.raw`${CLASS}|${ESCAPE}|${FLAGS}|${NAMED}|(?<group>\()(?!\?)|\{,(?<most>\d+)\}`,
  'gs',
);
const MEMBER = new RegExp(String.raw`${ESCAPE}|\[:(?<negated>\^?)(?<posix>\w+):\]|(?<first>^\])`, 'gs');

/** Expressions that are the same in both, as most are: translating them would take longer than reading the list. */
const PLAIN = /^(?:[^\\[({]|\\[dDwWbB\W_]|\((?:\?:|(?!\?)))*$/;

/** The translation of an escape, outside and inside a class; bytes above 127 are no letters and no space. */
const ESCAPES: Record<string, readonly [outside: string, inside?: string]> = {
  A: ['^'],
  G: ['^'],
  z: ['$'],
  Z: ['$'],
  K: [''],
  N: ['[^\\n]'],
  R: ['(?:\\r\\n|[\\n-\\r\\x85])'],
  h: ['[\\t \\xa0]', '\\t \\xa0'],
  H: ['[^\\t \\xa0]'],
  v: ['[\\n-\\r\\x85]', '\\n-\\r\\x85'],
  V: ['[^\\n-\\r\\x85]'],
  s: ['[\\t-\\r ]', '\\t-\\r '],
  S: ['[^\\t-\\r ]', '\\S\\xa0'],
  a: ['\\x07', '\\x07'],
  e: ['\\x1b', '\\x1b'],
};

/** Escapes that mean the same in both, besides those of digits and signs. */
const SAME = /[dDwWbBtnrfc\W\d_]/;

const POSIX: Record<string, string> = {
  alpha: 'a-zA-Z',
  digit: '0-9',
  alnum: 'a-zA-Z0-9',
  upper: 'A-Z',
  lower: 'a-z',
  punct: '!-\\/:-@\\[-`{-~',
  space: '\\t-\\r ',
  blank: '\\t ',
  cntrl: '\\x00-\\x1f\\x7f',
  graph: '!-~',
  print: ' -~',
  xdigit: '0-9a-fA-F',
  word: '\\w',
  ascii: '\\x00-\\x7f',
};
const NOT_POSIX: Record<string, string> = { digit: '\\D', word: '\\W', space: '\\S\\xa0' };

type Parts = Record<string, string | undefined>;

/** Whether there may be a byte above 127 in an expression of Perl's. */
const HAS_HIGH = /[\x80-\xff]|\\x\{?[89a-f]|\\[23][0-7]{2}/i;
/** Such a byte, or any escape, in one of JavaScript's. */
const HIGH = /[\x80-\xff]|\\(?:x([89a-f][\da-f])|([23][0-7]{2})|.)/gis;

/** The expression, ignoring case. Throws an Error that says what is not understood. */
export function perlRegExp(source: string): Pick<RegExp, 'test'> {
  const translated = PLAIN.test(source) ? source : translate(source);
  if (!HAS_HIGH.test(source)) return safely(translated);
  const regexp = safely(translated.replace(HIGH, withoutCase));
  return { test: (text) => regexp.test(text.replace(/[\x80-\xff]/g, (byte) => moved(byte.charCodeAt(0)))) };
}

/** To JavaScript, half of the bytes above 127 are the other half in upper case; here they stand for no letters. */
function withoutCase(token: string, hex?: string, octal?: string): string {
  if (hex !== undefined) return moved(Number.parseInt(hex, 16));
  if (octal !== undefined) return moved(Number.parseInt(octal, 8));
  return token.length === 1 ? moved(token.charCodeAt(0)) : token;
}

/** The byte as a character that has no case: one of Unicode's private use. */
function moved(byte: number): string {
  return String.fromCharCode(0xe000 + byte);
}

function translate(source: string): string {
  let groups = 0;
  return source.replace(TOKEN, (token: string, ...rest: unknown[]) => {
    const part = rest.at(-1) as Parts;
    if (part.members !== undefined) return `[${part.not}${members(part.members)}]`;
    if (part.most !== undefined) return `{0,${part.most}}`;
    if (part.flagged !== undefined) return part.flagged === ':' ? '(?:' : '';
    if (part.again !== undefined) return `\\k<${part.again}>`;
    if (part.reference !== undefined) return reference(part.reference, groups);
    const name = part.name ?? part.quoted;
    if (name !== undefined || part.group !== undefined) {
      groups++;
      return name === undefined ? '(' : `(?<${name}>`;
    }
    return escaped(token, part, 0);
  });
}

function members(text: string): string {
  return text.replace(MEMBER, (token: string, ...rest: unknown[]) => {
    const part = rest.at(-1) as Parts;
    if (part.first !== undefined) return '\\]';
    if (part.posix === undefined) return escaped(token, part, 1);
    const range = (part.negated === '' ? POSIX : NOT_POSIX)[part.posix];
    if (range === undefined) throw new Error(`${token} is not understood`);
    return range;
  });
}

function escaped(token: string, { code, digits, letter }: Parts, inside: 0 | 1): string {
  const hex = code ?? digits;
  if (hex !== undefined && /^[\da-f]{0,2}$/i.test(hex)) return `\\x${hex.padStart(2, '0')}`;
  if (letter !== undefined && SAME.test(letter)) return token;
  const other = letter === undefined ? undefined : ESCAPES[letter]?.[inside];
  if (other === undefined) throw new Error(`${token} is not understood`);
  return other;
}

/** `\g1`, `\g{-1}`, `\g{name}`, `\k'name'` */
function reference(text: string, groups: number): string {
  const target = text.replace(/^[{<']|[}>']$/g, '');
  if (!/^-?\d+$/.test(target)) return `\\k<${target}>`;
  const number = Number(target);
  const group = number < 0 ? groups + 1 + number : number;
  if (group < 1) throw new Error(`\\g${text} is no group`);
  return `(?:\\${group})`;
}
