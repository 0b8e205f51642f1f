// A package manager that shows a package nothing but its own dependencies (pnpm; npm's install-strategy=linked): LMDB's addon is
// a dependency of lmdb's, and not found from where greylatch's files lie.
import { execFileSync } from 'node:child_process';
import { cpSync, readFileSync, symlinkSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { greylatch, startFilter } from '../support/filter.ts';
import { project } from '../support/project.ts';
import { policyRequest } from '../support/requests.ts';
import { useScratch } from '../support/scratch.ts';

const scratch = useScratch('of all');

test('LMDB is found, and what is new gets into the database', async () => {
  const modules = path.join(scratch.path, 'node_modules');
  const place = path.join(modules, 'greylatch');
  for (const name of ['bin', 'dist'])
    cpSync(path.join(project, name), path.join(place, name), { recursive: true });
  symlinkSync(path.join(project, 'node_modules/lmdb'), path.join(modules, 'lmdb'));
  const database = path.join(scratch.path, 'greylist.mdb');
  const log = path.join(scratch.path, 'log');
  const words = [path.join(place, 'bin/greylatch.js'), '--db', database, '--log', `file:${log}`, '-v'];
  const filter = await startFilter([process.execPath, ...words]);
  expect(await filter.ask(policyRequest({ recipient: 'new@example.org' }))).toContain('defer_if_permit');
  expect((await filter.finish()).code).toBe(0);
  expect(readFileSync(log, 'utf8')).not.toContain('LMDB');
  const list = greylatch('list', '--db', database, '--json');
  expect(execFileSync(list[0]!, list.slice(1), { encoding: 'utf8' })).toContain('new@example.org');
});
