// Each in a process of its own, which V8 has not made anything of yet.
import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { buildSync } from 'esbuild';
import { expect, test } from 'vitest';
import { LONG, SOON } from '../../src/filter/v8.ts';
import { greylatch } from '../support/filter.ts';
import { project } from '../support/project.ts';
import { policyRequest } from '../support/requests.ts';
import { testScratch } from '../support/scratch.ts';

/** Bytes of the space for young objects once objects that survive have been made for a while, after so many requests. */
function youngSpaceAfter(requests: number): number {
  const { outputFiles } = buildSync({
    entryPoints: [path.join(project, 'src/filter/v8.ts')],
    bundle: true,
    platform: 'node',
    format: 'iife',
    globalName: 'v8',
    write: false,
  });
  const text = `${outputFiles[0]!.text}
    const limit = v8.newV8Limits();
    for (let i = 0; i < ${requests}; i++) limit();
    setTimeout(() => {
      const kept = [];
      for (let i = 0; i < 2e6; i++) kept[i % 20000] = { i };
      const spaces = require('node:v8').getHeapSpaceStatistics();
      console.log(spaces.find(({ space_name }) => space_name === 'new_space').space_size);
    }, 1);`;
  return Number(execFileSync(process.execPath, ['-e', text], { encoding: 'utf8' }));
}

test('the space for young objects stays small, where it would grow', () => {
  const small = youngSpaceAfter(SOON);
  expect(small).toBeLessThanOrEqual(2 * 1024 * 1024);
  expect(youngSpaceAfter(SOON - 1)).toBeGreaterThan(2 * small);
});

/** Functions that V8 has made faster code of in a session of so many requests. */
function optimisedIn(requests: number): number {
  const scratch = testScratch();
  const [node, ...words] = greylatch('--db', path.join(scratch.path, 'greylist.mdb'), '--log', 'none');
  const input = Array.from({ length: requests }, (_, i) =>
    policyRequest({ recipient: `${i % 50}@example.net` }),
  );
  const told = execFileSync(node!, ['--trace-opt', ...words], { input: input.join(''), encoding: 'utf8' });
  return told.match(/^\[completed (optimizing|compiling)/gm)?.length ?? 0;
}

test('V8 optimises in long sessions only', () => {
  expect(optimisedIn(LONG - 1)).toBeLessThan(10); // what the first bytes, which may hold many requests, let it begin
  expect(optimisedIn(4 * LONG)).toBeGreaterThan(20);
});
