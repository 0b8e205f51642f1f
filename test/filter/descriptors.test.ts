// What descriptors 0, 1 and 2 are taken for, in a process whose three are what spawn(8), a shell or nobody has made them; and
// that nothing but replies is written to Postfix's socket.
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { buildSync } from 'esbuild';
import { beforeAll, expect, test } from 'vitest';
import { greylatch, startFilter } from '../support/filter.ts';
import { project } from '../support/project.ts';
import { deferred, policyRequest } from '../support/requests.ts';
import { useScratch } from '../support/scratch.ts';

const scratch = useScratch('of all');
const program = path.join(scratch.path, 'look.cjs');
const found = path.join(scratch.path, 'found');

beforeAll(() => {
  const { outputFiles } = buildSync({
    entryPoints: [path.join(project, 'src/filter/descriptors.ts')],
    bundle: true,
    platform: 'node',
    format: 'iife',
    globalName: 'descriptors',
    write: false,
  });
  const look = `
    const { readlinkSync, writeFileSync, writeSync } = require('node:fs');
    const apart = descriptors.stderrIsApart();
    const oneSocket = descriptors.isOneSocket();
    if (!apart) descriptors.silenceStderr();
    if (!apart) writeSync(2, 'a stray word');
    const second = readlinkSync('/proc/self/fd/2');
    writeFileSync(${JSON.stringify(found)}, JSON.stringify({ apart, oneSocket, second }));`;
  writeFileSync(program, outputFiles[0]!.text + look);
});

/** What a process finds that spawn(8) has started, by way of a shell which redirects some of its descriptors. */
async function look(redirected: string) {
  writeFileSync(path.join(scratch.path, 'empty'), '');
  const shell = ['sh', '-c', `exec "$0" "$1" ${redirected}`, process.execPath, program];
  const { code, rest } = await (await startFilter(shell, { cwd: scratch.path })).finish();
  expect({ code, rest }).toEqual({ code: 0, rest: '' });
  return JSON.parse(readFileSync(found, 'utf8')) as { apart: boolean; oneSocket: boolean; second: string };
}

test('under spawn(8) all are one socket, of which standard error is taken away', async () => {
  expect(await look('')).toEqual({ apart: false, oneSocket: true, second: '/dev/null' });
});

test.each([
  ['a file of its own', '2>own'],
  ['a file of its own beside two others', '<empty >out 2>own'],
  ['one whose number on its device is that of another on another', '</proc 2</sys'],
  ['all that is left of the socket', '<empty >out'],
  ['a terminal, or another device', '2>/dev/full'],
  ['the terminal that the two others are, too', '</dev/full >/dev/full 2>/dev/full'],
])('standard error may be written to: %s', async (_, redirected) => {
  const { second, ...what } = await look(redirected);
  expect(what).toEqual({ apart: true, oneSocket: false });
  expect(second).not.toBe('/dev/null');
});

test.each([
  ['where requests come from', '>out'],
  ['where replies go', '<empty'],
  ['a file, where replies go, too', '<empty >out 2>&1'],
  ['a file that is all three', '0<>all >&0 2>&0'],
  ['the null device', '2>/dev/null'],
  ['closed', '2>&-'],
  ['closed, as all are', '<&- >&- 2>&-'],
])('standard error is nothing for messages: %s', async (_, redirected) => {
  expect(await look(redirected)).toEqual({ apart: false, oneSocket: false, second: '/dev/null' });
  expect(readFileSync(path.join(scratch.path, 'empty'), 'utf8')).toBe('');
  if (redirected.includes('out')) expect(readFileSync(path.join(scratch.path, 'out'), 'utf8')).toBe('');
});

test('what Node and C libraries write without asking does not reach Postfix', async () => {
  const noisy = path.join(scratch.path, 'noisy.cjs');
  writeFileSync(
    noisy,
    `const said = setInterval(() => {
      process.emitWarning('a stray word');
      require('node:fs').writeSync(2, 'another');
    }, 1).unref();
    process.on('exit', () => process._rawDebug('the last'));`,
  );
  const [node, ...words] = greylatch('--db', path.join(scratch.path, 'greylist.mdb'), '--log', 'none');
  const filter = await startFilter([node!, '--require', noisy, ...words]);
  for (let i = 0; i < 3; i++) expect(await filter.ask(policyRequest())).toBe(deferred);
  expect(await filter.finish()).toMatchObject({ code: 0, rest: '' });
});
