// The queue of new triples: what is in it is seen by all, and lost by nothing that happens to those who use it.
import fs, {
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  statSync,
  symlinkSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import path from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { Queue } from '../../../src/store/queue/contract.ts';
import { CLOSED, CONSUMED, MAX_ENTRY, writeEntry } from '../../../src/store/queue/format.ts';
import { newQueue } from '../../../src/store/queue/queue.ts';
import { queuePath } from '../../../src/store/queue/read.ts';
import { openFiles } from '../../support/files.ts';
import { intrude } from '../../support/intruder.ts';
import { nameStorer } from '../../support/queue.ts';
import { makeRandom } from '../../support/random.ts';
import { useScratch } from '../../support/scratch.ts';
import { unmock } from '../../support/unmock.ts';

const scratch = useScratch('of each');
let database: string;
let queues: Queue[];

beforeEach(() => {
  database = path.join(scratch.path, 'greylist.mdb');
  queues = [];
});
afterEach(() => {
  unmock();
  for (const queue of queues) queue.close();
});

function open(durable = false): Queue {
  const queue = newQueue(database, durable);
  queues.push(queue);
  return queue;
}

const find = (queue: Queue, name: string) => queue.find(Buffer.from(name, 'latin1'), name.length);
/** As a filter does: it looks first. Returns whether it is in the queue. */
function add(queue: Queue, name: string, now: number): boolean {
  return find(queue, name) === 0 && queue.add(Buffer.from(name, 'latin1'), name.length, now);
}
const taken = (queue: Queue) => Object.fromEntries(queue.take().firstSeen);

test('what one process has added another finds, until it is taken out', () => {
  const [one, other] = [open(), open()];
  expect(add(one, 'first', 1000)).toBe(true);
  expect(find(other, 'first')).toBe(1000);
  expect(find(other, 'firs')).toBe(0);
  expect(find(other, 'irst')).toBe(0);
  const take = other.take();
  expect(Object.fromEntries(take.firstSeen)).toEqual({ first: 1000 });
  expect(find(one, 'first')).toBe(1000); // the commit is still to come
  take.done();
  expect(find(one, 'first')).toBe(0);
  expect(taken(open())).toEqual({});
});

/** Calls that wait for the disk, from now on. */
function waitsForDisk(): string[] {
  const calls: string[] = [];
  const { fdatasyncSync, fsyncSync } = fs;
  vi.spyOn(fs, 'fdatasyncSync').mockImplementation((fd) => {
    calls.push('file');
    fdatasyncSync(fd);
  });
  vi.spyOn(fs, 'fsyncSync').mockImplementation((fd) => {
    calls.push(fs.fstatSync(fd).isDirectory() ? 'directory' : 'whole file');
    fsyncSync(fd);
  });
  syncBuiltinESMExports();
  return calls;
}

test('what is answered as being on the disk is there, whoever has added it; all else waits for no disk', () => {
  const calls = waitsForDisk();
  const durable = newQueue(database, true);
  queues.push(durable);
  const later = open();
  const told = (work: () => unknown) => {
    calls.length = 0;
    return [work(), ...calls];
  };
  expect(told(() => add(later, 'a', 1000))).toEqual([true]);
  expect(told(() => find(durable, 'a'))).toEqual([1000, 'directory', 'file']);
  expect(told(() => find(durable, 'a'))).toEqual([1000, 'file']); // whoever has added it may still be waiting
  expect(told(() => find(later, 'a'))).toEqual([1000]);
  expect(told(() => find(durable, 'b'))).toEqual([0]);
  expect(told(() => add(durable, 'b', 1000))).toEqual([true, 'file']);
  expect([later.take().durable, durable.take().durable]).toEqual([true, true]);
});

test('what is left to another process is on the disk, and so is its name', () => {
  const queue = open();
  add(queue, 'a', 1000);
  nameStorer(database, process.ppid);
  const calls = waitsForDisk();
  expect(queue.leave()).toBe(true);
  expect(calls).toEqual(['file', 'directory']);
});

test('of two processes that add the same triple, the earliest sight counts', () => {
  const [one, other] = [open(), open()];
  const name = Buffer.from('same');
  expect([find(one, 'same'), find(other, 'same')]).toEqual([0, 0]);
  expect(one.add(name, 4, 1001)).toBe(true);
  expect(other.add(name, 4, 1000)).toBe(true);
  expect(find(one, 'same')).toBe(1000);
  expect(taken(one)).toEqual({ same: 1000 });
});

test('what is taken and not committed is taken again', () => {
  const [one, other] = [open(), open()];
  add(one, 'a', 1000);
  one.take(); // and killed
  add(other, 'b', 1001);
  expect(taken(other)).toEqual({ a: 1000, b: 1001 });
});

test('what another process has taken out is not taken once more by the one that has added it: it may be forgotten', () => {
  const [one, other] = [open(), open()];
  add(one, 'a', 1000);
  other.take().done();
  add(one, 'b', 1001);
  expect(taken(one)).toEqual({ b: 1001 });
});

test('what this process has added waits until it is taken out, counted anew with each that is, or is about to be', () => {
  const [one, other] = [open(), open()];
  const uptime = vi.spyOn(process, 'uptime').mockReturnValue(10);
  expect(one.waited()).toBeUndefined();
  add(other, 'a', 1000);
  add(one, 'b', 1000);
  uptime.mockReturnValue(10.5);
  add(one, 'c', 1000);
  expect([one.waited(), other.waited()]).toEqual([500, 500]);
  other.claim();
  expect([one.waited(), one.storer()]).toEqual([0, 'this']); // as far as process numbers tell
  uptime.mockReturnValue(10.75);
  expect(one.waited()).toBe(250);
  const take = other.take();
  add(one, 'd', 1000);
  take.done();
  uptime.mockReturnValue(11);
  expect(one.waited()).toBe(0);
  uptime.mockReturnValue(11.25);
  expect([one.waited(), other.waited()]).toEqual([250, undefined]);
  other.take().done();
  expect(one.waited()).toBeUndefined();
});

test('at its end a process leaves what it has added to one that lives and was just seen to take something out', () => {
  const queue = open();
  const uptime = vi.spyOn(process, 'uptime').mockReturnValue(10);
  add(queue, 'a', 1000);
  expect([queue.storer(), queue.leave()]).toEqual(['none', false]);
  nameStorer(database, process.ppid);
  expect([queue.leave(), queue.storer()]).toEqual([true, 'another']);
  expect(taken(open())).toEqual({ a: 1000 });
  uptime.mockReturnValue(69);
  expect(queue.leave()).toBe(true);
  uptime.mockReturnValue(71);
  expect(queue.leave()).toBe(false);
  nameStorer(database, process.pid);
  expect([queue.leave(), queue.storer()]).toEqual([false, 'this']);
  nameStorer(database, 4_194_305); // there can be no such process
  expect([queue.leave(), queue.storer()]).toEqual([false, 'none']);
});

test('what it has added is not left to one of which it saw nothing but that it stored once', () => {
  const before = open();
  add(before, 'a', 1000);
  before.take().done();
  nameStorer(database, process.ppid);
  const queue = open();
  add(queue, 'b', 1000);
  expect([queue.storer(), queue.leave()]).toEqual(['another', false]);
});

test('what was written in part, as onto a full disk, is not taken for added, and what comes after it is found', () => {
  const queue = open();
  add(queue, 'a', 1000);
  const { writeSync } = fs;
  const write = vi
    .spyOn(fs, 'writeSync')
    .mockImplementation(((fd: number, bytes: Buffer) => writeSync(fd, bytes, 0, 5)) as typeof writeSync);
  syncBuiltinESMExports();
  expect(add(queue, 'b', 1000)).toBe(false);
  write.mockRestore();
  syncBuiltinESMExports();
  expect(add(queue, 'c', 1000)).toBe(true);
  expect(find(open(), 'c')).toBe(1000);
  expect(taken(open())).toEqual({ a: 1000, c: 1000 });
});

test('what it has added is not left where that is very much, nor in a file that others do not find', () => {
  const [queue, other] = [open(), open()];
  const leaves = () => {
    nameStorer(database, process.ppid);
    return queue.leave();
  };
  for (const name of LONG.slice(0, 2500)) add(queue, name, 1000);
  expect(leaves()).toBe(true);
  for (const name of LONG) add(queue, `${name}.`, 1000);
  expect(leaves()).toBe(false);
  other.take().done();
  add(queue, 'a', 1000);
  expect(leaves()).toBe(true);
  unlinkSync(queuePath(database));
  expect(queue.leave()).toBe(false);
});

test('who looks knows whether something may have been taken out since its last look', () => {
  const [one, other] = [open(), open()];
  const moved = () => [find(one, 'x'), one.hasMoved(), one.size()];
  expect(one.hasMoved()).toBe(true); // it has not looked yet
  expect(moved()).toEqual([0, true, 0]);
  add(other, 'a', 1000);
  const size = statSync(queuePath(database)).size - 16;
  expect([moved(), moved()]).toEqual([
    [0, true, size],
    [0, false, size],
  ]);
  other.take().done();
  add(other, 'a', 1000);
  expect([moved(), moved()]).toEqual([
    [0, true, size],
    [0, false, size],
  ]);
  fill(other);
  other.take().done(); // into a new file
  add(other, 'a', 1000);
  expect([moved(), moved()]).toEqual([
    [0, true, size],
    [0, false, size],
  ]);
  // Another file that begins as this one does.
  unlinkSync(queuePath(database));
  writeFileSync(`${database}-other`, ''); // or the next file may get the same inode
  one.take();
  add(open(), 'a', 1000);
  expect([moved(), moved()]).toEqual([
    [0, true, size],
    [0, false, size],
  ]);
  add(one, 'b', 1000);
  add(open(), 'c', 1000);
  expect([one.waited() !== undefined, one.size()]).toEqual([true, 3 * size]);
  one.close();
  unlinkSync(queuePath(database));
  expect([one.waited() !== undefined, one.size()]).toEqual([true, 0]);
  expect(moved()).toEqual([0, true, 0]);
});

test('a file that is gone is not used once more, also where nothing waits in it', () => {
  const uptime = vi.spyOn(process, 'uptime').mockReturnValue(10);
  const queue = open();
  add(queue, 'a', 1000);
  queue.take().done();
  unlinkSync(queuePath(database));
  expect(find(queue, 'b')).toBe(0); // it looks ten times a second
  uptime.mockReturnValue(10.1);
  expect([find(queue, 'b'), find(queue, 'b')]).toEqual([-1, 0]);
});

test('where there is trouble with the file it is left alone for a second', () => {
  const uptime = vi.spyOn(process, 'uptime').mockReturnValue(10);
  const queue = open();
  mkdirSync(queuePath(database));
  const look = () => [find(queue, 'a'), queue.hasMoved(), queue.size()];
  expect(look()).toEqual([-1, true, 0]);
  rmdirSync(queuePath(database));
  add(open(), 'a', 1000);
  uptime.mockReturnValue(10.999);
  expect(look()).toEqual([-1, true, 0]);
  uptime.mockReturnValue(11);
  expect(find(queue, 'a')).toBe(1000);
});

test('who was stopped before it could say what it has taken out does not bring back what another one has taken out since', () => {
  const [one, other] = [open(), open()];
  add(one, 'first', 1000);
  const stopped = one.take();
  add(other, 'second', 1001);
  other.take().done();
  stopped.done();
  expect([find(one, 'first'), find(one, 'second'), taken(other)]).toEqual([0, 0, {}]);
});

test('a long file is replaced, whoever is adding meanwhile, and nothing is lost', () => {
  const random = makeRandom(1);
  const all = Array.from({ length: 4 }, open);
  const stored = new Map<string, number>();
  const waiting = new Set<number>();
  let longest = 0;
  const take = (done: boolean) => {
    const taken = random.pick(all).take();
    for (const [key, seen] of taken.firstSeen) stored.set(key, Math.min(stored.get(key) ?? seen, seen));
    if (done) {
      taken.done();
      waiting.clear();
    }
    longest = Math.max(longest, statSync(queuePath(database)).size);
  };
  // Some as the keys of an IPv4 address begin, where another part of the key is looked for first.
  const name = (n: number) =>
    `${n % 3 === 0 ? '\x04\x0a\0\0' : 't'}${String.fromCharCode(n % 7)}riple-${n}@${'x'.repeat(n % 31)}`;
  for (let n = 0; n < 20_000; n++) {
    expect(add(random.pick(all), name(n), n + 1)).toBe(true);
    waiting.add(n);
    if (random.chance(0.01)) take(random.chance(0.9));
    const before = Math.max(0, n - random.below(300));
    const seen = waiting.has(before) ? before + 1 : 0;
    expect([n, before, find(random.pick(all), name(before))]).toEqual([n, before, seen]);
  }
  take(true);
  expect(stored.size).toBe(20_000);
  expect([...stored].every(([key, seen]) => key === name(seen - 1))).toBe(true);
  expect(longest).toBeLessThan(200 * 1024);
  // What another process has put into the database, out of a file that has taken the place of ours, is no longer ours to store.
  expect(all.map((queue) => queue.waited())).toEqual([undefined, undefined, undefined, undefined]);
});

const LONG = Array.from({ length: 3000 }, (_, n) => `triple-${n}@${'x'.repeat(40)}`);
/** A file long enough to be replaced, of which nothing waits. */
function fill(queue: Queue): void {
  for (const name of LONG) add(queue, name, 1);
  queue.take().done();
}

test('what waits in a long file goes along to the new one, and who has added it finds it there', () => {
  const [one, other, third] = [open(), open(), open()];
  fill(one);
  add(one, 'a', 1000);
  const before = statSync(queuePath(database));
  const take = other.take();
  expect(Object.fromEntries(take.firstSeen)).toEqual({ a: 1000 });
  const after = statSync(queuePath(database));
  expect(after.ino).not.toBe(before.ino);
  expect(after.size).toBeLessThan(100);
  expect(find(third, 'a')).toBe(1000);
  expect(one.waited()).toBeGreaterThanOrEqual(0);
  take.done();
  expect(find(third, 'a')).toBe(0);
  expect(one.waited()).toBeUndefined();
  expect(one.storer()).toBe('this');
});

test.each([
  ['is on the disk before it does, where it was answered as being there', true, ['fsync', 'rename']],
  ['need not be there, where nobody was told that', false, ['rename']],
])('what goes along to a new file %s', (_, durable, steps) => {
  const [one, other] = [open(durable), open()];
  fill(other);
  add(one, 'a', 1000);
  const done: string[] = [];
  const { fsyncSync, renameSync } = fs;
  vi.spyOn(fs, 'fsyncSync').mockImplementation((fd) => {
    done.push('fsync');
    fsyncSync(fd);
  });
  vi.spyOn(fs, 'renameSync').mockImplementation((from, to) => {
    done.push('rename');
    renameSync(from, to);
  });
  syncBuiltinESMExports();
  expect(taken(other)).toEqual({ a: 1000 });
  expect(done).toEqual(steps);
});

test('what went along to a new file and could not be committed is not ours any more once another one has stored it', () => {
  const [one, other] = [open(), open()];
  fill(one);
  add(one, 'a', 1000);
  one.take(); // and no more
  other.take().done();
  expect(one.waited()).toBeUndefined();
  expect(taken(one)).toEqual({});
});

test('what comes while all that waits in a long file is copied to the new one goes along', () => {
  const [one, other] = [open(), open()];
  fill(one);
  add(one, 'a', 1000);
  const { writeSync } = fs;
  let late: boolean | undefined;
  vi.spyOn(fs, 'writeSync').mockImplementation(((...write: Parameters<typeof writeSync>) => {
    // The first thing written by hand is that the old file is closed.
    if (late === undefined) {
      late = false;
      late = add(one, 'late', 1001);
    }
    return writeSync(...write);
  }) as typeof writeSync);
  syncBuiltinESMExports();
  expect(taken(other)).toEqual({ a: 1000, late: 1001 });
  expect(late).toBe(true);
});

test('a process that had looked before the file was replaced adds to the new one', () => {
  const [one, other] = [open(), open()];
  fill(one);
  expect(find(one, 'a')).toBe(0);
  other.take().done();
  expect(one.add(Buffer.from('a'), 1, 1000)).toBe(true);
  expect(taken(other)).toEqual({ a: 1000 });
});

test('a file whose replacement was killed half way is taken as a whole, and a new one begun', () => {
  const [one, other] = [open(), open()];
  add(one, 'a', 1000);
  const bytes = readFileSync(queuePath(database));
  bytes.writeUInt32LE(12345, 4);
  writeFileSync(queuePath(database), bytes);
  expect(find(other, 'a')).toBe(-1);
  const take = other.take();
  expect(Object.fromEntries(take.firstSeen)).toEqual({ a: 1000 });
  take.done();
  expect(taken(other)).toEqual({});
  expect(add(other, 'b', 1001)).toBe(true);
  expect(taken(one)).toEqual({ a: 1000, b: 1001 }); // ours, for all that this process knows
});

test('a file that was away for a moment, and is the one that all use again, is taken as a whole', () => {
  const uptime = vi.spyOn(process, 'uptime').mockReturnValue(10);
  const [one, other] = [open(), open()];
  add(one, 'a', 1000);
  add(other, 'b', 1000);
  renameSync(queuePath(database), `${database}-away`);
  uptime.mockReturnValue(11);
  expect(add(one, 'c', 1000)).toBe(false); // nobody else would find it
  renameSync(`${database}-away`, queuePath(database));
  expect(taken(one)).toEqual({ a: 1000, b: 1000, c: 1000 });
});

test('who finds the file closed waits some milliseconds for the one that takes its place', () => {
  const next = `${database}-next`;
  const waits: number[] = [];
  let meanwhile = () => {};
  vi.spyOn(Atomics, 'wait').mockImplementation((_, __, ___, ms) => {
    if (waits.push(ms!) === 3) meanwhile();
    return 'timed-out';
  });
  const look = (work: () => void) => {
    fs.rmSync(queuePath(database), { force: true });
    add(open(), 'a', 1000);
    writeFileSync(next, readFileSync(queuePath(database)));
    const bytes = readFileSync(queuePath(database));
    bytes.writeUInt32LE(statSync(next).ino, 4 * CLOSED);
    writeFileSync(queuePath(database), bytes);
    waits.length = 0;
    meanwhile = work;
    return find(open(), 'a');
  };
  expect(look(() => renameSync(next, queuePath(database)))).toBe(1000);
  expect([waits.length, Math.min(...waits) > 0]).toEqual([3, true]);
  expect(look(() => unlinkSync(queuePath(database)))).toBe(0);
  expect(look(() => {})).toBe(-1);
  expect([waits.length > 3, waits.reduce((sum, ms) => sum + ms) < 20]).toEqual([true, true]);
});

test('a removed file, after one that was replaced: what this process has added is not lost', () => {
  const [one, other] = [open(), open()];
  fill(one);
  add(one, 'a', 1000);
  other.take();
  unlinkSync(queuePath(database));
  writeFileSync(`${database}-other`, ''); // or the next file may get the same inode
  add(open(), 'b', 1001);
  for (let looks = 0; looks < 2; looks++) expect(one.waited()).toBeGreaterThanOrEqual(0);
  const take = one.take();
  expect(Object.fromEntries(take.firstSeen)).toEqual({ a: 1000, b: 1001 });
  take.done();
  expect(one.waited()).toBeUndefined();
  // From then on it sees again what others take out.
  add(one, 'c', 1002);
  expect(one.waited()).toBeGreaterThanOrEqual(0);
  other.take().done();
  expect(one.waited()).toBeUndefined();
});

test('however much waits in a long file, all of it goes along', () => {
  const [one, other] = [open(), open()];
  fill(one);
  const names = Array.from({ length: 12_000 }, (_, n) => `waiting-${n}@${'x'.repeat(40)}`);
  for (const name of names) expect(one.add(Buffer.from(name), name.length, 1000)).toBe(true);
  expect(statSync(queuePath(database)).size).toBeGreaterThan(700 * 1024);
  expect(find(one, 'x')).toBe(-1); // so much is not searched
  const found = new Set<string>();
  for (let takes = 0; takes < 3; takes++) {
    const take = other.take();
    for (const name of take.firstSeen.keys()) found.add(name);
    take.done();
    one.waited(); // who looks into each file knows what has gone along
  }
  expect(names.filter((name) => !found.has(name))).toEqual([]);
  expect(found.size).toBe(names.length);
  expect(statSync(queuePath(database)).size).toBe(16);
  expect(one.waited()).toBeUndefined();
});

test("a long file that cannot be replaced is used as it is; a file that one left that was killed is in nobody's way", () => {
  const [one, other] = [open(), open()];
  fill(one);
  const aside = `${queuePath(database)}.tmp-${process.pid}`;
  mkdirSync(aside);
  const before = statSync(queuePath(database)).ino;
  for (const name of ['a', 'b']) {
    add(one, name, 1000);
    const take = other.take();
    expect(Object.fromEntries(take.firstSeen)).toEqual({ [name]: 1000 });
    take.done();
    expect(find(one, name)).toBe(0);
  }
  expect(statSync(queuePath(database)).ino).toBe(before);
  rmdirSync(aside);
  writeFileSync(aside, 'half a file');
  add(one, 'c', 1000);
  expect(taken(other)).toEqual({ c: 1000 });
  expect(statSync(queuePath(database)).ino).not.toBe(before);
  expect(existsSync(aside)).toBe(false);
});

test('a link that takes the new file’s place while a long one is copied leads to no other file', () => {
  const [one, other] = [open(), open()];
  fill(one);
  add(one, 'a', 1000);
  const victim = path.join(scratch.path, 'roots');
  writeFileSync(victim, 'of root');
  const intruder = intrude(/-queue\.tmp-\d+$/, victim);
  other.take().done();
  expect(intruder.done()).toBe(true);
  expect(readFileSync(victim, 'utf8')).toBe('of root');
});

test.each([
  ['removed', (file: string) => unlinkSync(file)],
  ['renamed', (file: string) => renameSync(file, `${file}.old`)],
])('a file that is %s: what this process has added is not lost, and as durable as it was', (_, harm) => {
  const queue = open();
  add(queue, 'a', 1000);
  harm(queuePath(database));
  expect(queue.waited()).toBeGreaterThanOrEqual(0);
  expect(taken(queue)).toEqual({ a: 1000 });
  const durable = open(true);
  expect(durable.take().durable).toBe(false);
  add(durable, 'b', 1000);
  harm(queuePath(database));
  expect(durable.take()).toMatchObject({ firstSeen: new Map([['b', 1000]]), durable: true });
});

test.each([
  ['emptied', (file: string) => truncateSync(file)],
  ['overwritten', (file: string) => writeFileSync(file, 'This is no queue.\n'.repeat(100))],
])('a file that is %s is replaced', (_, harm) => {
  const [one, other] = [open(), open()];
  add(one, 'a', 1000);
  harm(queuePath(database));
  expect(find(other, 'b')).toBe(-1);
  expect(taken(other)).toEqual({});
  expect(add(other, 'b', 1001)).toBe(true);
  expect(taken(one)).toEqual({ a: 1000, b: 1001 });
});

test('torn entries are passed over, and the sound ones found', () => {
  const queue = open();
  for (const name of ['first', 'second', 'third']) add(queue, name, 1000);
  const bytes = readFileSync(queuePath(database));
  bytes[bytes.indexOf('second') + 2] = 0;
  writeFileSync(queuePath(database), Buffer.concat([bytes.subarray(0, -2), Buffer.alloc(40)]));
  const after = open();
  add(after, 'fourth', 1001);
  expect(find(after, 'fourth')).toBe(1001);
  expect(taken(open())).toEqual({ first: 1000, fourth: 1001 });
  expect(find(after, 'third')).toBe(0);
});

test('an entry that was seen half written is taken out whole', () => {
  const [one, other] = [open(), open()];
  add(one, 'first', 1000);
  const bytes = readFileSync(queuePath(database));
  writeFileSync(queuePath(database), Buffer.concat([bytes.subarray(0, -3), Buffer.alloc(3)]));
  expect(find(other, 'first')).toBe(0);
  writeFileSync(queuePath(database), bytes);
  expect(taken(other)).toEqual({ first: 1000 });
});

test('an entry that is half there when all before it is taken out is taken when it is whole', () => {
  const queue = open();
  for (const name of ['first', 'second']) add(queue, name, 1000);
  const bytes = readFileSync(queuePath(database));
  truncateSync(queuePath(database), bytes.length - 3);
  const take = open().take();
  expect(Object.fromEntries(take.firstSeen)).toEqual({ first: 1000 });
  take.done();
  fs.appendFileSync(queuePath(database), bytes.subarray(-3));
  expect(taken(open())).toEqual({ second: 1000 });
});

test('what was taken out is not marked as such in another file, which has taken its place since', () => {
  const queue = open();
  add(queue, 'a', 1000);
  const take = queue.take();
  unlinkSync(queuePath(database));
  writeFileSync(`${database}-other`, ''); // or the next file may get the same inode
  add(open(), 'b', 1000);
  take.done();
  expect(taken(open())).toEqual({ b: 1000 });
});

test.each([0.05, 1])(
  'after a power cut that has left a header which speaks of more than there is, what is there is taken, once (%d s)',
  (up) => {
    add(open(), 'a', 1000);
    const bytes = readFileSync(queuePath(database));
    bytes.writeUInt32LE(bytes.length + 1, 4 * CONSUMED);
    writeFileSync(queuePath(database), bytes);
    vi.spyOn(process, 'uptime').mockReturnValue(up); // the first request comes soon after the start
    const queue = open();
    expect(add(queue, 'b', 1001)).toBe(false); // it would be taken for stored already
    const take = queue.take();
    expect(Object.fromEntries(take.firstSeen)).toEqual({ a: 1000 });
    take.done();
    expect(taken(open())).toEqual({});
    expect(add(queue, 'b', 1001)).toBe(true);
    expect(taken(open())).toEqual({ b: 1001 });
  },
);

test('of a file that another one has taken the place of, nothing is found in that one, and nothing stays open', () => {
  const uptime = vi.spyOn(process, 'uptime').mockReturnValue(10);
  const one = open();
  add(one, 'old', 1000);
  expect(find(one, 'old')).toBe(1000);
  unlinkSync(queuePath(database));
  writeFileSync(`${database}-other`, ''); // or the next file may get the same inode
  add(open(), 'new', 1000);
  uptime.mockReturnValue(11);
  expect(add(one, 'more', 1000)).toBe(false);
  expect(['old', 'new'].map((name) => find(one, name))).toEqual([0, 1000]);
  for (const queue of queues.splice(0)) {
    queue.take().done();
    queue.close();
  }
  expect(openFiles().filter((name) => name.startsWith(database))).toEqual([]);
});

test.each([
  ['a directory', (file: string) => mkdirSync(file)],
  ['a link', (file: string) => symlinkSync('/nonexistent/file', file)],
])('%s in its place is left alone, and nothing is queued', (_, harm) => {
  harm(queuePath(database));
  const queue = open();
  expect(find(queue, 'a')).toBe(-1);
  expect(taken(queue)).toEqual({});
});

test('a key that has the bytes of an entry in it is that key, and no entry', () => {
  const [one, other] = [open(), open()];
  const entry = Buffer.alloc(MAX_ENTRY);
  const forged = Buffer.from('\x04\xc0\x00\x02\x01somebody else', 'latin1');
  const size = writeEntry(entry, forged, forged.length, 1000, false);
  const carrier = `\x04\xcb\x00\x71\x09x${entry.toString('latin1', 0, size)}y`;
  expect(add(one, carrier, 2000)).toBe(true);
  expect(find(other, forged.toString('latin1'))).toBe(0);
  expect(find(other, carrier)).toBe(2000);
  expect(taken(one)).toEqual({ [carrier]: 2000 });
});

test.each([
  [false, false],
  [true, true],
])(
  'what has to be on the disk when it is answered (%j) has to be there when it is taken out',
  (durable, wanted) => {
    const one = newQueue(database, durable);
    queues.push(one);
    add(open(), 'from a filter that does not wait for the disk', 1000);
    expect(add(one, 'another', 1000)).toBe(true);
    expect(open().take()).toMatchObject({ durable: wanted });
  },
);
