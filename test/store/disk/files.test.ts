// Files that others find whole or not at all: what is in their place, whose they are, and that nothing is left beside.
import {
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { makeWhole, nameAside, removeLitter, syncPath, withAside } from '../../../src/store/disk/files.ts';
import { intrude } from '../../support/intruder.ts';
import { suite } from '../../support/needs.ts';
import { useScratch } from '../../support/scratch.ts';
import { unmock } from '../../support/unmock.ts';

const scratch = useScratch('of each');
const place = () => path.join(scratch.path, 'file');
const names = () => readdirSync(scratch.path);
afterEach(unmock);

test('a file is made for its owner alone, and one that is there stays as it is', () => {
  makeWhole(place(), Buffer.from('first'));
  expect(readFileSync(place(), 'utf8')).toBe('first');
  expect(statSync(place()).mode & 0o777).toBe(0o600);
  makeWhole(place(), Buffer.from('second'));
  expect(readFileSync(place(), 'utf8')).toBe('first');
  expect(names()).toEqual(['file']);
});

test('what the file system refuses is thrown', () => {
  expect(() => makeWhole(path.join(scratch.path, 'none/file'), Buffer.from('x'))).toThrow('ENOENT');
});

test('a file made aside is whole when it is worked with, and gone afterwards unless it was put in its place', () => {
  withAside(place(), Buffer.from('new'), (aside) => {
    expect(path.dirname(aside)).toBe(scratch.path);
    expect(readFileSync(aside, 'utf8')).toBe('new');
    expect(existsSync(place())).toBe(false);
  });
  expect(names()).toEqual([]);
  withAside(place(), Buffer.from('new'), (aside) => renameSync(aside, place()));
  expect(names()).toEqual(['file']);
  const fails = () =>
    withAside(place(), Buffer.from('newer'), () => {
      throw new Error('no luck');
    });
  expect(fails).toThrow('no luck');
  expect(names()).toEqual(['file']);
  expect(readFileSync(place(), 'utf8')).toBe('new');
});

test('what one that was killed has left aside is in nobody’s way', () => {
  let name = '';
  withAside(place(), Buffer.from('x'), (aside) => {
    name = aside;
  });
  writeFileSync(name, 'of another process, which had this number');
  makeWhole(place(), Buffer.from('ours'));
  expect(readFileSync(place(), 'utf8')).toBe('ours');
  expect(names()).toEqual(['file']);
});

test('what others have left aside who were killed is cleared away, and not what they are about to put in place', () => {
  const [gone, living, other] = [2 ** 30, process.ppid, 'old'].map((end) => `${place()}.tmp-${end}`);
  for (const name of [gone, living, other]) writeFileSync(name!, '');
  makeWhole(place(), Buffer.from('ours'));
  expect([gone, living, other].map((name) => existsSync(name!))).toEqual([false, true, true]);
});

test('an administrator’s own copies stay, by whatever number or day they are called', () => {
  const copies = ['1', '2026', '20261130', `${2 ** 30}`, `new-${2 ** 30}.gz`].map(
    (end) => `${place()}.${end}`,
  );
  for (const name of copies) writeFileSync(name, '');
  removeLitter(place());
  makeWhole(place(), Buffer.from('ours'));
  expect(copies.map((name) => existsSync(name))).toEqual(copies.map(() => true));
});

test('a directory of such a name, which cannot be cleared away, is in nobody’s way', () => {
  mkdirSync(`${place()}.tmp-${2 ** 30}`);
  makeWhole(place(), Buffer.from('ours'));
  expect(readFileSync(place(), 'utf8')).toBe('ours');
});

test('a name aside is a new one each time, within one second too', () => {
  const first = nameAside(place(), 'damaged');
  expect(path.basename(first)).toMatch(/^file\.damaged-\d{8}T\d{6}Z$/);
  writeFileSync(first, '');
  const second = nameAside(place(), 'damaged');
  expect(second).not.toBe(first);
  expect(second.startsWith(`${place()}.damaged-`)).toBe(true);
});

test('a directory is brought to the disk as a file is, and what is not there is an error', () => {
  makeWhole(place(), Buffer.from('x'));
  expect(() => syncPath(place())).not.toThrow();
  expect(() => syncPath(scratch.path)).not.toThrow();
  expect(() => syncPath(path.join(scratch.path, 'none'))).toThrow('ENOENT');
});

suite('as root', ['root'], () => {
  test('a file is its directory’s owner’s', () => {
    const directory = path.join(scratch.path, 'theirs');
    mkdirSync(directory);
    chownSync(directory, 12_345, 23_456);
    makeWhole(path.join(directory, 'file'), Buffer.from('x'));
    expect(statSync(path.join(directory, 'file'))).toMatchObject({ uid: 12_345, gid: 23_456 });
  });

  test('a link that the directory’s owner puts in its place leads root to no other file', () => {
    const directory = path.join(scratch.path, 'theirs');
    mkdirSync(directory);
    chownSync(directory, 12_345, 23_456);
    writeFileSync(place(), 'of root');
    const intruder = intrude(/\.tmp-\d+$/, place());
    withAside(path.join(directory, 'file'), Buffer.from('x'), () => {});
    expect(intruder.done()).toBe(true);
    expect(statSync(place()).uid).toBe(0);
    expect(readFileSync(place(), 'utf8')).toBe('of root');
  });
});
