// The keeper of the database's file, where what it does for others does not show in what it returns.
import { spawn } from 'node:child_process';
import { closeSync, statSync, writeFileSync, writeSync } from 'node:fs';
import path from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import {
  BadLockError,
  BusyError,
  DamageError,
  FullError,
  MovedError,
  StoreError,
} from '../../../src/store/damage.ts';
import { isStopped } from '../../../src/store/disk/alive.ts';
import { openStore } from '../../../src/store/embedded/embedded.ts';
import { newKeeper } from '../../../src/store/embedded/keeper.ts';
import { isHeld, type LockFile, openLock } from '../../../src/store/pages/lock.ts';
import { seek } from '../../../src/store/pages/tree.ts';
import type { Triple } from '../../../src/store/store.ts';
import { openFiles } from '../../support/files.ts';
import { makeScratch } from '../../support/scratch.ts';
import { until } from '../../support/until.ts';
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

function begin(database: string) {
  const fail = (what: unknown) => {
    throw what;
  };
  return openStore({
    path: database,
    sync: 'later',
    limits: { retryWindow: 0, maxAge: 0, maxWaiting: 0 },
    onDamage: fail,
    onTrouble: fail,
    onFull: fail,
  });
}

test('whoever closes the database waits for the disk, and has nobody else wait for it', () => {
  const scratch = makeScratch();
  const database = path.join(scratch.path, 'greylist.mdb');
  const store = begin(database);
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

/** Has a process that is stopped hold LMDB's lock, until what is returned is called. */
async function holdStopped(lock: LockFile): Promise<() => void> {
  const stopped = spawn('sleep', ['1000']);
  stopped.kill('SIGSTOP');
  await until(() => isStopped(stopped.pid!));
  writeSync(lock.fd, Uint32Array.of(stopped.pid!), 0, 4, MUTEX);
  return () => {
    writeSync(lock.fd, Uint32Array.of(0), 0, 4, MUTEX);
    stopped.kill('SIGKILL');
  };
}
const MUTEX = 64; // its word in the lock file has the process's number

test('while a process that is stopped has the lock, look-ups and new triples go on, and changes are refused; nothing is lost', async () => {
  const scratch = makeScratch();
  const database = path.join(scratch.path, 'greylist.mdb');
  const [a, c] = ['a', 'c'].map((sender) => ({ client: '192.0.2.1', sender, recipient: 'b' })) as [
    Triple,
    Triple,
  ];
  const store = begin(database);
  store.look(a, 1000);
  store.remember(a, 1000);
  store.pass(a, 2000, true);
  const lock = openLock(database);
  const goOn = await holdStopped(lock);
  expect(store.look(a, 3000)).toMatchObject({ firstSeen: 1000, passed: true, comeBacks: 1 });
  expect(store.look(c, 3000).firstSeen).toBe(0);
  expect(store.remember(c, 3000)).toBe(3000);
  const other = begin(database);
  for (const one of [store, other]) {
    expect(() => one.pass(a, 3000, true)).toThrow(BusyError);
    expect(() => one.pass(a, 3000, true)).toThrow(/is held by a process that is stopped, \d+: let it/);
    expect(one.look(c, 3001)).toMatchObject({ firstSeen: 3000, comeBacks: 1 });
  }
  goOn();
  closeSync(lock.fd);
  other.pass(c, 4000, true);
  for (const one of [store, other]) {
    expect(one.look(c, 4000)).toMatchObject({ firstSeen: 3000, passed: true, comeBacks: 2 });
    one.close();
  }
  scratch.remove();
});
