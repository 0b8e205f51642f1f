// The built filter, copied to where the user nobody can read it: a checkout may lie below a directory that only
// its owner may enter. Needs no network, unlike an npm install (which snippet.test.ts makes).
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { project } from '../support/project.ts';

/** Copies what `npm install --omit=dev` would leave there. Returns the path of the program. */
export function copyFilter(directory: string): string {
  const { packages } = JSON.parse(readFileSync(path.join(project, 'package-lock.json'), 'utf8')) as {
    packages: Record<string, { dev?: boolean }>;
  };
  const needed = Object.keys(packages).filter((place) => place !== '' && !packages[place]!.dev);
  mkdirSync(directory, { recursive: true });
  for (const place of ['bin', 'dist', 'package.json', ...needed]) {
    const from = path.join(project, place);
    // Packages for other platforms are in the lock file, but not here.
    if (existsSync(from)) cpSync(from, path.join(directory, place), { recursive: true });
  }
  execFileSync('chmod', ['-R', 'a+rX', directory]);
  return path.join(directory, 'bin/greylatch.js');
}
