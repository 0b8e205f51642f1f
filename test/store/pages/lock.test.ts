// The lock file, as other processes may leave it.
import { spawnSync } from 'node:child_process';
import fs, {
  closeSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  renameSync,
  statSync,
  symlinkSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { MovedError, StoreError } from '../../../src/store/damage.ts';
import { openStore } from '../../../src/store/embedded/embedded.ts';
import {
  awaitLock,
  closeLock,
  isDestroyed,
  isHeld,
  isRubbishInUse,
  isSound,
  type LockFile,
  lockPath,
  makeLock,
  noteLast,
  openLock,
  restoreSize,
  sizeNow,
} from '../../../src/store/pages/lock.ts';
import { openFiles } from '../../support/files.ts';
import { greylatch, startFilter } from '../../support/filter.ts';
import { dunno, shortRequest } from '../../support/requests.ts';
import { testScratch, useScratch } from '../../support/scratch.ts';
import { unmock } from '../../support/unmock.ts';
import { whileOpening } from '../opening.ts';

const LAST_TXN = 8; // where LMDB's lock file names the last transaction

/** As mdb_env_open() of lmdb 3.5 does when others commit while it reads the database. */
function setBack(lock: string, transactions: bigint): void {
  const fd = openSync(lock, 'r+');
  const word = Buffer.alloc(8);
  readSync(fd, word, 0, 8, LAST_TXN);
  word.writeBigUInt64LE(word.readBigUInt64LE() - transactions);
  writeSync(fd, word, 0, 8, LAST_TXN);
  closeSync(fd);
}

afterEach(unmock);

test('what one that was killed amid making a lock file has left goes when the next is made', () => {
  const scratch = testScratch();
  const left = path.join(scratch.path, `greylist.mdb-lock.tmp-${2 ** 30}`);
  writeFileSync(left, '');
  makeLock(path.join(scratch.path, 'greylist.mdb'));
  expect(readdirSync(scratch.path)).toEqual(['greylist.mdb-lock']);
});

test('a lock file that another process has just made is not taken for rubbish, and rubbish is', () => {
  const scratch = testScratch();
  const lock = path.join(scratch.path, 'greylist.mdb-lock');
  makeLock(path.join(scratch.path, 'greylist.mdb'));
  const { ino } = statSync(lock);
  const { readFileSync } = fs;
  /** Has another process hold the shared lock, and the file begin with `magic`, when it is looked who holds locks. */
  const heldWith = (magic: number, lockOf = `READ 1 08:01:${ino}`) => {
    vi.spyOn(fs, 'readFileSync').mockImplementation(((name, options) => {
      if (name !== '/proc/locks') return readFileSync(name, options);
      writeFileSync(lock, Buffer.from(Uint32Array.of(magic).buffer), { flag: 'r+' });
      return `1: POSIX  ADVISORY  ${lockOf} 0 0\n`;
    }) as typeof readFileSync);
    syncBuiltinESMExports();
    return isRubbishInUse(lock, ino);
  };
  expect(heldWith(0)).toBe(true);
  expect(heldWith(0xbeefc0de)).toBe(false);
  // Who makes it at this moment holds it exclusively; and of another file it does not matter.
  expect(heldWith(0, `WRITE 1 08:01:${ino}`)).toBe(false);
  expect(heldWith(0, `READ 1 08:01:${ino}7`)).toBe(false);
});

describe('a lock file made by hand', () => {
  const MUTEX = 64;
  const KIND = 80;
  const TABLE = 208;
  const DIED = 0x40000000;
  const NOBODY = 2 ** 22 + 1; // more than any process has
  const scratch = useScratch('of each');
  let lock: LockFile;
  const database = () => path.join(scratch.path, 'greylist.mdb');
  const word = (at: number, number: number) => {
    const fd = openSync(lockPath(database()), 'r+');
    writeSync(fd, Uint32Array.of(number), 0, 4, at);
    closeSync(fd);
  };
  beforeEach(() => {
    makeLock(database());
    for (const [at, number] of [
      [0, 0xbeefc0de],
      [4, 77],
      [KIND, 0x90],
    ] as const)
      word(at, number);
    lock = openLock(database());
  });
  afterEach(() => closeLock(lock));

  test('is one page of zeros at first, and stays what it is where there is one', () => {
    makeLock(database());
    expect(isSound(lock)).toBe(true);
    unlinkSync(lockPath(database()));
    makeLock(database());
    expect(readFileSync(lockPath(database()))).toEqual(Buffer.alloc(4096));
    expect(statSync(lockPath(database())).mode & 0o777).toBe(0o600);
    expect(readdirSync(scratch.path)).toEqual(['greylist.mdb-lock']);
    expect(() => makeLock(path.join(scratch.path, 'none/greylist.mdb'))).toThrow(StoreError);
  });

  test('is sound as long as what never changes is as it was, and it has all of it', () => {
    const sound = readFileSync(lockPath(database()));
    const found = (...change: Parameters<typeof word>) => {
      word(...change);
      const wrong = awaitLock(lock);
      expect(isSound(lock)).toBe(wrong === '');
      writeFileSync(lockPath(database()), sound, { flag: 'r+' });
      return wrong;
    };
    for (const at of [0, 4, KIND]) expect(found(at, 1)).toBe('is overwritten');
    // Sixty readers have room (the first one's process stands at 216: seen in a lock file of liblmdb's own).
    expect(found(16, 60)).toBe('');
    expect(found(16, 61)).toBe('has too many readers');
    expect(found(8, 4711)).toBe('');
    truncateSync(lockPath(database()), TABLE - 1);
    expect(awaitLock(lock)).toBe('is truncated');
    unlinkSync(lockPath(database()));
    expect(() => awaitLock(lock)).toThrow(MovedError); // then nothing has to be right with it
  });

  test('is held by a process that lives; where it never seems free, the caller waits in liblmdb', () => {
    expect([awaitLock(lock), isHeld(lock)]).toEqual(['', false]);
    word(MUTEX, process.ppid);
    expect([awaitLock(lock), isHeld(lock)]).toEqual(['', true]);
    word(MUTEX, (process.ppid | 0x80000000) >>> 0); // others wait for it
    expect([awaitLock(lock), isHeld(lock)]).toEqual(['', true]);
    word(0, 1);
    expect(isHeld(lock)).toBe(false);
  });

  /** Has one process hold the lock, and from that look on another one, or nobody. Returns how often it was looked at. */
  function watch(holder: number, change: number, next: number): () => number {
    const { readSync } = fs;
    let looks = 0;
    word(MUTEX, holder);
    vi.spyOn(fs, 'readSync').mockImplementation(((...how: Parameters<typeof readSync>) => {
      if (how[0] === lock.fd && ++looks === change) word(MUTEX, next);
      return readSync(...how);
    }) as typeof readSync);
    syncBuiltinESMExports();
    return () => {
      unmock();
      return looks;
    };
  }

  test('is looked at again and again while it is held, outside of liblmdb, and no longer than that', () => {
    const looks = (free: number) => {
      const looks = watch(process.ppid, free, 0);
      expect(awaitLock(lock)).toBe('');
      return looks();
    };
    for (const free of [1, 2, 10]) expect(looks(free)).toBe(free);
    const most = looks(0);
    expect(most).toBeGreaterThan(10);
    expect(most).toBeLessThan(200);
  });

  test('is rubbish where it is held by nobody for long; a holder that has just died is none', () => {
    word(MUTEX, NOBODY);
    expect(isHeld(lock)).toBe(false);
    expect(awaitLock(lock)).toBe('is locked by a process that does not exist');
    word(MUTEX, NOBODY + DIED); // the kernel says so, and hands it on
    expect(awaitLock(lock)).toBe('');
    // While it is looked whether that lasts, it is free again, or another one's.
    for (const next of [0, process.ppid, NOBODY + DIED]) {
      const looks = watch(NOBODY, 3, next);
      expect(awaitLock(lock)).toBe('');
      expect(looks()).toBeGreaterThan(2);
    }
  });

  test('of another kind does not say who holds it', () => {
    closeLock(lock);
    word(KIND, 0x80);
    word(MUTEX, NOBODY);
    lock = openLock(database());
    expect([awaitLock(lock), isHeld(lock)]).toEqual(['', false]);
  });

  test('whose mutex was destroyed has to be opened again', () => {
    expect(isDestroyed(lock)).toBe(false);
    closeLock(lock);
    word(KIND, 0xffffffff);
    lock = openLock(database());
    expect(isDestroyed(lock)).toBe(true);
  });

  test('is told the last transaction, and nothing else', () => {
    const before = readFileSync(lockPath(database()));
    noteLast(lock, 2 ** 40 + 3);
    const after = readFileSync(lockPath(database()));
    expect(after.readBigUInt64LE(LAST_TXN)).toBe(BigInt(2 ** 40 + 3));
    before.writeBigUInt64LE(BigInt(2 ** 40 + 3), LAST_TXN);
    expect(after).toEqual(before);
  });

  test('gets back the size that LMDB has mapped, a page at least, and keeps a larger one', () => {
    const now = () => statSync(lockPath(database())).size;
    const cut = (size: number) => truncateSync(lockPath(database()), size);
    expect(sizeNow(lock)).toBe(4096);
    cut(100);
    expect(sizeNow(lock)).toBe(100);
    restoreSize(lock);
    expect(now()).toBe(4096);
    cut(9000);
    restoreSize(lock);
    expect(now()).toBe(9000);
    restoreSize({ ...lock, size: 10_000 });
    expect(now()).toBe(10_000);
    cut(100);
    restoreSize({ ...lock, size: 100 });
    expect(now()).toBe(4096);
    unlinkSync(lockPath(database()));
    expect(() => sizeNow(lock)).toThrow(MovedError);
  });

  test('which is gone, or a link, is not opened', () => {
    const { ino } = lock;
    writeFileSync(lockPath(database()), 'rubbish');
    expect(isRubbishInUse(lockPath(database()), ino)).toBe(false); // of nobody: LMDB makes it anew
    renameSync(lockPath(database()), `${lockPath(database())}.old`);
    expect(() => openLock(database())).toThrow(MovedError);
    expect(() => isRubbishInUse(lockPath(database()), ino)).toThrow(MovedError);
    symlinkSync(`${lockPath(database())}.old`, lockPath(database()));
    expect(() => isRubbishInUse(lockPath(database()), ino)).toThrow('ELOOP');
    expect(openFiles().filter((name) => name.startsWith(database()))).toHaveLength(1);
  });
});

test.each([1n, 2n, 3n])('a last transaction that is set back by %d undoes nothing', async (transactions) => {
  const scratch = testScratch();
  const database = path.join(scratch.path, 'greylist.mdb');
  const log = `file:${scratch.path}/log`;
  const words = greylatch('--db', database, '--log', log, '--delay', '0', '--auto-whitelist', '1000');
  const filters = await Promise.all([startFilter(words), startFilter(words)]);
  const request = shortRequest('192.0.2.1', 's@example.org', 'r@example.net');
  let comeBacks = 0;
  while (comeBacks === 0) if ((await filters[0].ask(request)) === dunno) comeBacks++;
  // Each is counted in a transaction of its own.
  for (let n = 0; n < 60; n++) {
    if ((await filters[n % 2]!.ask(request)) === dunno) comeBacks++;
    if (n % 5 === 4) setBack(`${database}-lock`, transactions);
  }
  for (const filter of filters) expect(await filter.finish()).toMatchObject({ code: 0 });
  expect(comeBacks).toBe(61);
  const [node, ...exported] = greylatch('export', '--db', database);
  const { stdout } = spawnSync(node!, exported, { encoding: 'utf8' });
  expect(stdout).toContain(`"comeBacks":${comeBacks}`);
  const [, ...verify] = greylatch('verify', '--db', database, '--json');
  expect(JSON.parse(spawnSync(node!, verify, { encoding: 'utf8' }).stdout)).toMatchObject({ sound: true });
});

test.each([
  ['removed', () => {}],
  ['replaced', makeLock],
])('whoever opens the database while its lock file is %s opens it again', (_, afterwards) => {
  const scratch = testScratch();
  const database = path.join(scratch.path, 'greylist.mdb');
  const triple = { client: '192.0.2.1', sender: 's@example.org', recipient: 'r@example.net' };
  const trouble: unknown[] = [];
  const note = (what: unknown) => void trouble.push(what);
  const limits = { retryWindow: 0, maxAge: 0, maxWaiting: 0 };
  const begin = () =>
    openStore({ path: database, sync: 'later', limits, onDamage: note, onTrouble: note, onFull: note });
  const before = begin();
  before.remember(triple, 1000);
  before.close();
  const store = begin();
  whileOpening(() => {
    unlinkSync(`${database}-lock`);
    afterwards(database);
  });
  store.pass(triple, 2000, true);
  expect(store.look(triple, 3000)).toMatchObject({ passed: true, comeBacks: 1 });
  expect(openFiles().filter((name) => name.startsWith(database) && name.includes('deleted'))).toEqual([]);
  store.close();
  expect(trouble).toEqual([]);
});
