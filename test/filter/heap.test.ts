// In a process of its own, whose space for young objects has not grown yet.
import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { buildSync } from 'esbuild';
import { expect, test } from 'vitest';
import { project } from '../support/project.ts';

/** How many bytes the space has in the end, once objects that survive have been made for a while. */
function sizeAfterLoad(before: string): number {
  const { outputFiles } = buildSync({
    entryPoints: [path.join(project, 'src/filter/heap.ts')],
    bundle: true,
    platform: 'node',
    format: 'iife',
    globalName: 'heap',
    write: false,
  });
  const text = `${outputFiles[0]!.text}
    ${before}
    const kept = [];
    for (let i = 0; i < 2e6; i++) kept[i % 20000] = { i };
    const spaces = require('node:v8').getHeapSpaceStatistics();
    console.log(spaces.find(({ space_name }) => space_name === 'new_space').space_size);`;
  return Number(execFileSync(process.execPath, ['-e', text], { encoding: 'utf8' }));
}

test('the space for young objects stays small, where it would grow', () => {
  const small = sizeAfterLoad('heap.keepYoungSmall();');
  expect(small).toBeLessThanOrEqual(2 * 1024 * 1024);
  expect(sizeAfterLoad('')).toBeGreaterThan(2 * small);
});
