// What an administrator pastes says everywhere how the program is to be run, and says the same.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { ARGV } from '../../src/cli/service.ts';
import { project } from '../e2e/snippet.ts';

test.each(['README.md', 'master.cf.snippet'])('%s', (name) => {
  const text = readFileSync(path.join(project, name), 'utf8');
  const lines = text.match(/argv=\/usr\/bin\/node.*$/gm) ?? [];
  expect(lines.length).toBeGreaterThan(0);
  expect(new Set(lines)).toEqual(new Set([ARGV]));
});
