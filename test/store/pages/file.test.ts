// What can be opened, and what is refused.
import fs, { renameSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import path from 'node:path';
import { expect, test, vi } from 'vitest';
import { DamageError, StoreError } from '../../../src/store/damage.ts';
import { checkSize, closeFile, isElsewhere, openFile, withFile } from '../../../src/store/pages/file.ts';
import { META_LAST_PAGE } from '../../../src/store/pages/format.ts';
import { readHead } from '../../../src/store/pages/head.ts';
import { openFiles } from '../../support/files.ts';
import { testScratch } from '../../support/scratch.ts';
import { unmock } from '../../support/unmock.ts';
import { makeSound } from './sound.ts';

const isOpen = (database: string) => openFiles().includes(database);

test('what cannot be opened is said, and nothing of it stays open', () => {
  const scratch = testScratch();
  const { database, bytes } = makeSound(scratch);
  const metas = [0, 4096];
  const spoilt = (work: (copy: Buffer) => void) => {
    const copy = Buffer.from(bytes);
    work(copy);
    writeFileSync(database, copy);
    try {
      closeFile(openFile(database)!);
      return '';
    } catch (error) {
      expect(isOpen(database)).toBe(false);
      return String(error);
    }
  };
  expect(spoilt(() => {})).toBe('');
  expect(spoilt((copy) => copy.fill(0, 0, 4096))).toBe(''); // one meta page tells enough to have a look
  expect(spoilt((copy) => copy.fill(0, 0, 8192))).toBe(
    'DamageError: has no sound meta page, or is no database at all',
  );
  for (const version of [1, 999])
    expect(
      spoilt((copy) => {
        for (const at of metas) copy.writeUInt32LE(version, at + 28);
      }),
    ).toMatch(/^StoreError: .* is an LMDB file of another program; name another file with --db$/);
  writeFileSync(database, '');
  expect(openFile(database)).toBeUndefined();
  expect(isOpen(database)).toBe(false);
  expect(openFile(path.join(scratch.path, 'none'))).toBeUndefined();
  expect(() => openFile(scratch.path)).toThrow(new DamageError('is a directory'));
  symlinkSync(database, path.join(scratch.path, 'link'));
  expect(() => openFile(path.join(scratch.path, 'link'))).toThrow(StoreError);
});

test('the last pages may be missing, for they need not have been written, but not nearly all of them', () => {
  const scratch = testScratch();
  const { database, bytes } = makeSound(scratch);
  const { txnid } = withFile(database, readHead)!;
  /** What is said where these meta pages name that page as the last one. */
  const last = (page: number, metas: number[]) => {
    const copy = Buffer.from(bytes);
    for (const meta of metas) copy.writeUIntLE(page, meta * 4096 + META_LAST_PAGE, 6);
    writeFileSync(database, copy);
    try {
      return withFile(database, (file) => readHead(file).lastPage);
    } catch (error) {
      return String(error);
    }
  };
  const most = (bytes.length * 2 + 2 ** 24) / 4096;
  const truncated = `DamageError: is truncated to ${bytes.length} bytes`;
  for (const metas of [[0, 1], [txnid & 1]]) {
    expect(last(most, metas)).toBe(most);
    expect(last(most + 1, metas)).toBe(truncated);
    expect(last(2 ** 40, metas)).toBe(truncated);
  }
  // What is open has grown since.
  writeFileSync(database, bytes);
  const file = openFile(database)!;
  const { lastPage } = readHead(file);
  truncateSync(database, 2 ** 26);
  checkSize(file, { ...file.newest!, lastPage: 2 ** 14 });
  truncateSync(database, bytes.length);
  expect(readHead(file).lastPage).toBe(lastPage);
  expect(() => checkSize(file, { ...file.newest!, lastPage: 2 ** 40 })).toThrow(DamageError);
  closeFile(file);
});

test('a file is elsewhere where its path leads to another one, or to none', () => {
  const scratch = testScratch();
  const { database, bytes } = makeSound(scratch);
  const file = openFile(database)!;
  expect(isElsewhere(file)).toBe(false);
  renameSync(database, `${database}.old`);
  expect(isElsewhere(file)).toBe(true);
  writeFileSync(database, bytes);
  expect(isElsewhere(file)).toBe(true);
  renameSync(`${database}.old`, database);
  expect(isElsewhere(file)).toBe(false);
  // Whether it is cannot be known where the way there leads in a circle.
  symlinkSync('circle', path.join(scratch.path, 'circle'));
  expect(isElsewhere({ ...file, path: path.join(scratch.path, 'circle/greylist.mdb') })).toBe(false);
  closeFile(file);
});

test.each(['EACCES', 'EPERM', 'EROFS'])(
  'where it may not be written to, what is on record can be looked up: %s',
  (code) => {
    const scratch = testScratch();
    const { database } = makeSound(scratch);
    const { openSync } = fs;
    const failure = Object.assign(new Error(code), { code });
    const refuse = (reads: boolean, failure: Error) => {
      vi.spyOn(fs, 'openSync').mockImplementation((name, flags, mode) => {
        if (((flags as number) & fs.constants.O_RDWR) !== 0) throw failure;
        if (!reads) throw new Error('the second try');
        return openSync(name, flags, mode);
      });
      syncBuiltinESMExports();
    };
    refuse(true, failure);
    const file = openFile(database)!;
    expect(file.closed).toBe(failure);
    expect(readHead(file).main.entries).toBe(300);
    closeFile(file);
    refuse(false, failure);
    expect(() => openFile(database)).toThrow(StoreError);
    expect(() => openFile(database)).not.toThrow('second');
    refuse(true, Object.assign(new Error('EIO'), { code: 'EIO' }));
    expect(() => openFile(database)).toThrow(/^cannot open .*EIO/);
    unmock();
    const open = openFile(database)!;
    expect(open.closed).toBeUndefined();
    closeFile(open);
  },
);
