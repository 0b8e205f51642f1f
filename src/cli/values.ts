// The words of the command line as values; a wrong one is a UsageError that says what would be right.
import { lower } from '../greylist/request.ts';
import type { LogTarget } from '../log/log.ts';
import type { Kind, Option } from './options.ts';

/** Something on the command line is wrong; the message is for whoever typed it. */
export class UsageError extends Error {
  override name = 'UsageError';
}

type Units = Record<string, number | undefined>;
const UNITS: Units = { __proto__: null as never, '': 1, s: 1, m: 60, h: 3600, d: 86400, w: 604800 };
const SHORT_UNITS: Units = { __proto__: null as never, ms: 1, s: 1000 };

/**
 * How many digits (at most `most`) a word begins with. Like all code that reads the defaults at every start, it uses no
 * regular expression: V8 would have to compile each, some of them twice.
 */
function digits(word: string, most: number): number {
  let i = 0;
  while (i < most && word.charCodeAt(i) >= 48 && word.charCodeAt(i) <= 57) i++;
  return i;
}

/** Throws UsageError for a flag with a value other than true and false: it would silently count as false. */
export function refuseFlagValues(argv: readonly string[], isFlag: (name: string) => boolean): void {
  for (const word of argv) {
    const [, name, value] = /^--([a-z0-9-]+)=(.*)$/s.exec(word) ?? [];
    if (name !== undefined && isFlag(name) && value !== 'true' && value !== 'false')
      throw new UsageError(`--${name} takes no value: write --${name}, or leave it out`);
    // -v is the only option of one letter: -v=yes, -v5
    if (/^-v+(?!=(?:true|false)$)[^v]/.test(word))
      throw new UsageError('-v takes no value: write -v, or leave it out');
  }
}

/** A smaller number without a unit is meant in days, as postgrey has it: `--max-age=35`. */
const LEAST_AGE = 1000;
/** Of --retry-window, `--retry-window=2`, where the filter itself refuses what is not longer than its --delay. */
const LEAST_WINDOW = 60;

/** Seconds. `60`, `60s`, `5m`, `2h`, `2d`, `1w`. */
export function duration(name: string, word: string): number {
  const end = digits(word, 9);
  const unit = UNITS[word.slice(end)];
  if (end === 0 || unit === undefined)
    throw new UsageError(`--${name} ${word}: not a time; write 60, 60s, 5m, 2h or 2d`);
  const seconds = Number(word.slice(0, end)) * unit;
  if (name === 'max-age') refuseBare(name, word, LEAST_AGE);
  return seconds;
}

/** Throws UsageError for a time without a unit, which is no number with one, where days were meant, not seconds. */
function refuseBare(name: string, word: string, least: number): void {
  if (Number(word) > 0 && Number(word) < least)
    throw new UsageError(`--${name} ${word}: that would be seconds; write ${word}d or ${word}s`);
}

/** Milliseconds. `100ms`, `1s`. */
export function milliseconds(name: string, word: string): number {
  const end = digits(word, 6);
  const unit = SHORT_UNITS[word.slice(end)];
  const number = Number(word.slice(0, end));
  if (unit !== undefined && number > 0) return number * unit;
  throw new UsageError(`--${name} ${word}: not a short time; write 100ms or 1s`);
}

export function count(name: string, word: string): number {
  if (word === '' || digits(word, 9) < word.length)
    throw new UsageError(`--${name} ${word}: not a whole number`);
  return Number(word);
}

/** Bits of an address, `most` at most. */
export function bits(name: string, word: string, most: number): number {
  const number = count(name, word);
  if (number > most) throw new UsageError(`--${name} ${word}: an address has ${most} bits`);
  return number;
}

/** A recipient, or the part in front of the `@` with it; in lower case, latin1 as requests are. */
export function recipient(name: string, word: string): string {
  if (/^[^@\s]+@[^@\s]*$/.test(word)) return lower(Buffer.from(word).toString('latin1'));
  throw new UsageError(`--${name} ${word}: write NAME@DOMAIN, or NAME@ for any domain`);
}

/** Text for a reply: printable ASCII on one line, so that Postfix reads it as it is meant. */
export function text(name: string, word: string): string {
  if (!/^[\x20-\x7e]*$/.test(word))
    throw new UsageError(`--${name}: only printable ASCII characters, on one line`);
  return word;
}

/**
 * An attribute of a request, or a pattern for one: any text without control characters, as a latin1 string (one
 * character a byte, as requests have them). `<>`, the empty sender, is ''; `\xNN` a byte, as lists show it.
 */
function attribute(name: string, word: string): string {
  if (/[\0-\x1f\x7f]/.test(word)) throw new UsageError(`--${name}: has control characters`);
  if (word === '<>') return '';
  return Buffer.from(word)
    .toString('latin1')
    .replace(/\\x([\da-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}

/** An action that defers (access(5)): with anything else, mail would be lost or let in. */
export function action(name: string, word: string): string {
  if (word === 'defer_if_permit') return word;
  if (/^(defer_if_permit|defer|4\d\d( 4\.\d{1,3}\.\d{1,3})?)$/i.test(word)) return word;
  throw new UsageError(
    `--${name} ${word}: write defer_if_permit, defer, or a code such as 450 or "451 4.7.1"`,
  );
}

export function choice(name: string, word: string, { choices }: Option): string {
  if (choices?.includes(word)) return word;
  throw new UsageError(`--${name} ${word}: write ${choices?.join(' or ')}`);
}

export function path(name: string, word: string): string {
  if (word !== '' && !word.includes('\0')) return word;
  throw new UsageError(`--${name}: needs the name of a file`);
}

export function logTarget(name: string, word: string): LogTarget {
  if (word === 'syslog' || word === 'stderr' || word === 'none') return word;
  if (word.startsWith('file:') && word.length > 5) return word as LogTarget;
  throw new UsageError(`--${name} ${word}: write syslog, stderr, none or file:PATH`);
}

/** The value of a command's option: seconds, a number, true or false, else text; undefined: not given. */
export function optionValue(name: string, word: unknown, option: Option): unknown {
  if (option.kind === 'flag') return word === true;
  if (option.repeat === true) return (word as string[] | undefined) ?? [];
  if (word === undefined) return undefined;
  // Where it is given twice the last one counts, as for the filter.
  const last = String(Array.isArray(word) ? word.at(-1) : word);
  const value = READERS[option.kind](name, last, option);
  if (name === 'retry-window') refuseBare(name, last, LEAST_WINDOW);
  return value;
}

const READERS: Record<Exclude<Kind, 'flag'>, (name: string, word: string, option: Option) => unknown> = {
  path,
  duration,
  count,
  text,
  attribute,
  action,
  choice,
  log: logTarget,
  milliseconds,
  url: text,
};
