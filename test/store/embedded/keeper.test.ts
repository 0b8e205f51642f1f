// The keeper of the database's file, where what it does for others does not show in what it returns.
import { closeSync } from 'node:fs';
import path from 'node:path';
import { expect, test, vi } from 'vitest';
import { openStore } from '../../../src/store/embedded/embedded.ts';
import { isHeld, openLock } from '../../../src/store/pages/lock.ts';
import { makeScratch } from '../../support/scratch.ts';

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
