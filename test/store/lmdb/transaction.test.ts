// Transactions, whatever has happened to the files or is under way.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import fs, {
  closeSync,
  copyFileSync,
  existsSync,
  openSync,
  renameSync,
  rmSync,
  type StatsFs,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import path from 'node:path';
import { afterEach, describe, expect, test, vi } from 'vitest';
import {
  BadLockError,
  BusyError,
  DamageError,
  FullError,
  MovedError,
  StoreError,
} from '../../../src/store/damage.ts';
import { isStopped } from '../../../src/store/disk/alive.ts';
import type { NativeEnv } from '../../../src/store/lmdb/native.ts';
import { openWriter } from '../../../src/store/lmdb/open.ts';
import { transact, transactBatch, withLock } from '../../../src/store/lmdb/transaction.ts';
import { closeWriter, type Writer } from '../../../src/store/lmdb/writer.ts';
import { seekForPut } from '../../../src/store/pages/check.ts';
import type { Meta } from '../../../src/store/pages/format.ts';
import { readHead } from '../../../src/store/pages/head.ts';
import { isHeld, lockPath } from '../../../src/store/pages/lock.ts';
import { seek } from '../../../src/store/pages/tree.ts';
import * as record from '../../../src/store/records/record.ts';
import { project } from '../../support/project.ts';
import { testScratch } from '../../support/scratch.ts';
import { unmock } from '../../support/unmock.ts';
import { until } from '../../support/until.ts';
import { putNumber } from '../filled.ts';

test('what was committed to a file that was set aside meanwhile does not count', () => {
  const scratch = testScratch();
  const place = path.join(scratch.path, 'greylist.mdb');
  const writer = openWriter(place);
  const before = writer.committed;
  expect(() =>
    transact(writer, () => {
      rmSync(lockPath(place)); // whoever sets it aside does that first
      renameSync(place, `${place}.damaged`);
      return putNumber(writer, 1, 1000);
    }),
  ).toThrow(MovedError);
  expect(writer.committed).toBe(before);
  closeWriter(writer);
});

test('nor where it is set aside while the commit is written', () => {
  const scratch = testScratch();
  const place = path.join(scratch.path, 'greylist.mdb');
  const writer = openWriter(place);
  transact(writer, () => putNumber(writer, 0, 1000)); // takes a reader's slot, which needs the environment itself
  const before = writer.committed;
  change(writer, (env) => ({
    commitTxn: () => {
      rmSync(lockPath(place));
      renameSync(place, `${place}.damaged`);
      return env.commitTxn();
    },
  }));
  expect(() => transact(writer, () => putNumber(writer, 1, 1000))).toThrow(MovedError);
  expect(writer.committed).toBe(before);
  closeWriter(writer);
});

test('where another file was put in its place, and the lock file not yet removed, nothing is committed', () => {
  const scratch = testScratch();
  const place = path.join(scratch.path, 'greylist.mdb');
  const writer = openWriter(place);
  copyFileSync(place, `${place}.new`);
  renameSync(`${place}.new`, place);
  const put = vi.fn(() => putNumber(writer, 1, 1000));
  expect(() => transact(writer, put)).toThrow(MovedError);
  expect(put).not.toHaveBeenCalled();
  closeWriter(writer);
});

test('where the lock file names an older transaction, nothing that was committed since is undone', () => {
  const scratch = testScratch();
  const writer = openWriter(path.join(scratch.path, 'greylist.mdb'));
  for (const n of [1, 2]) transact(writer, () => putNumber(writer, n, 1000));
  const { txnid } = readHead(writer.file);
  const older = Buffer.alloc(8);
  older.writeBigUInt64LE(BigInt(txnid - 1));
  writeSync(writer.lock.fd, older, 0, 8, 8); // as a process does that has just opened it
  transact(writer, () => putNumber(writer, 3, 1000));
  const { main, txnid: now } = readHead(writer.file);
  expect([main.entries, now]).toEqual([3, txnid + 1]);
  closeWriter(writer);
});

test('where the lock file is removed during a transaction, nothing is written: others have another lock by then', () => {
  const scratch = testScratch();
  const place = path.join(scratch.path, 'greylist.mdb');
  const writer = openWriter(place);
  const { txnid } = readHead(writer.file);
  expect(() =>
    transact(writer, () => {
      rmSync(lockPath(place));
      return putNumber(writer, 1, 1000);
    }),
  ).toThrow(MovedError);
  expect(readHead(writer.file).txnid).toBe(txnid);
  closeWriter(writer);
});

test.each([
  ['a change', (writer: Writer, work: () => boolean) => void transact(writer, work)],
  ['a batch', (writer: Writer, work: () => boolean) => void transactBatch(writer, work)],
])('where %s throws, nothing is written, and the lock is free', (_, carryOut) => {
  const scratch = testScratch();
  const writer = openWriter(path.join(scratch.path, 'greylist.mdb'));
  const { txnid } = readHead(writer.file);
  const trouble = new Error('in the middle');
  const work = () => {
    putNumber(writer, 1, 1000);
    throw trouble;
  };
  expect(thrownBy(() => carryOut(writer, work))).toBe(trouble);
  expect([readHead(writer.file).txnid, isHeld(writer.lock)]).toEqual([txnid, false]);
  carryOut(writer, () => putNumber(writer, 2, 1000));
  expect([readHead(writer.file).txnid, isHeld(writer.lock)]).toEqual([txnid + 1, false]);
  closeWriter(writer);
});

