// The keeper of the database's file, where what it does for others does not show in what it returns.
import { spawn } from 'node:child_process';
import {
  chmodSync,
  closeSync,
  copyFileSync,
  lstatSync,
  renameSync,
  rmSync,
  type StatsFs,
  statSync,
  symlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
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
import { type Keeper, type KeeperOptions, newKeeper } from '../../../src/store/embedded/keeper.ts';
import { flush, flushLast, mostHeld } from '../../../src/store/lmdb/durable.ts';
import { openWriter } from '../../../src/store/lmdb/open.ts';
import { begin as beginWith, transactBatch } from '../../../src/store/lmdb/transaction.ts';
import { closeWriter, type Writer } from '../../../src/store/lmdb/writer.ts';
import { isHeld, type LockFile, openLock } from '../../../src/store/pages/lock.ts';
import { isKept, markedTxn } from '../../../src/store/pages/mark.ts';
import { seek } from '../../../src/store/pages/tree.ts';
import type { Triple } from '../../../src/store/store.ts';
import { openFiles } from '../../support/files.ts';
import { testScratch } from '../../support/scratch.ts';
import { until } from '../../support/until.ts';
import { putNumber } from '../filled.ts';
import { statesHeld } from '../lmdb/slots.ts';
import { storeAt as begin } from '../opened.ts';
import { cutPower, leaveUnfinished } from '../unfinished.ts';

/** Called whenever somebody waits for the disk. */
let waitsForDisk = () => {};
/** What the disk says to the next flush in the background, and how often it was asked. */
let refusal: Error | undefined;
let asked = 0;
/** How many blocks are free, if not what the file system says; and what happens when a name is looked at. */
let free: number | undefined;
let looksAt = (_: string) => {};
/** How often something was read, and what the next reading says. */
let reads = 0;
let unreadable: Error | undefined;
vi.mock('node:fs', async (original) => {
  const fs = await original<typeof import('node:fs')>();
  return {
    ...fs,
    fdatasyncSync: (fd: number) => {
      waitsForDisk();
      fs.fdatasyncSync(fd);
    },
    statfsSync: (name: string) =>
      ({ ...fs.statfsSync(name), ...(free !== undefined && { bavail: free }) }) as StatsFs,
    lstatSync: (...args: Parameters<typeof lstatSync>) => {
      looksAt(String(args[0]));
      return fs.lstatSync(...args);
    },
    readSync: ((...args: Parameters<typeof fs.readSync>) => {
      reads++;
      if (unreadable !== undefined) throw unreadable;
      return fs.readSync(...args);
    }) as typeof fs.readSync,
    fdatasync: (fd: number, done: (error: Error | null) => void) => {
      asked++;
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
  waitsForDisk = () => {};
  looksAt = () => {};
  free = undefined;
  unreadable = undefined;
});

/** A keeper of a database with one record, its lock file, and what it has told. `put` puts another record. */
function opened(sync: KeeperOptions['sync'] = 'later') {
  const scratch = testScratch();
  const database = path.join(scratch.path, 'greylist.mdb');
  const told: string[] = [];
  const begin = () =>
    newKeeper({
      path: database,
      sync,
      onDamage: (what) => told.push(what),
      onTrouble: ({ message }) => told.push(message),
    });
  const keeper = begin();
  const put = (n: number, by = keeper) => by.settle(() => by.change((writer) => putNumber(writer, n, 1000)));
  put(1);
  const lock = openLock(database);
  const close = () => {
    keeper.close();
    closeSync(lock.fd);
  };
  return { database, told, keeper, begin, put, lock, close };
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

/** Whether the record of that number is found. */
function has(keeper: Keeper, number: number): boolean {
  const key = Buffer.alloc(8);
  key.writeBigUInt64BE(BigInt(number));
  return keeper.settle(() => {
    const { path, meta } = keeper.look()!;
    return seek(path, meta, key, 8) >= 0;
  });
}

/** Puts another file in the place of the database, with the same records, as compact does. */
function replace(database: string): number {
  copyFileSync(database, `${database}.other`);
  renameSync(`${database}.other`, database);
  return statSync(database).ino;
}

/** What this process has open of the database, also of files that were replaced. */
const filesOf = (database: string) => openFiles().filter((name) => name.startsWith(database));

test('where there is no database there is nothing to look at', () => {
  const { database, begin, close } = opened();
  rmSync(database);
  const keeper = begin();
  expect(keeper.settle(() => keeper.look())).toBeUndefined();
  close();
});

test('another file in its place is seen within a second, at once by who has to be sure, and by any clock', () => {
  vi.useFakeTimers({ toFake: ['Date'] });
  const { database, begin, put, close } = opened();
  const keeper = begin();
  const found = (sure?: boolean) => keeper.settle(() => keeper.look(sure)!.path.file.ino);
  const first = found();
  const second = replace(database);
  expect(found()).toBe(first);
  const later = (ms: number) => vi.setSystemTime(Date.now() + ms);
  later(999);
  expect(found()).toBe(first);
  later(1);
  expect(found()).toBe(second);
  later(1000);
  expect(found()).toBe(second);
  const third = replace(database);
  later(999); // after the last look
  expect(found()).toBe(second);
  expect(found(true)).toBe(third);
  const fourth = replace(database);
  later(-3_600_000);
  expect(found()).toBe(fourth);
  put(2, keeper);
  expect(filesOf(database).filter((name) => name.endsWith('(deleted)'))).toHaveLength(3); // the other keeper's
  keeper.close();
  close();
  expect(filesOf(database)).toEqual([]);
});

test.each<[string, (keeper: Keeper) => void]>([
  ['looked at', (keeper) => keeper.look()],
  ['changed', (keeper) => keeper.change(() => true)],
])('a link in its place is not %s, nor what anybody could have put there', (_, work) => {
  const { database, begin, close } = opened();
  renameSync(database, `${database}.other`);
  symlinkSync(`${database}.other`, database);
  const keeper = begin();
  expect(() => keeper.settle(() => work(keeper))).toThrow(/is a symbolic link/);
  chmodSync(path.dirname(database), 0o777);
  expect(() => keeper.settle(() => work(keeper))).toThrow(/is writable by everybody/);
  chmodSync(path.dirname(database), 0o700);
  expect([lstatSync(database).isSymbolicLink(), keeper.isReady()]).toEqual([true, false]);
  close();
});

test.each<[string, (keeper: Keeper, put: (n: number) => void) => void, (keeper: Keeper) => void]>([
  ['who looks first', () => {}, (keeper) => keeper.look()],
  ['who changes first', () => {}, (keeper) => keeper.change(() => false)],
  [
    'who has looked at another one before',
    (keeper) => keeper.settle(() => keeper.look()),
    (keeper) => keeper.look(true),
  ],
  [
    'who had to close it before',
    (keeper, put) => {
      put(2);
      keeper.settle(() => keeper.look());
      const trouble = () => {
        throw new StoreError('trouble');
      };
      expect(() => keeper.settle(trouble)).toThrow('trouble');
    },
    (keeper) => keeper.change(() => false),
  ],
])(
  'what a power cut has left unfinished, with nothing to go back to, is set aside by %s',
  (_, before, work) => {
    const { database, told, keeper: other, begin, put, close } = opened();
    const keeper = begin();
    before(keeper, (n) => put(n, keeper));
    other.close();
    replace(database);
    leaveUnfinished(database);
    keeper.settle(() => work(keeper));
    expect(told).toEqual([expect.stringContaining('was left unfinished by a power cut')]);
    put(3, keeper);
    expect(has(keeper, 3)).toBe(true);
    keeper.close();
    close();
  },
);

test('after a power cut who only looks finds the state that was safe', () => {
  const { database, keeper: first, begin, told, close } = opened();
  first.close();
  const writer = openWriter(database);
  flush(writer);
  transactBatch(writer, () => putNumber(writer, 2, 1000));
  closeWriter(writer);
  cutPower(database);
  const keeper = begin();
  expect([has(keeper, 1), has(keeper, 2), told]).toEqual([true, false, []]);
  keeper.close();
  close();
});

test('while another process sets the database aside, who looks waits for the new one', () => {
  const { database, begin, close } = opened();
  const sign = `${database}.recovering`;
  renameSync(database, `${database}.new`);
  symlinkSync(String(process.ppid), sign);
  looksAt = (name) => {
    if (name !== sign) return; // the database was just found missing
    looksAt = () => {};
    renameSync(`${database}.new`, database);
    rmSync(sign);
  };
  const keeper = begin();
  expect(has(keeper, 1)).toBe(true);
  keeper.close();
  close();
});

test('what was being saved by a process that is gone is saved by who looks next', () => {
  const { database, keeper: first, begin, told, put, close } = opened();
  put(2);
  first.close();
  renameSync(database, `${database}.damaged-1`);
  symlinkSync(`${2 ** 30} greylist.mdb.damaged-1`, `${database}.saving`);
  const keeper = begin();
  keeper.settle(() => keeper.look());
  keeper.close();
  expect(told).toEqual([expect.stringContaining('was being saved by a process that is gone')]);
  expect(lstatSync(`${database}.saving`, { throwIfNoEntry: false })).toBeUndefined();
  close();
});

test('with sync always a change is on the disk when it is made, and so is what another process has changed before', () => {
  const { database, keeper, put, close } = opened('always');
  const marked = () =>
    keeper.settle(() => {
      const { path, meta } = keeper.look()!;
      return { safe: markedTxn(path.file) === meta.txnid, kept: isKept(path.file) };
    });
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  put(2);
  expect(vi.getTimerCount()).toBe(0);
  expect(marked()).toEqual({ safe: true, kept: true });
  const other = openWriter(database);
  transactBatch(other, () => putNumber(other, 3, 1000));
  expect(marked().safe).toBe(false);
  keeper.settle(() => keeper.change(() => false));
  expect(marked()).toEqual({ safe: true, kept: true });
  closeWriter(other);
  close();
});

test('in a storm of changes the marked state is given up: the file does not grow for ever', () => {
  const { keeper, put, close } = opened();
  keeper.settle(() => keeper.flush());
  const kept = () => isKept(keeper.settle(() => keeper.look()!.path.file));
  expect(kept()).toBe(true);
  for (let n = 0; n <= mostHeld(0); n++) put(n);
  expect(kept()).toBe(false);
  close();
});

test('a change is flushed a second later, also where the disk was full meanwhile; then nothing is left to do', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  let up = 1000;
  vi.spyOn(process, 'uptime').mockImplementation(() => up);
  const { keeper, told, close } = opened();
  keeper.settle(() => keeper.flush());
  let writer: Writer | undefined;
  keeper.settle(() =>
    keeper.change((one) => {
      writer = one;
      return false;
    }),
  );
  const later = (ms: number) => {
    up += ms / 1000;
    vi.advanceTimersByTime(ms);
  };
  for (let i = 0; i < 4; i++) later(1000); // what was held for the change that came to nothing
  await until(() => writer!.flushing === undefined);
  for (let i = 0; i < 4; i++) later(1000);
  expect(vi.getTimerCount()).toBe(0);
  keeper.settle(() => keeper.change((one) => putNumber(one, 2, 1000)));
  const before = asked;
  later(999);
  expect(asked).toBe(before);
  [writer!.copies, free] = [true, 0];
  later(1);
  expect(asked).toBe(before);
  free = undefined;
  later(1000);
  expect([asked, told]).toEqual([before + 1, []]);
  close();
  expect(vi.getTimerCount()).toBe(0);
});

test('a look at what was looked at before reads its head once, and no more', () => {
  const { begin, close } = opened();
  const keeper = begin();
  const readsOf = () => {
    const before = reads;
    keeper.settle(() => keeper.look());
    return reads - before;
  };
  expect(readsOf()).toBeGreaterThan(1);
  expect([readsOf(), readsOf()]).toEqual([1, 1]);
  keeper.close();
  close();
});

test('it is not busy where the lock file cannot be read: a change will meet that', () => {
  const { keeper, close } = opened();
  unreadable = new Error('i/o error');
  expect(keeper.isBusy()).toBe(false);
  unreadable = undefined;
  close();
});

test('it is busy while another one has the lock', () => {
  const { database, keeper, begin, close } = opened();
  const other = openWriter(database);
  const fresh = begin();
  expect([keeper.isBusy(), fresh.isBusy()]).toEqual([false, false]);
  beginWith(other);
  expect([keeper.isBusy(), fresh.isBusy()]).toEqual([true, false]); // who has not opened it would not know
  other.env.abortTxn();
  closeWriter(other);
  close();
});

test.each<[string, (keeper: Keeper) => void, boolean]>([
  ['look', (keeper) => keeper.look(), false],
  ['change, though there was a commit since', (keeper) => keeper.change(() => false), true],
])('what another process has made safe is let go at the next %s', (_, work, commits) => {
  const { database, keeper, put, close } = opened();
  put(2);
  const other = openWriter(database);
  const commit = (n: number) => transactBatch(other, () => putNumber(other, n, 1000));
  commit(3);
  flushLast(other);
  if (commits) commit(4);
  keeper.settle(() => work(keeper));
  expect(statesHeld(database)).toBe(commits ? 1 : 0); // that of the other one
  closeWriter(other);
  close();
});

test('whoever closes the database waits for the disk, and has nobody else wait for it', () => {
  const scratch = testScratch();
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
  const scratch = testScratch();
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
});
