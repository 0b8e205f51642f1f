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
import { expect, test, vi } from 'vitest';
import { writeOut, writeWhole } from '../../src/admin/write.ts';
import { useScratch } from '../support/scratch.ts';

/** What is done to files, in order. */
let done: string[] = [];
vi.mock(import('node:fs'), async (original) => {
  const fs = await original();
  return {
    ...fs,
    fsyncSync: (fd) => {
      done.push(`fsync ${path.basename(fs.readlinkSync(`/proc/self/fd/${fd}`))}`);
      fs.fsyncSync(fd);
    },
    renameSync: (from, to) => {
      done.push(`rename ${path.basename(String(from))}`);
      fs.renameSync(from, to);
    },
  };
});

const scratch = useScratch('of each');

test('in the place of what was there, in UTF-8, and nothing is left beside it', () => {
  const file = path.join(scratch.path, 'report.html');
  writeFileSync(file, 'before');
  writeWhole(file, '█'.repeat(100_000));
  expect(readFileSync(file, 'utf8')).toBe('█'.repeat(100_000));
  expect(readdirSync(scratch.path)).toEqual(['report.html']);
});

test('it is on the disk before it takes that place: a power cut would leave an empty file', () => {
  done = [];
  writeWhole(path.join(scratch.path, 'greylatch.prom'), 'metrics');
  const beside = `greylatch.prom.${process.pid}.tmp`;
  expect(done).toEqual([`fsync ${beside}`, `rename ${beside}`]);
  expect(statSync(path.join(scratch.path, 'greylatch.prom')).mode & 0o777).toBe(0o644);
});

test('a file that somebody else has put where the new one is made stays, and is said', () => {
  const file = path.join(scratch.path, 'report.html');
  const beside = `${file}.${process.pid}.tmp`;
  writeFileSync(beside, 'not ours');
  expect(() => writeWhole(file, 'x')).toThrow(`cannot write ${file}: EEXIST`);
  expect(readFileSync(beside, 'utf8')).toBe('not ours');
  expect(readdirSync(scratch.path)).toEqual([path.basename(beside)]);
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

test('what leads to standard output is written to and stays, also where that is a file', () => {
  const file = path.join(scratch.path, 'redirected');
  const output = openSync(file, 'a');
  try {
    writeFileSync(output, 'before; ');
    writeOut(`/proc/self/fd/${output}`, 'metrics'); // as /dev/stdout, in whose place a file would be for everybody
    expect(readFileSync(file, 'utf8')).toBe('before; metrics');
  } finally {
    closeSync(output);
  }
});
