// greylatch restore and backup where no filter runs: what is set aside, what is the database itself by another name, and which of
// the two files it is that something is wrong with.
import fs, { existsSync, mkdirSync, readdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { backupCommand } from '../../src/admin/backup.ts';
import { restoreCommand } from '../../src/admin/restore.ts';
import { openEditor } from '../../src/store/admin/edit.ts';
import { scan } from '../../src/store/admin/scan.ts';
import { lockPath } from '../../src/store/pages/lock.ts';
import { copyTo } from '../../src/store/rescue/replace.ts';
import { useScratch } from '../support/scratch.ts';
import { unmock } from '../support/unmock.ts';
import { fill, triple } from './report/made.ts';
import { watch } from './watch.ts';

const scratch = useScratch('of each');

const place = (name: string) => path.join(scratch.path, name);
const restore = (backup: string, db: string, json = false) =>
  watch(() => restoreCommand.run({ backup, db, json }));
const backup = (file: string, db: string, json = false) => watch(() => backupCommand.run({ file, db, json }));
const senders = (file: string) =>
  [...scan(file)!.entries].map((entry) => (entry.kind === 'triple' ? entry.sender : '')).sort();

test('the database of before is set aside under the name that is told; where there was none, none is told', async () => {
  fill(place('backup'), [triple({ sender: 'backed up' }), triple({ sender: 'both' })]);
  mkdirSync(place('mta'));
  const db = place('mta/greylist.mdb');
  const first = await restore(place('backup'), db, true);
  expect(first.status).toBe(0);
  expect(JSON.parse(first.output)).toEqual({ db, records: 2 });
  expect((await restore(place('backup'), place('new.mdb'))).output).toBe(
    `${place('new.mdb')}: 2 records restored\n`,
  );
  fill(db, [triple({ sender: 'later' })]);
  const { status, output } = await restore(place('backup'), db, true);
  expect(status).toBe(0);
  const { aside } = JSON.parse(output);
  expect(path.basename(aside)).toMatch(/^greylist\.mdb\.before-restore-\d{8}T\d{6}Z$/);
  expect(senders(aside)).toEqual(['backed up', 'both', 'later']);
  expect(senders(db)).toEqual(['backed up', 'both']);
  expect(senders(place('backup'))).toEqual(['backed up', 'both']);
  const shown = await restore(place('backup'), db);
  const told = /restored; the database of before is now (\S+)\n$/.exec(shown.output)?.[1];
  expect(told !== undefined && existsSync(told)).toBe(true);
});

test('a backup replaces the one of before, and says how much it has', async () => {
  fill(place('greylist.mdb'), [triple({ sender: 'a' }), triple({ sender: 'b' })]);
  fill(place('backup'), [triple({ sender: 'old' })]);
  const { status, output } = await backup(place('backup'), place('greylist.mdb'), true);
  expect(status).toBe(0);
  const { size } = statSync(place('backup'));
  expect(JSON.parse(output)).toEqual({ file: place('backup'), records: 2, size });
  expect(senders(place('backup'))).toEqual(['a', 'b']);
});

test('the database itself is refused, by way of another directory as well', async () => {
  mkdirSync(place('real'));
  symlinkSync('real', place('link'));
  const db = place('real/greylist.mdb');
  fill(db, [triple({})]);
  const { ino } = statSync(db);
  for (const name of [db, place('link/greylist.mdb'), path.relative('.', place('link/greylist.mdb'))])
    for (const command of [backup, restore]) {
      const { status, output } = await command(name, db);
      expect({ name, output }).toEqual({ name, output: '' });
      expect(status).toMatchObject({ message: expect.stringContaining(`${name} is the database itself; `) });
    }
  expect((await backup('-', db)).status).toMatchObject({ name: 'UsageError' });
  expect(statSync(db).ino).toBe(ino);
  expect(readdirSync(place('real')).sort()).toEqual(['greylist.mdb', 'greylist.mdb-lock']);
});

describe('what is wrong is said of the file that it is in', () => {
  const db = () => place('greylist.mdb');
  const copy = () => place('backup');
  const tried = async () => restoreCommand.run({ db: db(), backup: copy(), json: false });
  beforeEach(() => {
    openEditor(db()).close();
    copyTo(db(), copy(), () => {});
  });
  afterEach(unmock);

  test('damage is the backup’s', async () => {
    writeFileSync(copy(), 'Dear administrator');
    await expect(tried()).rejects.toThrow(
      `${copy()} has no sound meta page, or is no database at all; it cannot be restored; greylatch salvage`,
    );
  });

  test('what cannot be set aside, and what is replaced again and again, is the database', async () => {
    const { linkSync, fdatasyncSync } = fs;
    const link = vi.spyOn(fs, 'linkSync').mockImplementation((from, to) => {
      if (from === db()) throw Object.assign(new Error('EPERM'), { code: 'EPERM', syscall: 'link' });
      linkSync(from, to);
    });
    syncBuiltinESMExports();
    await expect(tried()).rejects.toThrow(`cannot use ${db()}: permission denied`);
    link.mockRestore();
    vi.spyOn(fs, 'fdatasyncSync').mockImplementation((fd) => {
      fdatasyncSync(fd);
      fs.rmSync(lockPath(db()), { force: true });
    });
    syncBuiltinESMExports();
    await expect(tried()).rejects.toThrow(`${db()}: the lock file was removed; try again`);
  });
});
