// The keeper of the database's file, where what it does for others does not show in what it returns.
import { spawn } from 'node:child_process';
import { closeSync, writeSync } from 'node:fs';
import path from 'node:path';
import { expect, test, vi } from 'vitest';
import { BusyError } from '../../../src/store/damage.ts';
import { isStopped } from '../../../src/store/disk/alive.ts';
import { openStore } from '../../../src/store/embedded/embedded.ts';
import { isHeld, type LockFile, openLock } from '../../../src/store/pages/lock.ts';
import type { Triple } from '../../../src/store/store.ts';
import { makeScratch } from '../../support/scratch.ts';
import { until } from '../../support/until.ts';

/** Called whenever somebody waits for the disk. */
let waitsForDisk = () => {};
vi.mock('node:fs', async (original) => {
  const fs = await original<typeof import('node:fs')>();
  return {
    ...fs,
    fdatasyncSync: (fd: number) => {
      waitsForDisk();
      fs.fdatasyncSync(fd);
    },
  };
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
