// A list that is too long to be read before the first request is answered: until it has been read, each request has native
// code search the file for lines that may match, and only these are read. Knows nothing of the syntax.
import { closeSync, readFileSync, readSync } from 'node:fs';
import { markAt, NEWLINE, SPACE } from './bytes.ts';
import {
  type Bad,
  type Found,
  finish,
  type ListKind,
  type Matcher,
  type Reading,
  readAtOnce,
} from './list.ts';

interface LargeOptions<Who extends string[]> {
  bad: Bad;
  /** Called once, when all is read, with the list to use from then on. */
  done: (list: Matcher<Who>) => void;
  /** Called once, when the file cannot be read; returns the list to use in its place. */
  failed: (error: unknown) => Matcher<Who>;
  /** See WatchOptions in watch.ts. */
  later: (work: () => void, milliseconds: number) => void;
}

export interface LargeList<Who extends string[]> extends Matcher<Who> {
  /** Stops reading; nothing is reported any more. */
  close(): void;
}

/** After how many milliseconds it begins to read the whole list: the first replies are out, and short sessions over. */
const WAIT = 100;
/** Bytes searched at a time. Few, for most of the cost is memory that is new to the process. */
const PIECE = 64 * 1024;

/** A list of the first `size` bytes of `file`, an open descriptor, which it closes once they are in memory. */
export function openLarge<Who extends string[]>(
  file: number,
  size: number,
  kind: ListKind<Who>,
  { bad, done, failed, later }: LargeOptions<Who>,
): LargeList<Who> {
  let bytes: Buffer | undefined;
  let over = false;
  const reading = readAll();

  function* readAll(): Reading<Matcher<Who>> {
    bytes = readFileSync(file);
    closeSync(file);
    yield;
    return yield* kind.read(bytes, bad);
  }

  function readOn(): void {
    if (over) return;
    try {
      const { done: isWhole, value } = reading.next();
      if (isWhole) end(value);
      else later(readOn, 0);
    } catch (error) {
      fail(error);
    }
  }

  function end(list: Matcher<Who>): Matcher<Who> {
    over = true;
    done(list);
    return list;
  }

  function fail(error: unknown): Matcher<Who> {
    close();
    return failed(error);
  }

  function close(): void {
    if (!over && bytes === undefined) closeSync(file);
    over = true;
  }

  later(readOn, WAIT);
  return {
    close,
    match(...who) {
      try {
        const beginnings = kind.beginnings(...who);
        if (beginnings === undefined) return end(finish(reading)).match(...who);
        return search(kind, who, beginnings, () => pieces(bytes ?? file, size));
      } catch (error) {
        return fail(error).match(...who);
      }
    },
  };
}

function search<Who extends string[]>(
  kind: ListKind<Who>,
  who: Who,
  beginnings: string,
  texts: () => Iterable<string>,
): Found | undefined {
  const sought = new RegExp(`\\n[^\\S\\n]*(?:/|${beginnings})[^\\n]*`, 'gi'); // a / begins a regular expression
  let lines = '';
  for (const text of texts()) lines += (text.match(sought) ?? []).join('');
  const found = readAtOnce(kind, Buffer.from(lines, 'latin1')).match(...who);
  // `found.line` counts the lines found, each of which begins with a newline; what is wanted is the line of the file.
  return found && { ...found, line: lineOf(found.line - 2, sought, texts()) };
}

/** The line of the file, from 1, on which the expression matches for the `nth` time, from 0. */
function lineOf(nth: number, expression: RegExp, texts: Iterable<string>): number {
  let before = 0;
  let left = nth;
  for (const text of texts) {
    for (const { index } of text.matchAll(expression)) {
      if (left-- === 0) return before + count(text.slice(0, index + 1), /\n/g);
    }
    before += count(text, /\n/g) - 1;
  }
  return before;
}

function count(text: string, expression: RegExp): number {
  return text.match(expression)?.length ?? 0;
}

/** The source in pieces of whole lines, with a newline before the first line and after each. */
function* pieces(source: number | Buffer, size: number): Iterable<string> {
  let buffer = Buffer.allocUnsafeSlow(PIECE);
  buffer[0] = NEWLINE;
  for (let at = 0; at < size; ) {
    const room = Math.min(buffer.length - 2, size - at);
    const length =
      typeof source === 'number'
        ? readSync(source, buffer, 1, room, at)
        : source.copy(buffer, 1, at, at + room);
    if (at === 0) buffer.fill(SPACE, 1, 1 + markAt(buffer, 1));
    const isLast = length < room || at + length === size; // the file may have been cut meanwhile
    if (isLast) buffer[1 + length] = NEWLINE;
    const end = isLast ? length + 2 : buffer.lastIndexOf(NEWLINE, length) + 1;
    if (end === 1) {
      buffer = Buffer.alloc(buffer.length * 2, NEWLINE); // a line that does not fit
      continue;
    }
    yield buffer.toString('latin1', 0, end);
    if (isLast) return;
    at += end - 1;
  }
}
