// What V8 has made of the program is used where it fits, and harms nobody where it does not.
import { execFileSync, spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readFileSync, rmdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { NODE_FLAGS } from '../../src/cli/service.ts';
import { SOON } from '../../src/filter/v8.ts';
import { copyFilter } from '../e2e/copy.ts';
import { startFilter } from '../support/filter.ts';
import { project } from '../support/project.ts';
import { deferred, policyRequest } from '../support/requests.ts';
import { useScratch } from '../support/scratch.ts';

const scratch = useScratch('of all');
let program: string;
let main: string;
let compiled: string;
let precompiler: string;

beforeAll(() => {
  program = copyFilter(path.join(scratch.path, 'greylatch'));
  main = path.join(path.dirname(program), '../dist/main.js');
  precompiler = path.join(path.dirname(program), 'precompile.js');
  precompile();
  compiled = `${main}-${process.version}-${process.arch}`;
});

function precompile(): void {
  execFileSync(process.execPath, [precompiler]);
}

/** Whether V8 takes it, with these flags. */
function isTaken(...flags: string[]): boolean {
  const text = `
    const twice = require('node:fs').readFileSync(${JSON.stringify(compiled)});
    const script = require(${JSON.stringify(program)}).compile(twice.subarray(0, twice.length / 2));
    process.stdout.write(String(script.cachedDataRejected));`;
  return execFileSync(process.execPath, [...flags, '-e', text], { encoding: 'utf8' }) === 'false';
}

function ask(): { stdout: string; status: number | null } {
  const db = path.join(scratch.path, 'greylist.mdb');
  rmSync(db, { force: true });
  const words = [...NODE_FLAGS, program, '--db', db, '--log', 'none'];
  const { stdout, status } = spawnSync(process.execPath, words, {
    encoding: 'utf8',
    input: policyRequest().repeat(3),
    timeout: 60_000,
  });
  return { stdout, status };
}

const answered = { stdout: `${deferred}\n\n`.repeat(3), status: 0 };

test('it is there, and V8 takes it with the flags of master.cf', () => {
  expect(isTaken(...NODE_FLAGS)).toBe(true);
  expect(ask()).toEqual(answered);
});

test.each<[string, (whole: Buffer) => Buffer]>([
  ['a bit in its first half', (whole) => flip(whole, whole.length >> 2)],
  ['many bits in its first half', (whole) => flipMany(whole.subarray(0, whole.length >> 1), whole)],
  ['a bit in its second half', (whole) => flip(whole, whole.length - 100)],
  ['cut off', (whole) => whole.subarray(0, whole.length - 1)],
  ['cut off in the middle', (whole) => whole.subarray(0, whole.length >> 1)],
  ['empty', () => Buffer.alloc(0)],
  ['zeros', (whole) => Buffer.alloc(whole.length)],
  ['text', () => Buffer.from('no code, no code, ')],
])('damaged, %s: the filter answers all the same', (_, harm) => {
  const whole = readFileSync(compiled);
  writeFileSync(compiled, harm(Buffer.from(whole)));
  expect(ask()).toEqual(answered);
  writeFileSync(compiled, whole);
});

function flip(bytes: Buffer, at: number): Buffer {
  bytes[at]! ^= 1;
  return bytes;
}

/** All behind the header, which says whose code it is: V8 would take it, and die of it. */
function flipMany(half: Buffer, whole: Buffer): Buffer {
  for (let at = 64; at < half.length; at += 61) half[at]! ^= 0x55;
  return whole;
}

test('none, or a directory in its place: the same; and it is made anew', () => {
  rmSync(compiled);
  expect(ask()).toEqual(answered);
  mkdirSync(compiled);
  expect(ask()).toEqual(answered);
  precompile();
  expect(isTaken(...NODE_FLAGS)).toBe(true);
});

test("whatever root's umask, filters of others may read it", () => {
  rmSync(compiled);
  execFileSync('sh', ['-c', 'umask 077; exec "$@"', 'sh', process.execPath, precompiler]);
  expect(statSync(compiled).mode).toBe(statSync(main).mode);
});

test('by hand, one is told that it cannot be made, and why; npm is not', () => {
  const inTheWay = `${compiled}.new`;
  mkdirSync(inTheWay);
  const run = (env: NodeJS.ProcessEnv) =>
    spawnSync(process.execPath, [precompiler], { encoding: 'utf8', env });
  const { npm_lifecycle_event: _, ...byHand } = process.env;
  expect(run(byHand)).toMatchObject({
    status: 1,
    stderr: expect.stringMatching(/^greylatch: cannot make .*EISDIR.*\n$/),
  });
  expect(run({ ...byHand, npm_lifecycle_event: 'postinstall' })).toMatchObject({ status: 0, stderr: '' });
  rmdirSync(inTheWay);
  precompile();
});

test('made by a filter that lives for long, it is taken all the same', async () => {
  rmSync(compiled);
  const db = path.join(scratch.path, 'greylist.mdb');
  const words = [...NODE_FLAGS, precompiler];
  const filter = await startFilter([process.execPath, ...words, '--db', db, '--log', 'none']);
  // What comes behind a reply has come when there are two more.
  for (let i = 0; i < SOON + 2; i++) await filter.ask(policyRequest());
  expect(await filter.finish()).toMatchObject({ code: 0 });
  expect(isTaken(...NODE_FLAGS)).toBe(true);
});

test('a package that is not built yet has nothing to compile', () => {
  const bare = path.join(scratch.path, 'bare/bin');
  mkdirSync(bare, { recursive: true });
  const file = path.join(bare, 'precompile.js');
  for (const name of ['precompile.js', 'greylatch.js'])
    copyFileSync(path.join(project, 'bin', name), path.join(bare, name));
  expect(spawnSync(process.execPath, [file], { encoding: 'utf8' })).toMatchObject({ status: 0, stderr: '' });
});
