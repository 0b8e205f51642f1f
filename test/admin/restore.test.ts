// greylatch restore says which of its two files it is that something is wrong with. What it does: backup.test.ts.
import fs, { writeFileSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import path from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { restoreCommand } from '../../src/admin/restore.ts';
import { openEditor } from '../../src/store/admin/edit.ts';
import { lockPath } from '../../src/store/pages/lock.ts';
import { copyTo } from '../../src/store/rescue/replace.ts';
import { makeScratch } from '../support/scratch.ts';

let scratch: ReturnType<typeof makeScratch>;
const db = () => path.join(scratch.path, 'greylist.mdb');
const backup = () => path.join(scratch.path, 'backup');
const restore = () => restoreCommand.run({ db: db(), backup: backup(), json: false });

beforeEach(() => {
  scratch = makeScratch();
  openEditor(db()).close();
  copyTo(db(), backup(), () => {});
});
afterEach(() => {
  vi.restoreAllMocks();
  syncBuiltinESMExports();
  scratch.remove();
});

test('damage is the backup’s', async () => {
  writeFileSync(backup(), 'Dear administrator');
  await expect(restore()).rejects.toThrow(
    `${backup()} has no sound meta page, or is no database at all; it cannot be restored; greylatch salvage`,
  );
});

test('what cannot be set aside, and what is replaced again and again, is the database', async () => {
  const { linkSync, fdatasyncSync } = fs;
  const link = vi.spyOn(fs, 'linkSync').mockImplementation((from, to) => {
    if (from === db()) throw Object.assign(new Error('EPERM'), { code: 'EPERM', syscall: 'link' });
    linkSync(from, to);
  });
  syncBuiltinESMExports();
  await expect(restore()).rejects.toThrow(`cannot use ${db()}: permission denied`);
  link.mockRestore();
  vi.spyOn(fs, 'fdatasyncSync').mockImplementation((fd) => {
    fdatasyncSync(fd);
    fs.rmSync(lockPath(db()), { force: true });
  });
  syncBuiltinESMExports();
  await expect(restore()).rejects.toThrow(`${db()}: the lock file was removed; try again`);
});
