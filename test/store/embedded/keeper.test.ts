// The keeper of the database's file, where what it does for others does not show in what it returns.
import { closeSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import { BadLockError, DamageError, FullError, MovedError, StoreError } from '../../../src/store/damage.ts';
import { openStore } from '../../../src/store/embedded/embedded.ts';
import { newKeeper } from '../../../src/store/embedded/keeper.ts';
import { isHeld, openLock } from '../../../src/store/pages/lock.ts';
import { seek } from '../../../src/store/pages/tree.ts';
import { openFiles } from '../../support/files.ts';
import { makeScratch } from '../../support/scratch.ts';
import { putNumber } from '../filled.ts';

/** Called whenever somebody waits for the disk. */
let waitsForDisk = () => {};
/** What the disk says to the next flush in the background. */
let refusal: Error | undefined;
vi.mock('node:fs', async (original) => {
  const fs = await original<typeof import('node:fs')>();
  return {
    ...fs,
    fdatasyncSync: (fd: number) => {
      waitsForDisk();
      fs.fdatasyncSync(fd);
    },
    fdatasync: (fd: number, done: (error: Error | null) => void) => {
      const error = refusal;
      refusal = undefined;
      if (error === undefined) fs.fdatasync(fd, done);
      else done(error);
    },
  };
});

afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

/** A keeper of a database with one record, its lock file, and what it has told. `put` puts another record. */
function opened() {
  const scratch = makeScratch();
  const database = path.join(scratch.path, 'greylist.mdb');
  const told: string[] = [];
  const keeper = newKeeper({
    path: database,
    sync: 'later',
    onDamage: (what) => told.push(what),
    onTrouble: ({ message }) => told.push(message),
  });
  const put = (n: number) => keeper.settle(() => keeper.change((writer) => putNumber(writer, n, 1000)));
  put(1);
  const lock = openLock(database);
  const close = () => {
    keeper.close();
    closeSync(lock.fd);
    scratch.remove();
  };
  return { database, told, keeper, put, lock, close };
}

test.each([
  ['damage', () => new DamageError('looks wrong')],
  ['a lock file', (ino: number) => new BadLockError('looks wrong', ino)],
])(
  'what looks wrong, %s, is looked at again, and then under the lock, before anything is done',
  (_, error) => {
    const { database, told, keeper, lock, close } = opened();
    const { ino } = statSync(database);
    const held: boolean[] = [];
    const done = keeper.settle(() => {
      held.push(isHeld(lock));
      if (held.length <= 3) throw error(lock.ino);
      return true;
    });
    expect({ done, held, after: isHeld(lock) }).toEqual({
      done: true,
      held: [false, false, false, true],
      after: false,
    });
    expect({ told, ino: statSync(database).ino, lock: statSync(lock.path).ino }).toEqual({
      told: [],
      ino,
      lock: lock.ino,
    });
    close();
  },
);

test('a lock file that is overwritten is replaced once, and told; the database stays as it was', () => {
  const { database, told, keeper, put, lock, close } = opened();
  const { ino } = statSync(database);
  writeFileSync(lock.path, 'rubbish!', { flag: 'r+' });
  put(2);
  put(3);
  expect({ ino: statSync(database).ino, isReady: keeper.isReady() }).toEqual({ ino, isReady: true });
  expect(statSync(lock.path).ino).not.toBe(lock.ino);
  expect(told).toEqual([expect.stringMatching(/is overwritten; it was replaced by a new one/)]);
  close();
});

test('what looked wrong is read again: it may have been half written', () => {
  const { told, keeper, close } = opened();
  const key = Buffer.alloc(8);
  key.writeBigUInt64BE(1n);
  let tries = 0;
  const found = keeper.settle(() => {
    const { path, meta } = keeper.look()!;
    const at = seek(path, meta, key, 8);
    if (++tries > 1) return at >= 0;
    path.pages.fill(0x5a);
    throw new DamageError('looks wrong');
  });
  expect({ found, tries, told }).toEqual({ found: true, tries: 2, told: [] });
  close();
});

test('what is found wrong again and again is given up, and leaves the lock free', () => {
  const { keeper, put, lock, told, close } = opened();
  let tries = 0;
  const work = () => {
    tries++;
    throw new MovedError('moved again');
  };
  expect(() => keeper.settle(work)).toThrow(/found wrong again and again: moved again; look at its disk/);
  expect({ tries, held: isHeld(lock), told }).toEqual({ tries: 20, held: false, told: [] });
  put(2);
  close();
});

test.each<[string, Error, RegExp, boolean]>([
  ['a full disk, closes nothing', new FullError('no space'), /^no space$/, true],
  ['trouble around it, has it opened again', new StoreError('no lock'), /^no lock$/, false],
  [
    'what the system says, as well',
    Object.assign(new Error('i/o error'), { code: 'EIO' }),
    /cannot use .*i\/o error/,
    false,
  ],
])('what can not be mended, %s, and is thrown at once', (_, error, message, isReady) => {
  const { keeper, put, told, close } = opened();
  let tries = 0;
  const work = () => {
    tries++;
    throw error;
  };
  expect(() => keeper.settle(work)).toThrow(message);
  expect({ tries, told, isReady: keeper.isReady() }).toEqual({ tries: 1, told: [], isReady });
  put(2);
  close();
});

test('what only looks are made at stays open where it cannot be opened for changes', () => {
  const { database, close } = opened();
  const keeper = newKeeper({ path: database, sync: 'later', onDamage: () => {}, onTrouble: () => {} });
  keeper.settle(() => keeper.look());
  const before = openFiles();
  expect(() =>
    keeper.settle(() => {
      throw new StoreError('no room');
    }),
  ).toThrow('no room');
  expect(openFiles()).toEqual(before);
  keeper.close();
  close();
});

test('what is damaged under the lock, too, is set aside once, told, and a new file taken', () => {
  const { database, keeper, put, told, close } = opened();
  const { ino } = statSync(database);
  let tries = 0;
  const done = keeper.settle(() => {
    if (++tries <= 4) throw new DamageError('is bad');
    return keeper.look() !== undefined;
  });
  put(2);
  expect({ done, tries, isNew: statSync(database).ino !== ino }).toEqual({
    done: true,
    tries: 5,
    isNew: true,
  });
  expect(told).toEqual([expect.stringContaining('is bad')]);
  close();
  expect(openFiles().filter((name) => name.startsWith(database))).toEqual([]);
});

test.each<[string, Error, { told: unknown[]; isReady: boolean; isRepeated: boolean }]>([
  [
    'by the disk is told, and the file opened again',
    Object.assign(new Error('i/o error'), { code: 'EIO' }),
    { told: [expect.stringMatching(/flush.*i\/o error/)], isReady: false, isRepeated: false },
  ],
  [
    'for want of space is tried again',
    new FullError('no space'),
    { told: [], isReady: true, isRepeated: true },
  ],
  [
    'for want of a slot is tried again',
    new Error('MDB_READERS_FULL: x'),
    { told: [], isReady: true, isRepeated: true },
  ],
  [
    'by a file that was moved has it opened again',
    new MovedError('moved'),
    { told: [], isReady: false, isRepeated: false },
  ],
  [
    'by damage is left to the next request',
    new DamageError('bad'),
    { told: [], isReady: false, isRepeated: false },
  ],
  ['by the lock file as well', new BadLockError('bad', 1), { told: [], isReady: false, isRepeated: false }],
])('a flush in the background that fails %s', (_, error, expected) => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  let up = 1000;
  vi.spyOn(process, 'uptime').mockImplementation(() => up);
  const { keeper, put, told, close } = opened();
  refusal = error;
  keeper.hurry();
  expect(refusal).toBeUndefined();
  const isReady = keeper.isReady();
  refusal = error;
  up += 2;
  vi.advanceTimersByTime(2000);
  expect({ told, isReady, isRepeated: refusal === undefined }).toEqual(expected);
  refusal = undefined;
  put(2);
  expect(keeper.isReady()).toBe(true);
  close();
});

test('whoever closes the database waits for the disk, and has nobody else wait for it', () => {
  const scratch = makeScratch();
  const database = path.join(scratch.path, 'greylist.mdb');
  const fail = (what: unknown) => {
    throw what;
  };
  const limits = { retryWindow: 0, maxAge: 0, maxWaiting: 0 };
  const store = openStore({
    path: database,
    sync: 'later',
    limits,
    onDamage: fail,
    onTrouble: fail,
    onFull: fail,
  });
  store.remember({ client: '192.0.2.1', sender: 'a', recipient: 'b' }, 1000);
  const lock = openLock(database);
  const held: boolean[] = [];
  waitsForDisk = () => void held.push(isHeld(lock));
  store.close();
  closeSync(lock.fd);
  expect(held.length).toBeGreaterThan(1);
  expect(held).toEqual(held.map(() => false));
  scratch.remove();
});
