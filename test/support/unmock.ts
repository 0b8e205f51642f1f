// The end of what a test has mocked, also where a module of Node was imported by name.
import { syncBuiltinESMExports } from 'node:module';
import { vi } from 'vitest';

/** To be called after each test. */
export function unmock(): void {
  vi.restoreAllMocks();
  syncBuiltinESMExports();
}
