// A file that grows is read on from where it was read last.
import { appendFileSync, closeSync, openSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { MOST, newWaiting } from '../../../src/store/queue/waiting.ts';
import { makeRandom } from '../../support/random.ts';
import { useScratch } from '../../support/scratch.ts';

const scratch = useScratch('of each');
let file: string;
let fd: number;
beforeEach(() => {
  file = path.join(scratch.path, 'queue');
  writeFileSync(file, '');
  fd = openSync(file, 'r');
});
afterEach(() => closeSync(fd));

const noise = (size: number, seed: number) => Buffer.alloc(size, `${seed},`);

test('what is read is what the file holds, wherever it is read from and however it has grown', () => {
  const random = makeRandom(3);
  const waiting = newWaiting();
  let from = 0;
  for (let round = 0; round < 500; round++) {
    appendFileSync(file, noise(random.pick([0, 50, 50, 5000, 40_000]), round));
    const whole = readFileSync(file);
    if (random.chance(0.2)) from = random.pick([from, whole.length, random.below(whole.length + 1)]);
    from = Math.max(from, whole.length - MOST + 1);
    const got = waiting.read(fd, from);
    expect([round, from, got.equals(whole.subarray(from))]).toEqual([round, from, true]);
  }
});

test('of more than anybody looks through, as much as shows that', () => {
  writeFileSync(file, noise(4 * MOST, 1));
  const got = newWaiting().read(fd, 100);
  expect(got.length).toBeGreaterThanOrEqual(MOST);
  expect(got.length).toBeLessThan(2 * MOST - 100);
  expect(got.equals(readFileSync(file).subarray(100, 100 + got.length))).toBe(true);
});

test('what was read is not read again, until it is forgotten', () => {
  const waiting = newWaiting();
  writeFileSync(file, 'one');
  expect(waiting.read(fd, 0).toString()).toBe('one');
  truncateSync(file);
  writeFileSync(file, 'ten, and more');
  expect(waiting.read(fd, 0).toString()).toBe('one, and more');
  waiting.forget();
  expect(waiting.read(fd, 0).toString()).toBe('ten, and more');
});

test('after a storm the memory for it is given back, once nothing of it waits', () => {
  const waiting = newWaiting();
  writeFileSync(file, noise(300_000, 1));
  expect(waiting.read(fd, 100).buffer.byteLength).toBeGreaterThan(300_000 - 100);
  expect(waiting.read(fd, 200_000).buffer.byteLength).toBeGreaterThan(300_000 - 100);
  appendFileSync(file, 'more');
  expect(waiting.read(fd, 300_000).toString()).toBe('more');
  appendFileSync(file, ' and more');
  const after = waiting.read(fd, 300_004);
  expect(after.toString()).toBe(' and more');
  expect(after.buffer.byteLength).toBeLessThan(100_000);
});

test('where little waits at a time, the same little memory does, however much goes by', () => {
  const waiting = newWaiting();
  const { buffer } = waiting.read(fd, 0);
  let from = 0;
  for (let round = 0; round < 100; round++) {
    appendFileSync(file, noise(3000, round));
    const got = waiting.read(fd, from);
    expect(got.buffer).toBe(buffer);
    from += round % 10 === 0 ? got.length : got.length - 100;
  }
});
