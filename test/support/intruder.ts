// Another program of the filters' user, at the worst moment: as soon as a file of some name was opened, or made, a link to
// another file stands in its place.
import fs, { rmSync, symlinkSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { vi } from 'vitest';

type Call = 'openSync' | 'writeFileSync';

/** Once one of these was called for a name that ends in `end`, that is a link to `victim`. Undone by `vi.restoreAllMocks`. */
export function intrude(calls: readonly Call[], end: RegExp, victim: string): { done(): boolean } {
  let done = false;
  for (const call of calls) {
    const real = fs[call] as (...args: unknown[]) => unknown;
    vi.spyOn(fs, call).mockImplementation(((...args: unknown[]) => {
      const result = real(...args);
      const [name] = args;
      if (!done && typeof name === 'string' && end.test(name)) {
        done = true;
        rmSync(name);
        symlinkSync(victim, name);
      }
      return result;
    }) as never);
  }
  syncBuiltinESMExports();
  return { done: () => done };
}

/** To be called after each test. */
export function leave(): void {
  vi.restoreAllMocks();
  syncBuiltinESMExports();
}
