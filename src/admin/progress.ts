// A bar for work that takes more than a second, drawn on a terminal only.

const WIDTH = 30;
const PATIENCE = 1000; // milliseconds before it is first drawn
const EVERY = 100; // milliseconds between two drawings

export interface Bar {
  /** `part` from 0 to 1. */
  show(part: number): void;
  /** Takes it off the screen. */
  end(): void;
}

export function newBar(what: string, clock: () => number = Date.now): Bar {
  if (!process.stderr.isTTY) return { show() {}, end() {} };
  const begun = clock();
  let next = begun + PATIENCE;
  let drawn = false;
  return {
    show(part) {
      if (clock() < next) return;
      next = clock() + EVERY;
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
