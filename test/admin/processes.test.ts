// Command lines as /proc shows them, also of a process that has given itself another title.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, test } from 'vitest';
import { commandOf, processIds } from '../../src/admin/processes.ts';

test('its words, or the title that it has given itself; none of a process that has ended', async () => {
  const program = "process.title = 'another title'; console.log(); process.stdin.resume()";
  const titled = spawn(process.execPath, ['-e', program], { stdio: ['pipe', 'pipe', 'ignore'] });
  const plain = spawn('sleep', ['1235'], { stdio: 'ignore' });
  try {
    await once(titled.stdout, 'data');
    expect(commandOf(titled.pid!)).toEqual(['another title']);
    expect(commandOf(plain.pid!)).toEqual(['sleep', '1235']);
    expect(processIds()).toEqual(expect.arrayContaining([process.pid, titled.pid, plain.pid]));
  } finally {
    titled.kill();
    plain.kill();
  }
  await once(plain, 'exit');
  expect(commandOf(plain.pid!)).toEqual([]);
});
