// Where a database may lie: not where everybody writes, not behind a link, and not where something else lies.
import { chmodSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { DamageError, StoreError } from '../../../src/store/damage.ts';
import { checkPlace } from '../../../src/store/disk/place.ts';
import { useScratch } from '../../support/scratch.ts';

const scratch = useScratch('of each');
const place = () => path.join(scratch.path, 'greylist.mdb');

const refusal = () => {
  try {
    checkPlace(place());
    return undefined;
  } catch (error) {
    return error as Error;
  }
};

test('no file yet, or a file, in a directory of its own', () => {
  expect(refusal()).toBeUndefined();
  writeFileSync(place(), '');
  expect(refusal()).toBeUndefined();
  chmodSync(scratch.path, 0o775); // a group may share it
  expect(refusal()).toBeUndefined();
});

test.each([0o777, 0o1777, 0o703])(
  'a directory that everybody writes to, mode %o, is refused, whatever lies in it',
  (mode) => {
    chmodSync(scratch.path, mode);
    expect(refusal()).toBeInstanceOf(StoreError);
    expect(refusal()!.message).toContain(`${scratch.path} is writable by everybody`);
    expect(refusal()!.message).toContain('--db');
    writeFileSync(place(), '');
    expect(refusal()).toBeInstanceOf(StoreError);
  },
);

test('a link that leads somewhere is refused: it is the administrator’s, and stays', () => {
  writeFileSync(path.join(scratch.path, 'other'), '');
  symlinkSync('other', place());
  expect(refusal()).toBeInstanceOf(StoreError);
  expect(refusal()!.message).toBe(`${place()} is a symbolic link; name the file that it leads to with --db`);
});

test('what can be no database is damage, and goes', () => {
  symlinkSync('/nonexistent/greylist.mdb', place());
  expect(refusal()).toBeInstanceOf(DamageError);
  expect(refusal()!.message).toBe('is a symbolic link that leads nowhere');
  rmSync(place());
  mkdirSync(place());
  expect(refusal()).toBeInstanceOf(DamageError);
  expect(refusal()!.message).toBe('is a directory');
});

test('a directory that is not there is named, with what to do', () => {
  expect(() => checkPlace(path.join(scratch.path, 'none/greylist.mdb'))).toThrow(
    /^cannot open .*none\/greylist\.mdb: its directory does not exist; make it/,
  );
});

test('a file in place of the directory is named, with what is wrong', () => {
  writeFileSync(place(), '');
  expect(() => checkPlace(path.join(place(), 'greylist.mdb'))).toThrow(StoreError);
});