test('a transaction counts what it has written itself, and takes space for no more', () => {
  const scratch = testScratch();
  const writer = openWriter(path.join(scratch.path, 'greylist.mdb'));
  for (let n = 0; n < 100; n++) {
    transact(writer, () => putNumber(writer, n, 1000));
    transactBatch(writer, () => putNumber(writer, n, 2000));
  }
  const { touched, puts, file } = writer;
  expect({ touched, puts }).toEqual({ touched: 1, puts: 1 });
  const { lastPage, pageSize } = readHead(file);
  expect(file.taken / pageSize - lastPage).toBeLessThan(32);
  withLock(writer, () => {
    const { touched, puts, filled } = writer;
    expect([touched, puts, filled]).toEqual([0, 0, 0]);
  });
  closeWriter(writer);
});

test.each([
  ['takes new space', 0x9123683e, true],
  ['takes none', 0xef53, false],
])(
  'where writing %s and there is none left, a transaction is begun or not accordingly',
  (_, type, refused) => {
    const scratch = testScratch();
    const { statfsSync } = fs;
    const bsize = 4096;
    let bavail = 1e6;
    vi.spyOn(fs, 'statfsSync').mockImplementation(
      (name) => ({ ...statfsSync(name), type, bsize, bavail }) as StatsFs,
    );
    syncBuiltinESMExports();
    const writer = openWriter(path.join(scratch.path, 'greylist.mdb'));
    bavail = 0;
    const work = vi.fn(() => false);
    const error = thrownBy(() => transact(writer, work));
    expect([error instanceof FullError, work.mock.calls.length]).toEqual([refused, refused ? 0 : 1]);
    bavail = 1e6;
    closeWriter(writer);
    unmock();
  },
);

test('what a transaction that came to nothing would have written does not count in the next one', () => {
  const scratch = testScratch();
  const writer = openWriter(path.join(scratch.path, 'greylist.mdb'));
  transact(writer, () => putNumber(writer, 0, 1000));
  const now = vi.spyOn(Date, 'now').mockReturnValue(Date.now()); // so that what was read is not read again
  const splits = [1, 2, 3].map((n) => {
    transact(writer, (meta) => {
      writer.instruction.key.writeBigUInt64BE(BigInt(n));
      seekForPut(writer.path, meta, writer.instruction.key, 8, 3500);
      return false;
    });
    return writer.path.splits;
  });
  now.mockRestore();
  expect(splits).toEqual([splits[0], splits[0], splits[0]]);
  closeWriter(writer);
});

test('whoever makes a new lock file waits before that, or others would not', () => {
  const scratch = testScratch();
  const place = path.join(scratch.path, 'greylist.mdb');
  closeWriter(openWriter(place));
  rmSync(lockPath(place));
  const there: boolean[] = [];
  const wait = vi.spyOn(Atomics, 'wait').mockImplementation(() => {
    there.push(existsSync(lockPath(place)));
    return 'timed-out';
  });
  closeWriter(openWriter(place));
  wait.mockRestore();
  expect(there).toEqual([false]);
});

/** A process that has the database open and is stopped within a transaction. */
async function stopWithin(database: string): Promise<ChildProcess> {
  const open = `
    const addon = require('@lmdb/lmdb-${process.platform}-${process.arch}/node.napi.glibc.node');
    addon.getEnvsPointer();
    const env = new addon.Env();
    const keyBytes = Buffer.allocUnsafeSlow(4096);
    const [path, mapSize] = [${JSON.stringify(database)}, 2 ** 30];
    env.open({ path, keyBytes, maxDbs: 0, maxReaders: 60, permissionsMode: 0o600, mapSize }, 0x4000, 0);
    env.beginTxn(0x10002);
    process.kill(process.pid, 'SIGSTOP');`;
  const child = spawn(process.execPath, ['-e', open], { cwd: project, stdio: 'ignore' });
  await until(() => isStopped(child.pid!));
  return child;
}

test('nobody begins a transaction under a new lock file while another is within one under the old', async () => {
  const scratch = testScratch();
  const place = path.join(scratch.path, 'greylist.mdb');
  closeWriter(openWriter(place));
  const stopped = await stopWithin(place);
  rmSync(lockPath(place));
  expect(() => openWriter(place)).toThrow(BusyError);
  expect(() => openWriter(place)).toThrow(`was removed while process ${stopped.pid} held it`);
  expect(existsSync(lockPath(place))).toBe(false); // or the next one would
  stopped.kill('SIGKILL');
  await once(stopped, 'exit');
  closeWriter(openWriter(place));
});

