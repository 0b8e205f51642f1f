// What is set aside, by whom, and what stays: the damaged file under a name with the time, three of them, and one
// process at a time.
import { spawn } from 'node:child_process';
import fs, {
  chmodSync,
  existsSync,
  lstatSync,
  lutimesSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import path from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { openEditor } from '../../../src/store/admin/edit.ts';
import { StoreError } from '../../../src/store/damage.ts';
import { awaitRecovery } from '../../../src/store/disk/sign.ts';
import { damagedFiles, replaceLock, setAside } from '../../../src/store/rescue/recover.ts';
import { makeScratch } from '../../support/scratch.ts';
import { fill } from '../filled.ts';

let scratch: ReturnType<typeof makeScratch>;
const place = () => path.join(scratch.path, 'greylist.mdb');
const sign = () => `${place()}.recovering`;
const names = () => readdirSync(scratch.path).sort();
const setAsides = () => names().filter((name) => name.includes('.damaged-'));
const ino = () => statSync(place()).ino;
beforeEach(() => {
  scratch = makeScratch();
});
afterEach(() => {
  vi.restoreAllMocks();
  syncBuiltinESMExports();
  scratch.remove();
});

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

test('other files are none that were set aside', () => {
  for (const name of [
    'other.mdb.damaged-20260101T000000Z',
    'greylist.mdb.old',
    'greylist.mdb-lock.damaged-x',
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

test('while another process recovers, one waits, and leaves it to that one; that it takes long is told', () => {
  writeFileSync(place(), RUBBISH);
  symlinkSync(String(process.ppid), sign());
  expect(() => recover(ino())).toThrow(/is being recovered by another process, which takes long/);
  expect(names()).toEqual(['greylist.mdb', 'greylist.mdb.recovering']);
  expect(readFileSync(place(), 'utf8')).toBe(RUBBISH);
});

test.each<[string, () => void]>([
  ['a process that is gone', () => symlinkSync(String(2 ** 30), sign())],
  ['nobody', () => symlinkSync('0', sign())],
  [
    'one long ago, whose number another process bears now',
    () => {
      symlinkSync(String(process.ppid), sign());
      lutimesSync(sign(), Date.now() / 1000 - 61, Date.now() / 1000 - 61);
    },
  ],
  [
    'one of tomorrow, from before the clock was set',
    () => {
      symlinkSync(String(process.ppid), sign());
      lutimesSync(sign(), Date.now() / 1000 + 86_400, Date.now() / 1000 + 86_400);
    },
  ],
])('the sign of %s holds up nobody', (_, leave) => {
  writeFileSync(place(), RUBBISH);
  leave();
  awaitRecovery(place());
  expect(existsSync(sign())).toBe(false);
  leave();
  expect(recover(ino())).toBeDefined();
  expect(lstatSync(sign(), { throwIfNoEntry: false })).toBeUndefined();
});

test('of two that find the sign of one that is gone, the second does not take away the sign of the first', () => {
  writeFileSync(place(), RUBBISH);
  symlinkSync(String(2 ** 30), sign());
  const { renameSync } = fs;
  vi.spyOn(fs, 'renameSync').mockImplementationOnce((from, to) => {
    rmSync(sign());
    symlinkSync(String(process.ppid), sign()); // at this moment
    renameSync(from, to);
  });
  syncBuiltinESMExports();
  expect(() => recover(ino())).toThrow(/is being recovered by another process/);
  expect(readlinkSync(sign())).toBe(String(process.ppid));
  expect(names()).toEqual(['greylist.mdb', 'greylist.mdb.recovering']);
});

test('whoever opens the database waits until the other one is done', async () => {
  symlinkSync(String(process.ppid), sign());
  const other = spawn('/bin/sh', ['-c', 'sleep 0.2; rm "$0"', sign()]);
  const ended = new Promise((resolve) => other.once('exit', resolve));
  awaitRecovery(place());
  expect(lstatSync(sign(), { throwIfNoEntry: false })).toBeUndefined();
  await ended;
});

test('whoever recovers does not wait for itself', () => {
  writeFileSync(place(), RUBBISH);
  setAside(place(), ino(), 'is damaged', () => {
    const began = performance.now();
    awaitRecovery(place());
    expect(performance.now() - began).toBeLessThan(1200); // others wait for 1.5 seconds
    expect(lstatSync(sign()).isSymbolicLink()).toBe(true);
  });
});

test('a lock that is rubbish goes, unless it is another one by now', () => {
  const lock = `${place()}-lock`;
  writeFileSync(lock, 'rubbish');
  const { ino } = statSync(lock);
  replaceLock(place(), ino + 1);
  expect(existsSync(lock)).toBe(true);
  replaceLock(place(), ino);
  expect(names()).toEqual([]);
});
