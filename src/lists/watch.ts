// A file that is read again when it changes, and keeps its last contents when it cannot be read.
// Nothing here knows what the file says.
import { closeSync, constants, fstatSync, openSync, readFileSync, type Stats, statSync } from 'node:fs';
import type { Bad } from './pattern.ts';

export interface WatchOptions {
  /** Told of lines that are left out, as `FILE:LINE: what`, and of a file that cannot be read. Once each. */
  warn: (text: string) => void;
  /** The time in seconds; it may jump. */
  now: () => number;
}

/** How often a file is looked at, in seconds. */
const LOOK_AGAIN = 1;
/** Of one reading; a wrong file would fill the log. */
const MOST_WARNINGS = 20;

/** A function that returns what `parse` makes of the file's present contents; of none while it never was there. */
export function watchFile<T>(
  path: string,
  parse: (bytes: Buffer, bad: Bad) => T,
  { warn, now }: WatchOptions,
): () => T {
  let contents = parse(Buffer.alloc(0), () => {});
  let read: Stats | undefined;
  let lookedAt = Number.NEGATIVE_INFINITY;
  let trouble: string | undefined;
  let warned = new Set<string>();

  function look(): void {
    try {
      if (read !== undefined && isSame(read, statSync(path))) {
        trouble = undefined;
        return;
      }
      const { bytes, stats } = readRegular(path);
      contents = take(bytes);
      read = stats;
      trouble = undefined;
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      if (trouble === (code ?? message)) return;
      trouble = code ?? message;
      const meanwhile = read === undefined ? 'taken for empty until it can' : 'its last contents hold';
      warn(`${path}: cannot be read, ${meanwhile}: ${message}`);
    }
  }

  /** Warns of what is wrong now and was not at the last reading. */
  function take(bytes: Buffer): T {
    const wrong = new Set<string>();
    let told = 0;
    const taken = parse(bytes, (line, text, what) => {
      const problem = `"${text}" ${what}`;
      if (!warned.has(problem) && !wrong.has(problem) && ++told <= MOST_WARNINGS) {
        warn(`${path}:${line}: ${problem}; the line is left out`);
      }
      wrong.add(problem);
    });
    if (told > MOST_WARNINGS) warn(`${path}: ${told - MOST_WARNINGS} more lines are left out`);
    warned = wrong;
    return taken;
  }

  return () => {
    const time = now();
    if (Math.abs(time - lookedAt) >= LOOK_AGAIN) {
      lookedAt = time;
      look();
    }
    return contents;
  };
}

function isSame(a: Stats, b: Stats): boolean {
  return a.mtimeMs === b.mtimeMs && a.size === b.size && a.ino === b.ino && a.dev === b.dev;
}

/** Without ever waiting, as the reading of a pipe would. /dev/null is an empty list. */
function readRegular(path: string): { bytes: Buffer; stats: Stats } {
  const file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const stats = fstatSync(file);
    if (stats.isFile()) return { bytes: readFileSync(file), stats };
    if (path === '/dev/null') return { bytes: Buffer.alloc(0), stats };
    throw new Error(stats.isDirectory() ? 'it is a directory' : 'it is no regular file');
  } finally {
    closeSync(file);
  }
}
