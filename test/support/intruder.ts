// Another program of the filters' user, at the worst moment: when root has just opened a file, a link to another one stands
// in its place.
import fs, { rmSync, symlinkSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { vi } from 'vitest';

/** As soon as a file was opened or written by a name like that, the name is a link to `victim`. Undone by unmock(). */
export function intrude(end: RegExp, victim: string): { done(): boolean } {
  let done = false;
  for (const call of ['openSync', 'writeFileSync'] as const) {
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
