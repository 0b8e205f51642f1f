// What the lists of clients and of recipients have in common: reading a list, finding a line, leaving bad lines out, and
// lines that are regular expressions. Knows of no file.
import { HAS_SPACE, SLASH } from './bytes.ts';
import { perlRegExp } from './regexp.ts';
import { find, type Place, readTable } from './table.ts';

/** A line that matches. */
export interface Found {
  line: number;
  /** Without comment and space around it; latin1, a character a byte. */
  text: string;
}

/** Called with each line that is left out: its number, its text, and what is wrong with it. */
export type Bad = (line: number, text: string, what: string) => void;

/** `Who` is whom a list is asked about: a client's name and address, or a recipient. */
export interface Matcher<Who extends string[]> {
  match(...who: Who): Found | undefined;
}

/** A reading that yields every millisecond or so, so that other work gets its turn, and returns its result at the end. */
export type Reading<T> = Generator<undefined, T>;

export interface ListKind<Who extends string[]> {
  read(bytes: Buffer, bad: Bad): Reading<Matcher<Who>>;
  /**
   * The beginnings of all entries that match, as the source of a regular expression that ignores case. It may also match
   * other entries, and need not match entries that are regular expressions. Undefined: there is too much to look for.
   */
  beginnings(...who: Who): string | undefined;
}

/** Reads a whole list at once. */
export function readAtOnce<Who extends string[]>(
  kind: ListKind<Who>,
  bytes: Buffer,
  bad: Bad = () => {},
): Matcher<Who> {
  return finish(kind.read(bytes, bad));
}

export function finish<T>(reading: Reading<T>): T {
  for (;;) {
    const { done, value } = reading.next();
    if (done) return value;
  }
}

interface List {
  /** The first entry with this hash for which `same` returns true. */
  find(hash: number, same: (start: number, end: number) => boolean): Place | undefined;
  /** The line at the place; without a place, the first regular expression that matches `value`. */
  found(place: Place | undefined, value: string): Found | undefined;
}

/** `judge` returns the hash by which an entry is found, most often that of its text, or says what is wrong with it. */
export function* readList(
  bytes: Buffer,
  bad: Bad,
  judge: (start: number, end: number, hash: number, has: number) => number | string,
): Reading<List> {
  const patterns: Pattern[] = [];
  const textOf = (start: number, end: number) => bytes.toString('latin1', start, end);
  const table = yield* readTable(bytes, (start, end, line, hash, has) => {
    if (isRegExp(bytes, start, end, has)) {
      readPattern(textOf(start, end), line, patterns, bad);
      return undefined;
    }
    const judged = judge(start, end, hash, has);
    if (typeof judged === 'number') return judged;
    bad(line, textOf(start, end), judged);
    return undefined;
  });
  return {
    find: (hash, same) => find(table, hash, same),
    found(place, value) {
      if (place !== undefined) return { line: place.line, text: textOf(place.start, place.end) };
      const pattern = patterns.find(({ regexp }) => regexp.test(value));
      return pattern && { line: pattern.line, text: pattern.text };
    },
  };
}

interface Pattern extends Found {
  regexp: Pick<RegExp, 'test'>;
}

/** Whether the entry stands between two slashes and has no space in it. (A `#` begins a comment there too.) */
function isRegExp(bytes: Buffer, start: number, end: number, has: number): boolean {
  return bytes[start] === SLASH && bytes[end - 1] === SLASH && end - start > 2 && (has & HAS_SPACE) === 0;
}

/** Adds the expression to `patterns`. */
function readPattern(text: string, line: number, patterns: Pattern[], bad: Bad): void {
  try {
    patterns.push({ line, text, regexp: perlRegExp(text.slice(1, -1)) });
  } catch (error) {
    const why = (error as Error).message.replace(/^Invalid regular expression: .*: /s, '');
    bad(line, text, `cannot be read as a regular expression: ${why}`);
  }
}
