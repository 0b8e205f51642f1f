// What the lists of clients and of recipients have in common: how a line is found and left out, and lines that are
// regular expressions.
import { HAS_SPACE, SLASH } from './bytes.ts';
import { perlRegExp } from './regexp.ts';
import type { Place } from './table.ts';

/** A line that matches. */
export interface Found {
  line: number;
  /** Without comment and space around it; latin1, a character a byte. */
  text: string;
}

/** Told of a line that is left out: its number, its text, and what is the matter with it. */
export type Bad = (line: number, text: string, what: string) => void;

export interface Pattern extends Found {
  regexp: RegExp;
}

export function foundAt(bytes: Buffer, { start, end, line }: Place): Found {
  return { line, text: bytes.toString('latin1', start, end) };
}

/** Between two slashes, and no space in it; a `#` begins a comment there too. */
export function isRegExp(bytes: Buffer, start: number, end: number, has: number): boolean {
  return bytes[start] === SLASH && bytes[end - 1] === SLASH && end - start > 2 && (has & HAS_SPACE) === 0;
}

/** Adds the expression to `patterns`. */
export function readPattern(text: string, line: number, patterns: Pattern[], bad: Bad): void {
  try {
    patterns.push({ line, text, regexp: perlRegExp(text.slice(1, -1)) });
  } catch (error) {
    bad(line, text, `cannot be read as a regular expression: ${(error as Error).message}`);
  }
}

export function matchPattern(patterns: readonly Pattern[], value: string): Found | undefined {
  for (const { regexp, line, text } of patterns) {
    if (regexp.test(value)) return { line, text };
  }
  return undefined;
}
