// The sign that says who saves what was set aside: whose it is, and who may take it. (What comes of it: saving.test.ts.)
import { lstatSync, mkdirSync, readdirSync, readlinkSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { beforeEach, expect, test } from 'vitest';
import { noteSaved, noteUnsaved, takeUnsaved } from '../../../src/store/rescue/unsaved.ts';
import { useScratch } from '../../support/scratch.ts';

const GONE = 2 ** 30; // no process has such a number

const scratch = useScratch('of each');
const place = (name: string) => path.join(scratch.path, name);
const database = () => place('greylist.mdb');
const sign = () => place('greylist.mdb.saving');
const isThere = () => lstatSync(sign(), { throwIfNoEntry: false }) !== undefined;
beforeEach(() => {
  writeFileSync(place('aside'), '');
});

test('one sign at a time, which goes when what it names is saved, by whom it names', () => {
  noteSaved(database(), place('aside')); // nothing to do
  noteUnsaved(database(), place('other'));
  noteUnsaved(database(), place('aside'));
  expect(readlinkSync(sign())).toBe(`${process.pid} aside`);
  noteSaved(database(), place('other'));
  expect(isThere()).toBe(true);
  noteSaved(database(), place('aside'));
  expect(isThere()).toBe(false);
  symlinkSync(`${process.ppid} aside`, sign());
  noteSaved(database(), place('aside'));
  expect(isThere()).toBe(true);
});

test('whoever takes what another one has left has the sign in its own name, so that nobody else does', () => {
  expect(takeUnsaved(database())).toBeUndefined();
  symlinkSync(`${GONE} aside`, sign());
  expect(takeUnsaved(database())).toBe(place('aside'));
  expect(readlinkSync(sign())).toBe(`${process.pid} aside`);
  expect(takeUnsaved(database())).toBeUndefined();
  expect(readdirSync(scratch.path).sort()).toEqual(['aside', 'greylist.mdb.saving']);
});

test.each<[string, string, () => void]>([
  ['there is no more', 'gone', () => {}],
  ['is a directory', 'directory', () => mkdirSync(place('directory'))],
  ['is a link', 'link', () => symlinkSync(place('aside'), place('link'))],
  ['is nowhere', '', () => {}],
])('of what %s, nothing is left to take, and the sign goes', (_, name, make) => {
  make();
  symlinkSync(`${GONE} ${name}`, sign());
  expect(takeUnsaved(database())).toBeUndefined();
  expect(isThere()).toBe(false);
});

test('it names a file beside the database, wherever it says that it lies', () => {
  mkdirSync(place('elsewhere'));
  symlinkSync(`${GONE} elsewhere/../../x/aside`, sign());
  expect(takeUnsaved(database())).toBe(place('aside'));
});

test('a sign that is no link is left alone', () => {
  writeFileSync(sign(), `${GONE} aside`);
  expect(takeUnsaved(database())).toBeUndefined();
  expect(isThere()).toBe(true);
});
