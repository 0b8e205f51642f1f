// A progress bar for work that takes more than a second, drawn only on a terminal.

const WIDTH = 30;
const PATIENCE = 1000; // milliseconds before it is first drawn
const EVERY = 100; // milliseconds between two drawings

export interface Bar {
  /** `part` from 0 to 1. */
  show(part: number): void;
  /** Takes it off the screen. */
  end(): void;
}

/** Runs `work` with a bar; `work` calls `show` with how far it is, from 0 to 1. */
export async function withBar<T>(what: string, work: (show: Bar['show']) => T | Promise<T>): Promise<T> {
  const bar = newBar(what);
  try {
    return await work(bar.show);
  } finally {
    bar.end();
  }
}

export function newBar(what: string): Bar {
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
