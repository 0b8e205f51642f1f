// What is set aside, and what stays: the damaged file under a name with the time, and three of them. (That one process
// does it at a time: ../disk/recovering.test.ts.)
import fs, {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import path from 'node:path';
import { expect, test, vi } from 'vitest';
import { openEditor } from '../../../src/store/admin/edit.ts';
import { FullError, StoreError } from '../../../src/store/damage.ts';
import { damagedFiles, replaceLock, setAside } from '../../../src/store/rescue/recover.ts';
import { openFiles } from '../../support/files.ts';
import { useScratch } from '../../support/scratch.ts';
import { unmock } from '../../support/unmock.ts';
import { fill } from '../filled.ts';

const scratch = useScratch('of each');
const place = () => path.join(scratch.path, 'greylist.mdb');
const sign = () => `${place()}.recovering`;
const names = () => readdirSync(scratch.path).sort();
const setAsides = () => names().filter((name) => name.includes('.damaged-'));
const ino = () => statSync(place()).ino;

/** All that is left of a database is the head of a leaf page. */
const RUBBISH = `${'This is no database any more.\n'.padEnd(4096)}${'\x01'.padEnd(18, '\0')}\x02`.padEnd(
  8192,
  '\0',
);

/** Sets the database aside as damaged and returns what was there to be saved; undefined: nothing was set aside. */
function recover(number: number | undefined): string | undefined {
  let saved: string | undefined;
  setAside(place(), number, 'is damaged', (aside) => {
    saved = aside;
  });
  return saved;
}

test('the file goes with its lock, under a name with the time in UTC, before it is saved', () => {
  writeFileSync(place(), RUBBISH);
  writeFileSync(`${place()}-lock`, 'lock');
  const before = Date.now();
  setAside(place(), ino(), 'is damaged', (aside) => {
    expect(readFileSync(aside, 'utf8')).toBe(RUBBISH);
    const [, stamp] = /^greylist\.mdb\.damaged-(\d{8}T\d{6})Z$/.exec(path.basename(aside))!;
    const at = Date.parse(stamp!.replace(/(....)(..)(..)T(..)(..)(..)/, '$1-$2-$3T$4:$5:$6Z'));
    expect(Math.abs(at - before)).toBeLessThan(60_000);
    expect(names()).toEqual([path.basename(aside), 'greylist.mdb.recovering', 'greylist.mdb.saving']);
    expect(readlinkSync(`${place()}.saving`)).toBe(`${process.pid} ${path.basename(aside)}`);
  });
  expect(setAsides()).toHaveLength(1);
  expect(existsSync(sign())).toBe(false);
});

test('where another process has done it, and there is no new one yet, nothing is done', () => {
  expect(recover(12_345)).toBeUndefined();
  expect(names()).toEqual([]);
});

test('a file that came in its place meanwhile stays', () => {
  writeFileSync(place(), RUBBISH);
  writeFileSync(`${place()}-lock`, 'lock');
  expect(recover(ino() + 1)).toBeUndefined();
  expect(names()).toEqual(['greylist.mdb', 'greylist.mdb-lock']);
});

test('what could not be opened is looked at again: only what is damaged still goes', () => {
  expect(recover(undefined)).toBeUndefined(); // nothing there
  const editor = openEditor(place());
  fill(editor, 0, 10);
  editor.close();
  const there = names();
  expect(recover(undefined)).toBeUndefined();
  expect(names()).toEqual(there);
  expect(openFiles().filter((name) => name.startsWith(place()))).toEqual([]);
  const bytes = readFileSync(place());
  bytes.fill(0xa5, 4096, 8192); // it can be opened by its other meta page, and not be read
  writeFileSync(place(), bytes);
  expect(recover(undefined)).toBeDefined();
  expect(openFiles().filter((name) => name.startsWith(place()))).toEqual([]);
  writeFileSync(place(), RUBBISH);
  expect(recover(undefined)).toBeDefined();
  mkdirSync(place());
  writeFileSync(`${place()}-lock`, 'lock');
  expect(lstatSync(recover(undefined)!).isDirectory()).toBe(true);
  symlinkSync('/nonexistent/greylist.mdb', place());
  writeFileSync(`${place()}-lock`, 'lock');
  expect(lstatSync(recover(undefined)!).isSymbolicLink()).toBe(true);
});

test.each<[string, () => void]>([
  ['a text', () => writeFileSync(place(), 'Dear administrator,\n'.repeat(500))],
  ['a directory', () => mkdirSync(place())],
  ['a link to nowhere', () => symlinkSync('/nonexistent/greylist.mdb', place())],
])('%s, which nothing shows to have been a database, stays where it is', (_, make) => {
  make();
  expect(() => recover(undefined)).toThrow(StoreError);
  expect(() => recover(undefined)).toThrow(
    /greylist\.mdb is damaged; nothing shows that it ever was a database/,
  );
  expect(names()).toEqual(['greylist.mdb']);
});

test('where the database may not lie, nothing is set aside', () => {
  writeFileSync(place(), RUBBISH);
  chmodSync(scratch.path, 0o777);
  expect(() => recover(undefined)).toThrow(StoreError);
  expect(names()).toEqual(['greylist.mdb']);
});

test('a lock that is a directory is kept as well: it was never ours', () => {
  writeFileSync(place(), RUBBISH);
  mkdirSync(`${place()}-lock`);
  writeFileSync(`${place()}-lock/letter`, 'theirs');
  recover(ino());
  const [kept] = names().filter((name) => name.startsWith('greylist.mdb-lock.damaged-'));
  expect(readFileSync(path.join(scratch.path, kept!, 'letter'), 'utf8')).toBe('theirs');
});

test('the newest three are kept, within one second too, and no directory goes', () => {
  mkdirSync(`${place()}.damaged-20200101T000000Z`);
  const made = [0, 1, 2, 3, 4].map((n) => {
    writeFileSync(place(), `${RUBBISH}${n}`);
    return recover(ino())!;
  });
  expect(new Set(made.slice(0, 3)).size).toBe(3);
  const kept = damagedFiles(place()).map(({ name }) => readFileSync(name, 'utf8'));
  expect(kept).toEqual([2, 3, 4].map((n) => `${RUBBISH}${n}`)); // the oldest first
  expect(existsSync(`${place()}.damaged-20200101T000000Z`)).toBe(true);
  for (const { at, name } of damagedFiles(place())) {
    expect(at).toBe(Math.floor(statSync(name).ctimeMs / 1000));
    expect(Math.abs(at - Date.now() / 1000)).toBeLessThan(60);
  }
});

test('what was set aside last is the newest, whatever the clock said then', () => {
  const made = ['20300101', '20200101', '20250101'].map((day) => `${place()}.damaged-${day}T000000Z`);
  for (const [i, name] of made.entries()) {
    writeFileSync(name, '');
    // Until the file system's clock has gone on.
    while (i > 0 && statSync(name).ctimeMs <= statSync(made[i - 1]!).ctimeMs) writeFileSync(name, 'x');
  }
  expect(damagedFiles(place()).map(({ name }) => name)).toEqual(made);
});

test('where there is no space to save what is in it, it stays', () => {
  writeFileSync(place(), RUBBISH);
  vi.spyOn(fs, 'statfsSync').mockReturnValue({ bavail: 1, bsize: 1024 } as ReturnType<typeof fs.statfsSync>);
  syncBuiltinESMExports();
  try {
    expect(() => recover(ino())).toThrow(FullError);
  } finally {
    unmock();
  }
  expect(names()).toEqual(['greylist.mdb']);
});

test('other files are none that were set aside', () => {
  for (const name of [
    'other.mdb.damaged-20260101T000000Z',
    'greylist.mdb.old',
    'greylist.mdb-lock.damaged-x',
    'greylist.mdb.damaged-20260101T000000Z.gz',
    'greylist.mdb.damaged-$(anything)',
  ])
    writeFileSync(path.join(scratch.path, name), '');
  expect(damagedFiles(place())).toEqual([]);
});

test('should saving fail, the file is aside all the same, and the next one may recover', () => {
  writeFileSync(place(), RUBBISH);
  const fails = (error: Error) => () =>
    setAside(place(), ino(), 'is damaged', () => {
      throw error;
    });
  expect(fails(Object.assign(new Error('no space'), { code: 'ENOSPC' }))).toThrow(
    /cannot set aside .*greylist\.mdb: the disk is full/,
  );
  expect(setAsides()).toHaveLength(1);
  expect(existsSync(sign())).toBe(false);
  writeFileSync(place(), RUBBISH);
  expect(fails(new StoreError('as it is'))).toThrow(/^as it is$/);
});

test('a lock that is rubbish goes, unless it is another one by now', () => {
  const lock = `${place()}-lock`;
  writeFileSync(lock, 'rubbish');
  const { ino } = statSync(lock);
  replaceLock(place(), ino + 1);
  expect(existsSync(lock)).toBe(true);
  replaceLock(place(), ino);
  expect(names()).toEqual([]);
  replaceLock(place(), ino); // another process was first
  expect(names()).toEqual([]);
});
