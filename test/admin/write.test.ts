// A page is written as a whole or not at all.
import { spawnSync } from 'node:child_process';
import {
  closeSync,
  constants,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { writeOut, writeWhole } from '../../src/admin/write.ts';
import { makeScratch } from '../support/scratch.ts';

let scratch: ReturnType<typeof makeScratch>;
beforeEach(() => {
  scratch = makeScratch();
});
afterEach(() => scratch.remove());

test('in the place of what was there, in UTF-8, and nothing is left beside it', () => {
  const file = path.join(scratch.path, 'report.html');
  writeFileSync(file, 'before');
  writeWhole(file, '█'.repeat(100_000));
  expect(readFileSync(file, 'utf8')).toBe('█'.repeat(100_000));
  expect(readdirSync(scratch.path)).toEqual(['report.html']);
});

test('what cannot be written is said, and leaves nothing', () => {
  const directory = path.join(scratch.path, 'taken');
  mkdirSync(directory);
  expect(() => writeWhole(directory, 'x')).toThrow(`cannot write ${directory}: `);
  expect(() => writeWhole(path.join(scratch.path, 'no', 'report.html'), 'x')).toThrow('cannot write');
  const within = path.join('/dev/null', 'report.html'); // where not even a trace of it can be looked for
  expect(() => writeWhole(within, 'x')).toThrow(`cannot write ${within}: E`);
  expect(readdirSync(scratch.path)).toEqual(['taken']);
});

test('a device or a pipe is written to, and stays what it is', () => {
  const pipe = path.join(scratch.path, 'pipe');
  expect(spawnSync('mkfifo', [pipe]).status).toBe(0);
  const reader = openSync(pipe, constants.O_RDWR);
  try {
    writeOut(pipe, 'metrics');
    expect(statSync(pipe).isFIFO()).toBe(true);
    const bytes = Buffer.alloc(20);
    expect(bytes.toString('utf8', 0, readSync(reader, bytes))).toBe('metrics');
  } finally {
    closeSync(reader);
  }
});
