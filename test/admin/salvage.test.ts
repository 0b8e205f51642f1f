// greylatch salvage: what it says and refuses; what is saved, store/rescue/salvage tests.
import { execFileSync } from 'node:child_process';
import fs, {
  constants,
  copyFileSync,
  linkSync,
  mkdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import path from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import { salvageCommand } from '../../src/admin/salvage.ts';
import { scan } from '../../src/store/admin/scan.ts';
import { suite } from '../support/needs.ts';
import { useScratch } from '../support/scratch.ts';
import { unmock } from '../support/unmock.ts';
import { fill, triple } from './report/made.ts';
import { watch } from './watch.ts';

const scratch = useScratch('of each');
afterEach(unmock);

const place = (name: string) => path.join(scratch.path, name);
const salvage = (damaged: string, into: string, json = false) =>
  watch(() => salvageCommand.run({ damaged, into, json }));

test('status 0, with the numbers of records and pages', async () => {
  fill(place('damaged'), [triple({ sender: 'a' }), triple({ sender: 'b' })]);
  const before = readFileSync(place('damaged'));
  const { status, output } = await salvage(place('damaged'), place('new'), true);
  expect(status).toBe(0);
  expect(JSON.parse(output)).toEqual({
    damaged: place('damaged'),
    into: place('new'),
    records: 2,
    pages: expect.any(Number),
  });
  expect([...scan(place('new'))!.entries]).toHaveLength(2);
  expect(readFileSync(place('damaged'))).toEqual(before);
  const again = await salvage(place('damaged'), place('new'));
  expect(again.status).toBe(0);
  expect(again.output).toMatch(/^\d records? saved from [1-9]\d* pages? of \S+damaged into \S+new\n$/);
});

test('status 1 where nothing could be read: a script keeps the file', async () => {
  for (const [name, content] of [
    ['empty', ''],
    ['text', 'Dear diary,\n'.repeat(2000)],
  ] as const) {
    writeFileSync(place(name), content);
    const { status, output } = await salvage(place(name), place('new'));
    expect([status, output]).toEqual([
      1,
      `nothing saved: no page of ${place(name)} holds records; is it a database?\n`,
    ]);
  }
  const { status, output } = await salvage(place('text'), place('new'), true);
  expect([status, JSON.parse(output)]).toMatchObject([1, { records: 0, pages: 0 }]);
});

test('the damaged file is not saved into itself, by whatever name, and has to be a file', async () => {
  fill(place('damaged'), [triple({})]);
  linkSync(place('damaged'), place('other'));
  symlinkSync(place('damaged'), place('link'));
  for (const [damaged, into, what] of [
    ['damaged', 'damaged', 'is the damaged file itself'],
    ['damaged', 'other', 'is the damaged file itself'],
    ['link', 'new', 'is not a file'],
    ['none', 'new', 'is not a file'],
    ['', 'new', 'is not a file'],
    ['damaged/x', 'new', 'cannot be read'],
  ] as const) {
    const { status, output } = await salvage(place(damaged), place(into));
    expect(output).toBe('');
    expect(status).toMatchObject({ message: expect.stringContaining(what) });
  }
  writeFileSync(place('damaged'), '');
  expect(await salvage(place('damaged'), place('new'))).toMatchObject({ status: expect.anything() });
});

test('a damaged file that may not be read is said to be closed, before anything is made', async () => {
  fill(place('damaged'), [triple({})]);
  vi.spyOn(fs, 'accessSync').mockImplementation((file, mode) => {
    expect([file, mode]).toEqual([place('damaged'), constants.R_OK]);
    throw new Error('permission denied');
  });
  syncBuiltinESMExports();
  const { status } = await salvage(place('damaged'), place('new'));
  expect(status).toMatchObject({ message: `${place('damaged')} cannot be read: permission denied` });
  expect(fs.existsSync(place('new'))).toBe(false);
});

suite('two file systems', ['root'], () => {
  test('files of the same number are not the same file', async () => {
    const disks = ['one', 'two'].map(place) as [string, string];
    const database = place('made');
    fill(database, [triple({ sender: 'a' })]);
    for (const disk of disks) {
      mkdirSync(disk);
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'mode=700', 'none', disk]);
    }
    try {
      const [damaged, into] = disks.map((disk) => path.join(disk, 'greylist.mdb')) as [string, string];
      copyFileSync(database, damaged);
      copyFileSync(database, into);
      expect(statSync(damaged).ino).toBe(statSync(into).ino);
      expect(await salvage(damaged, into)).toMatchObject({ status: 0 });
    } finally {
      for (const disk of disks) execFileSync('umount', ['-l', disk]);
    }
  });
});
