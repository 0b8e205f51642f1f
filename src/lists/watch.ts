// A list's file, read again when it changes; when it cannot be read, its last contents hold. Knows nothing of what it says.
import { closeSync, constants, fstatSync, openSync, readFileSync, type Stats, statSync } from 'node:fs';
import { type LargeList, openLarge } from './large.ts';
import { type Bad, type ListKind, type Matcher, readAtOnce } from './list.ts';

export interface WatchOptions {
  /** Called for lines that are left out, as `FILE:LINE: what`, and for a file that cannot be read. Once each. */
  warn: (text: string) => void;
  /** The time in seconds; it may jump. */
  now: () => number;
  /** Runs work between requests after `milliseconds`; it does not keep the process alive for that. */
  later?: (work: () => void, milliseconds: number) => void;
}

/** How often a file is looked at, in seconds. */
const LOOK_AGAIN = 1;
/** Warnings of one reading: with a wrong file, more would fill the log. */
const MOST_WARNINGS = 20;
/** A file of up to so many bytes, some 3,000 lines, is read at once, for searching it would take as long; see large.ts. */
const LARGE = 64 * 1024;

/** A function that returns the list in the file; an empty list as long as the file was never there. */
export function watchFile<Who extends string[]>(
  path: string,
  kind: ListKind<Who>,
  { warn, now, later = unhurried }: WatchOptions,
): () => Matcher<Who> {
  let whole = readAtOnce(kind, Buffer.alloc(0));
  let large: LargeList<Who> | undefined; // in its place, until that is read whole
  let read: Stats | undefined;
  let lookedAt = Number.NEGATIVE_INFINITY;
  let trouble: string | undefined;
  const newReading = newWarnings(path, warn);

  function look(): void {
    try {
      if (read === undefined || !isSame(read, statSync(path))) readAgain();
      else trouble = undefined;
    } catch (error) {
      complain(error);
    }
  }

  function readAgain(): void {
    const { file, stats } = openRegular(path);
    const { bad, end } = newReading();
    const done = (list: Matcher<Who>) => {
      replace(list, stats);
      end();
      trouble = undefined;
    };
    if (stats.size <= LARGE) {
      done(readAtOnce(kind, readAndClose(file), bad));
      return;
    }
    const before = read;
    const list = openLarge(file, stats.size, kind, {
      bad,
      later,
      done,
      failed(error) {
        replace(whole, before); // so that it is tried again
        complain(error);
        return whole;
      },
    });
    large?.close();
    large = list;
    read = stats;
  }

  function replace(list: Matcher<Who>, stats: Stats | undefined): void {
    large?.close();
    large = undefined;
    whole = list;
    read = stats;
  }

  function complain(error: unknown): void {
    const { code, message } = error as NodeJS.ErrnoException;
    if (trouble === (code ?? message)) return;
    trouble = code ?? message;
    const meanwhile = read === undefined ? 'taken for empty until it can' : 'its last contents hold';
    warn(`${path}: cannot be read, ${meanwhile}: ${message}`);
  }

  return () => {
    const time = now();
    if (Math.abs(time - lookedAt) >= LOOK_AGAIN) {
      lookedAt = time;
      look();
    }
    return large ?? whole;
  };
}

/** A function to be called with each reading of the file: its warnings are only of what was not wrong at the last one. */
function newWarnings(path: string, warn: (text: string) => void): () => { bad: Bad; end: () => void } {
  let warned = new Set<string>();
  return () => {
    const wrong = new Set<string>();
    let told = 0;
    return {
      bad(line, text, what) {
        const problem = `"${text}" ${what}`;
        if (!warned.has(problem) && ++told <= MOST_WARNINGS)
          warn(`${path}:${line}: ${problem}; the line is left out`);
        warned.add(problem);
        wrong.add(problem);
      },
      end() {
        if (told > MOST_WARNINGS) warn(`${path}: ${told - MOST_WARNINGS} more lines are left out`);
        warned = wrong;
      },
    };
  };
}

function isSame(a: Stats, b: Stats): boolean {
  return a.mtimeMs === b.mtimeMs && a.size === b.size && a.ino === b.ino && a.dev === b.dev;
}

/** Opens the file without ever waiting, as opening a pipe would. /dev/null is an empty list. */
function openRegular(path: string): { file: number; stats: Stats } {
  const file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const stats = fstatSync(file);
    if (stats.isFile() || path === '/dev/null') return { file, stats };
    throw new Error(stats.isDirectory() ? 'it is a directory' : 'it is no regular file');
  } catch (error) {
    closeSync(file);
    throw error;
  }
}

function readAndClose(file: number): Buffer {
  try {
    return readFileSync(file);
  } finally {
    closeSync(file);
  }
}

function unhurried(work: () => void, milliseconds: number): void {
  setTimeout(work, milliseconds).unref();
}
