// What a host decides by itself is kept until the engine has it.
import {
  appendFileSync,
  chownSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { beforeEach, expect, test } from 'vitest';
import type { Decided } from '../../../src/store/fleet/decided.ts';
import {
  isLeft,
  isWaiting,
  note,
  read,
  remove,
  size,
  strike,
  take,
} from '../../../src/store/fleet/journal.ts';
import { suite } from '../../support/needs.ts';
import { useScratch } from '../../support/scratch.ts';

const scratch = useScratch('of each');
let journal: string;
beforeEach(() => {
  journal = path.join(scratch.path, 'db.fleet');
});

const decided = (n: number): Decided => ({
  client: `client-${n}`,
  sender: `${'\xe4'.repeat(n % 512)}@x`,
  recipient: '',
  firstSeen: 1_700_000_000 + n,
  passed: n % 2 === 0 ? 0 : 1_700_000_100 + n,
  comeBack: n % 4 === 1,
});
const all = (taken: string) => [...read(taken)].flat().map(({ decided }) => decided);

test('what was noted is read again, in order, however much; the first one is told that it is the first', () => {
  const many = Array.from({ length: 2000 }, (_, n) => decided(n));
  expect(many.map((one) => note(journal, one))).toEqual([false, ...Array(1999).fill(true)]);
  const taken = take(journal, Date.now())!;
  expect(isWaiting(journal)).toBe(false);
  expect(all(taken)).toEqual(many);
  remove(taken);
  expect(take(journal, Date.now())).toBeUndefined();
});

test('what a power cut has spoilt is passed over, and the rest is read', () => {
  for (let n = 0; n < 50; n++) note(journal, decided(n));
  const bytes = readFileSync(journal);
  bytes.fill(0, 300, 340);
  writeFileSync(journal, bytes.subarray(0, bytes.length - 5));
  appendFileSync(journal, Buffer.alloc(20));
  note(journal, decided(99));
  const found = all(take(journal, Date.now())!);
  expect(found.length).toBeGreaterThan(45);
  expect(found.at(-1)).toEqual(decided(99));
  for (const one of found) expect(one).toEqual(decided(Number(one.client.slice(7))));
});

test.each([0, 70_000])('what a full disk has cut off costs itself alone, %i bytes into it', (before) => {
  const readable: Decided[] = [];
  const noteThe = (n: number) => {
    readable.push(decided(n));
    note(journal, decided(n));
  };
  for (let n = 0; size(journal) < before; n++) noteThe(n);
  const whole = path.join(scratch.path, 'other');
  note(whole, decided(300));
  const bytes = readFileSync(whole);
  for (let cut = 1; cut < bytes.length; cut += 7) {
    appendFileSync(journal, bytes.subarray(0, cut));
    noteThe(1000 + cut);
  }
  expect(all(take(journal, Date.now())!)).toEqual(readable);
});

test('what a process took that is gone is taken again, but not from one that is at it', () => {
  note(journal, decided(1));
  renameSync(journal, `${journal}.1`);
  expect(take(journal, Date.now())).toBeUndefined();
  expect(isLeft(journal, Date.now())).toBe(false);
  utimesSync(`${journal}.1`, 1, 1);
  expect(isLeft(journal, Date.now())).toBe(true);
  const taken = take(journal, Date.now())!;
  expect(all(taken)).toEqual([decided(1)]);
  expect(existsSync(`${journal}.1`)).toBe(false);
  // Not finished: the same file the next time.
  note(journal, decided(2));
  expect(take(journal, Date.now())).toBe(taken);
});

test('what is struck out is not read again, and nothing else is lost', () => {
  const many = Array.from({ length: 2000 }, (_, n) => decided(n));
  for (const one of many) note(journal, one);
  const taken = take(journal, Date.now())!;
  for (const piece of read(taken))
    strike(
      taken,
      piece.filter(({ decided }) => decided.comeBack),
    );
  note(taken, decided(1));
  expect(all(taken)).toEqual([...many.filter(({ comeBack }) => !comeBack), decided(1)]);
  strike(`${taken}.gone`, []);
});

test('beyond its size nothing is noted, and who wants to is told', () => {
  note(journal, decided(1));
  truncateSync(journal, 64 * 2 ** 20 - 1);
  note(journal, decided(2));
  const before = size(journal);
  expect(before).toBeGreaterThan(64 * 2 ** 20);
  expect(() => note(journal, decided(3))).toThrow('it has 64 MB');
  expect(size(journal)).toBe(before);
});

test('what the engine does not have yet, in bytes, with what somebody is at', () => {
  expect(size(journal)).toBe(0);
  const nowhere = path.join(scratch.path, 'nowhere', 'db.fleet');
  expect(size(nowhere)).toBe(0);
  expect(take(nowhere, Date.now())).toBeUndefined();
  note(journal, decided(1));
  const one = size(journal);
  renameSync(journal, `${journal}.1`);
  expect(size(journal)).toBe(one);
  note(journal, decided(1));
  expect(size(journal)).toBe(2 * one);
  writeFileSync(`${journal}.bak`, 'x');
  expect(size(journal)).toBe(2 * one);
});

test('what can never be read is out of the way, and is told by the name that it has then', () => {
  mkdirSync(journal);
  expect(() => all(take(journal, Date.now())!)).toThrow(`cannot read ${journal}.unreadable: `);
  expect(existsSync(`${journal}.unreadable`)).toBe(true);
  note(journal, decided(1));
  expect(all(take(journal, Date.now())!)).toEqual([decided(1)]);
});

suite('by root', ['root'], () => {
  test('is for the owner of the directory: the user that the filters run as', () => {
    chownSync(scratch.path, 65534, 65534);
    note(journal, decided(1));
    expect(statSync(journal)).toMatchObject({ uid: 65534, gid: 65534 });
  });
});
