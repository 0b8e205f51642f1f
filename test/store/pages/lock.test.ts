// The lock file, as other processes may leave it.
import { spawnSync } from 'node:child_process';
import fs, {
  closeSync,
  openSync,
  readdirSync,
  readSync,
  statSync,
  unlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import path from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import { openStore } from '../../../src/store/embedded/embedded.ts';
import { type NativeEnv, native } from '../../../src/store/lmdb/native.ts';
import { isRubbishInUse, makeLock } from '../../../src/store/pages/lock.ts';
import { openFiles } from '../../support/files.ts';
import { greylatch, startFilter } from '../../support/filter.ts';
import { dunno, shortRequest } from '../../support/requests.ts';
import { makeScratch } from '../../support/scratch.ts';

const LAST_TXN = 8; // where LMDB's lock file names the last transaction

/** Has `meanwhile` done when LMDB next has opened its files. */
function whileOpening(meanwhile: () => void): void {
  const addon = native();
  const { Env } = addon;
  addon.Env = class extends Env {
    override open(...how: Parameters<NativeEnv['open']>): void {
      addon.Env = Env;
      super.open(...how);
      meanwhile();
    }
  };
}

/** As mdb_env_open() of lmdb 3.5 does when others commit while it reads the database. */
function setBack(lock: string, transactions: bigint): void {
  const fd = openSync(lock, 'r+');
  const word = Buffer.alloc(8);
  readSync(fd, word, 0, 8, LAST_TXN);
  word.writeBigUInt64LE(word.readBigUInt64LE() - transactions);
  writeSync(fd, word, 0, 8, LAST_TXN);
  closeSync(fd);
}

afterEach(() => {
  vi.restoreAllMocks();
  syncBuiltinESMExports();
});

test('what one that was killed amid making a lock file has left goes when the next is made', () => {
  const scratch = makeScratch();
  const left = path.join(scratch.path, `greylist.mdb-lock.${2 ** 30}`);
  writeFileSync(left, '');
  makeLock(path.join(scratch.path, 'greylist.mdb'));
  expect(readdirSync(scratch.path)).toEqual(['greylist.mdb-lock']);
  scratch.remove();
});

test('a lock file that another process has just made is not taken for rubbish, and rubbish is', () => {
  const scratch = makeScratch();
  const lock = path.join(scratch.path, 'greylist.mdb-lock');
  makeLock(path.join(scratch.path, 'greylist.mdb'));
  const { ino } = statSync(lock);
  const { readFileSync } = fs;
  /** Has another process hold the shared lock, and the file begin with `magic`, when it is looked who holds locks. */
  const heldWith = (magic: number) => {
    vi.spyOn(fs, 'readFileSync').mockImplementation(((name, options) => {
      if (name !== '/proc/locks') return readFileSync(name, options);
      writeFileSync(lock, Buffer.from(Uint32Array.of(magic).buffer), { flag: 'r+' });
      return `1: POSIX  ADVISORY  READ 1 08:01:${ino} 0 0\n`;
    }) as typeof readFileSync);
    syncBuiltinESMExports();
    return isRubbishInUse(lock, ino);
  };
  expect(heldWith(0)).toBe(true);
  expect(heldWith(0xbeefc0de)).toBe(false);
  scratch.remove();
});

test.each([1n, 2n, 3n])('a last transaction that is set back by %d undoes nothing', async (transactions) => {
  const scratch = makeScratch();
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
  scratch.remove();
});

test.each([
  ['removed', () => {}],
  ['replaced', makeLock],
])('whoever opens the database while its lock file is %s opens it again', (_, afterwards) => {
  const scratch = makeScratch();
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
  scratch.remove();
});
