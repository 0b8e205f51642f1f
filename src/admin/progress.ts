// A progress bar for work that takes more than a second, drawn only on a terminal.

const WIDTH = 30;
const PATIENCE = 1000; // milliseconds before it is first drawn
const EVERY = 100; // milliseconds between two drawings

/** Says how far the work is, from 0 to 1. */
type Show = (part: number) => void;

/** Runs `work` with a bar. */
export async function withBar<T>(what: string, work: (show: Show) => T | Promise<T>): Promise<T> {
  const bar = newBar(what);
  try {
    return await work(bar.show);
  } finally {
    bar.end();
  }
}

/** `end` takes it off the screen. */
export function newBar(what: string): { show: Show; end(): void } {
  // A dumb terminal would show the end of it as signs.
  if (!process.stderr.isTTY || process.env.TERM === 'dumb') return { show() {}, end() {} };
  const begun = Date.now();
  let next = begun + PATIENCE;
  let drawn = false;
  return {
    show(part) {
      if (Date.now() < next) return;
      next = Date.now() + EVERY;
      drawn = true;
      const full = Math.round(Math.min(1, part) * WIDTH);
      const bar = '#'.repeat(full) + '.'.repeat(WIDTH - full);
      process.stderr.write(`\r${what} [${bar}] ${Math.floor(part * 100)} %`);
    },
    end() {
      if (drawn) process.stderr.write('\r\x1b[K');
    },
  };
}
