// A directory of its own for a test, closed to others (greylatch refuses world-writable places), gone afterwards.
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

export function makeScratch(prefix = 'greylatch-'): { path: string; remove(): void } {
  const directory = mkdtempSync(path.join(tmpdir(), prefix));
  chmodSync(directory, 0o700);
  return { path: directory, remove: () => rmSync(directory, { recursive: true, force: true }) };
}
