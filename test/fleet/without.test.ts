// A filter or a command without --store has nothing of the fleet's: it runs where the bundles are missing.
import { spawnSync } from 'node:child_process';
import { cpSync, rmSync, symlinkSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { startFilter } from '../support/filter.ts';
import { project } from '../support/project.ts';
import { deferred, policyRequest } from '../support/requests.ts';
import { testScratch } from '../support/scratch.ts';

test('without --store neither the client nor the thread is loaded', async () => {
  const scratch = testScratch();
  const place = (name: string) => path.join(scratch.path, name);
  for (const name of ['bin', 'dist', 'package.json'])
    cpSync(path.join(project, name), place(name), { recursive: true });
  symlinkSync(path.join(project, 'node_modules'), place('node_modules'));
  for (const name of ['fleet.js', 'fleet-worker.js', 'fleet-admin.js']) rmSync(place(`dist/${name}`));
  const command = [process.execPath, place('bin/greylatch.js'), '--db', place('greylist.mdb')];
  const session = await startFilter(command);
  expect(await session.ask(policyRequest())).toBe(deferred);
  expect((await session.finish()).code).toBe(0);
  const shared = await startFilter([...command, '--store', 'redis://127.0.0.1:1']);
  expect((await shared.ended).code).not.toBe(0);
  const status = [place('bin/greylatch.js'), 'status', '--db', place('greylist.mdb')];
  expect(spawnSync(process.execPath, status).status).toBe(0);
  expect(spawnSync(process.execPath, [...status, '--store', 'redis://127.0.0.1:1']).status).not.toBe(0);
});
