// npm run build, in a checkout whose path is not plain ASCII without spaces.
import { spawnSync } from 'node:child_process';
import { cpSync, readdirSync, symlinkSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { project } from './support/project.ts';
import { policyRequest } from './support/requests.ts';
import { testScratch } from './support/scratch.ts';

test('it builds in a directory with spaces and other letters, and nowhere else', () => {
  const scratch = testScratch();
  const checkout = path.join(scratch.path, 'a b ö%20');
  for (const part of ['src', 'bin', 'package.json'])
    cpSync(path.join(project, part), path.join(checkout, part), { recursive: true });
  symlinkSync(path.join(project, 'node_modules'), path.join(checkout, 'node_modules'));
  const run = (script: string, ...words: string[]) =>
    spawnSync(process.execPath, [script, ...words], {
      cwd: checkout,
      encoding: 'utf8',
      input: policyRequest(),
    });
  expect(run('src/build.mjs')).toMatchObject({ status: 0, stderr: '' });
  expect(readdirSync(scratch.path)).toEqual(['a b ö%20']);
  const { stdout } = run('bin/greylatch.js', '--db', path.join(checkout, 'greylist.mdb'));
  expect(stdout).toBe('action=defer_if_permit Service is unavailable\n\n');
});
