// What an administrator pastes says everywhere how the program is to be run, and says the same.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { ARGV, NODE_FLAGS } from '../../src/cli/service.ts';
import { project } from '../support/project.ts';

test.each(['README.md', 'master.cf.snippet'])('%s', (name) => {
  const text = readFileSync(path.join(project, name), 'utf8');
  const lines = text.match(/argv=\/usr\/bin\/node.*$/gm) ?? [];
  expect(lines.length).toBeGreaterThan(0);
  expect(new Set(lines)).toEqual(new Set([ARGV]));
});

test('what is compiled when the package is installed is compiled for the same flags', () => {
  const text = readFileSync(path.join(project, 'bin/precompile.js'), 'utf8');
  const [, flags] = /^const FLAGS = (\[.*\]);$/m.exec(text)!;
  expect(JSON.parse(flags!.replaceAll("'", '"'))).toEqual(NODE_FLAGS);
});