describe('what is wrong is met before liblmdb could die of it, and nothing is committed', () => {
  test.each<[string, new (...words: never[]) => Error, RegExp, number, (writer: Writer) => void]>([
    [
      'the lock file overwritten',
      BadLockError,
      /is overwritten/,
      0,
      ({ lock }) => writeFileSync(lock.path, 'rubbish!', { flag: 'r+' }),
    ],
    [
      'the lock file cut off while we waited for the lock',
      BadLockError,
      /is truncated/,
      1,
      (writer) =>
        change(writer, (env) => ({
          beginTxn: (flags) => {
            env.beginTxn(flags);
            truncateSync(writer.lock.path, 192);
          },
        })),
    ],
    [
      'both heads of the file overwritten',
      DamageError,
      /./,
      0,
      ({ file }) => writeFileSync(file.path, Buffer.alloc(2 * file.pageSize, 1), { flag: 'r+' }),
    ],
    [
      'no transaction to be had',
      StoreError,
      /gives no transaction/,
      1,
      (writer) => change(writer, () => ({ getWriteTxnId: () => 0 })),
    ],
    [
      'a transaction that does not follow the newest one, again and again',
      BadLockError,
      /names an impossible transaction/,
      20,
      (writer) => change(writer, () => ({ getWriteTxnId: () => 7_000_000 })),
    ],
  ])('%s', (_, kind, message, begins, harm) => {
    const scratch = testScratch();
    const writer = openWriter(path.join(scratch.path, 'greylist.mdb'));
    const { bytes } = writer.lock;
    const before = Buffer.from(bytes);
    harm(writer);
    let begun = 0;
    change(writer, (env) => ({
      beginTxn: (flags) => {
        begun++;
        env.beginTxn(flags);
      },
    }));
    const put = vi.fn(() => putNumber(writer, 1, 1000));
    const error = thrownBy(() => transact(writer, put));
    expect(error).toBeInstanceOf(kind);
    expect((error as Error).message).toMatch(message);
    expect([begun, put.mock.calls.length]).toEqual([begins, 0]);
    writeFileSync(writer.lock.path, before, { flag: 'r+' });
    closeWriter(writer);
  });
});

describe('what liblmdb will read is checked anew, for it may have been damaged since it was checked', () => {
  const NOW = 1_700_000_000_000;
  afterEach(() => void vi.restoreAllMocks());

  /** A writer that has just put a record, and has damage done to a page then; puts another at the time `later`. */
  function damagedThen(
    pageOf: (meta: Meta) => number,
    later: number,
    between: (place: string) => void = () => {},
  ) {
    const scratch = testScratch();
    const place = path.join(scratch.path, 'greylist.mdb');
    const writer = openWriter(place);
    const clock = vi.spyOn(Date, 'now').mockReturnValue(NOW);
    const put = (n: number) =>
      transact(writer, (meta) => {
        const { key } = writer.instruction;
        key.writeBigUInt64BE(BigInt(n));
        seekForPut(writer.path, meta, key, 8, record.ONCE_SIZE);
        return putNumber(writer, n, 1000);
      });
    for (let n = 0; n < 10; n++) put(n);
    between(place);
    seek(writer.path, readHead(writer.file), writer.instruction.key, 8); // as a look-up before it
    const { pageSize } = writer.file;
    const page = pageOf(readHead(writer.file));
    const fd = openSync(place, 'r+');
    writeSync(fd, Buffer.alloc(pageSize, 0x5a), 0, pageSize, page * pageSize);
    closeSync(fd);
    clock.mockReturnValue(later);
    const error = thrownBy(() => put(100));
    closeWriter(writer);
    return error;
  }

  test.each([
    ['the list of free pages', 'free', NOW + 6],
    ['the list of free pages, by a clock that was set back', 'free', NOW - 6],
    ['the pages of records', 'main', NOW + 6],
    ['the pages of records, by a clock that was set back', 'main', NOW - 6],
  ] as const)('%s, after a while', (_, tree, later) => {
    expect(damagedThen((meta) => meta[tree].root, later)).toBeInstanceOf(DamageError);
  });

  test('the list of free pages that another process has written, at once', () => {
    const commit = (place: string) => {
      const other = openWriter(place);
      transactBatch(other, () => putNumber(other, 50, 1000));
      closeWriter(other);
    };
    expect(damagedThen((meta) => meta.free.root, NOW, commit)).toBeInstanceOf(DamageError);
  });
});

/** Has methods of the environment do something else: given what they do. */
function change(writer: Writer, changes: (env: NativeEnv) => Partial<NativeEnv>): void {
  const { env } = writer;
  const changed: Partial<NativeEnv> = changes(env);
  writer.env = new Proxy(env, {
    get: (_, name: keyof NativeEnv) => {
      const own = changed[name] ?? env[name];
      return typeof own === 'function' ? own.bind(env) : own;
    },
  });
}

function thrownBy(work: () => void): unknown {
  try {
    work();
  } catch (error) {
    return error;
  }
  return undefined;
}
