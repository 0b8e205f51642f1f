// A directory for a test, closed to others (greylatch refuses world-writable places), gone afterwards.
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeEach, onTestFinished } from 'vitest';

export interface Scratch {
  readonly path: string;
}

/** For those that remove it themselves: the benchmark, or where it is large and many follow. */
export function makeScratch(prefix = 'greylatch-'): Scratch & { remove(): void } {
  const directory = mkdtempSync(path.join(tmpdir(), prefix));
  chmodSync(directory, 0o700);
  return { path: directory, remove: () => rmSync(directory, { recursive: true, force: true }) };
}

/** One for all tests of a file or suite, there at once; or a new one for each, there before other hooks that come later. */
export function useScratch(whose: 'of all' | 'of each', prefix?: string): Scratch {
  if (whose === 'of all') {
    const scratch = makeScratch(prefix);
    afterAll(scratch.remove);
    return scratch;
  }
  const scratch = {} as ReturnType<typeof makeScratch>;
  beforeEach(() => void Object.assign(scratch, makeScratch(prefix)));
  afterEach(() => scratch.remove());
  return scratch;
}

/** One for the test that runs. */
export function testScratch(prefix?: string): Scratch {
  const scratch = makeScratch(prefix);
  onTestFinished(scratch.remove);
  return scratch;
}
