// Opening the database for changes: what is refused, what is left of it then, and whose the files are.
import fs, {
  chmodSync,
  chownSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  type StatsFs,
  statSync,
  symlinkSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import path from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterEach, expect, test, vi } from 'vitest';
import {
  BadLockError,
  BusyError,
  DamageError,
  FullError,
  MovedError,
  StoreError,
} from '../../../src/store/damage.ts';
import { flushLast } from '../../../src/store/lmdb/durable.ts';
import { type NativeEnv, native } from '../../../src/store/lmdb/native.ts';
import { openWriter } from '../../../src/store/lmdb/open.ts';
import { transactBatch } from '../../../src/store/lmdb/transaction.ts';
import { closeWriter, type Writer } from '../../../src/store/lmdb/writer.ts';
import { closeFile, openFile, withFile } from '../../../src/store/pages/file.ts';
import { readHead } from '../../../src/store/pages/head.ts';
import { lockPath } from '../../../src/store/pages/lock.ts';
import { isKept, markedTxn, writeMark } from '../../../src/store/pages/mark.ts';
import { openFiles } from '../../support/files.ts';
import { suite } from '../../support/needs.ts';
import { useScratch } from '../../support/scratch.ts';
import { unmock } from '../../support/unmock.ts';
import { putNumber } from '../filled.ts';
import { whileOpening } from '../opening.ts';
import { cutPower } from '../unfinished.ts';

const MIB = 2 ** 20;

/** Who is within a transaction under a lock file that was removed; 0: nobody. */
let holder = () => 0;
vi.mock('../../../src/store/pages/removed.ts', () => ({ holderOfRemoved: () => holder() }));
/** For how long was waited; nobody has to wait here. */
const waits: number[] = [];
vi.mock('../../../src/time/pause.ts', () => ({ pause: (time: number) => void waits.push(time) }));

const scratch = useScratch('of each');
const place = () => path.join(scratch.path, 'greylist.mdb');
const opened = () => openFiles().filter((name) => name.startsWith(scratch.path));
afterEach(() => {
  unmock();
  native().Env = Env;
  holder = () => 0;
});
const { Env } = native();

/** Makes the database, or opens it, and closes it. */
const make = () => closeWriter(openWriter(place()));

function writeToLock(at: number, word: number): void {
  const bytes = readFileSync(lockPath(place()));
  bytes.writeInt32LE(word, at);
  writeFileSync(lockPath(place()), bytes);
}

function failure(code: string): Error {
  return Object.assign(new Error(code), { code });
}

test('where few descriptors are left it is not opened, for LMDB would die of it, and none is kept', () => {
  const { openSync } = fs;
  let left = 5;
  vi.spyOn(fs, 'openSync').mockImplementation((name, ...how) => {
    if (name === scratch.path && left-- <= 0) throw failure('EMFILE');
    return openSync(name, ...how);
  });
  syncBuiltinESMExports();
  expect(make).toThrow(/too many open files; raise the limit/);
  expect([opened(), readdirSync(scratch.path)]).toEqual([[], []]);
  left = 6;
  vi.mocked(fs.openSync).mockImplementation((name, ...how) => {
    if (name === scratch.path && left-- <= 0 && !existsSync(lockPath(place()))) throw failure('EMFILE');
    return openSync(name, ...how);
  });
  make();
});

test.each<[string, RegExp, () => void]>([
  ['the lock file is removed', /was removed/, () => unlinkSync(lockPath(place()))],
  [
    'the lock file is replaced',
    /was replaced/,
    () => {
      copyFileSync(lockPath(place()), `${place()}.other`);
      renameSync(`${place()}.other`, lockPath(place()));
    },
  ],
  ['the file is removed', /vanished/, () => unlinkSync(place())],
  ['the last other process closes it', /was just closing it/, () => writeToLock(80, -1)], // the mutex's kind
])('where %s at that moment, it is to be opened again, and nothing is left open', (_, message, happens) => {
  make();
  whileOpening(happens);
  expect(make).toThrow(MovedError);
  expect(opened()).toEqual([]);
  whileOpening(happens);
  expect(make).toThrow(message);
  make();
  expect(opened()).toEqual([]);
});

test('a lock file that is removed before LMDB opens it is to be opened again, too', () => {
  make();
  const { statSync } = fs;
  vi.spyOn(fs, 'statSync').mockImplementation(((name: string, options: object) => {
    if (name === lockPath(place())) rmSync(name, { force: true });
    return statSync(name, options);
  }) as typeof statSync);
  syncBuiltinESMExports();
  expect(make).toThrow(/lock file was replaced/);
  expect(opened()).toEqual([]);
});

test('what lies in the place of the lock file and is no file is told with its number', () => {
  mkdirSync(lockPath(place()));
  const { ino } = statSync(lockPath(place()));
  expect(make).toThrow(BadLockError);
  expect(make).toThrow(expect.objectContaining({ ino, message: expect.stringMatching(/is no file$/) }));
  expect(readdirSync(scratch.path)).toEqual(['greylist.mdb-lock']);
});

test('a lock file that is overwritten while another process has it open is told, for LMDB would die of it', () => {
  make();
  const { ino } = statSync(lockPath(place()));
  const { readFileSync } = fs;
  writeToLock(0, 0);
  vi.spyOn(fs, 'readFileSync').mockImplementation(((name: string, ...how: []) =>
    name === '/proc/locks'
      ? `1: POSIX  ADVISORY  READ ${process.ppid} 00:2a:${ino} 0 0\n`
      : readFileSync(name, ...how)) as typeof readFileSync);
  syncBuiltinESMExports();
  expect(make).toThrow(BadLockError);
  expect(make).toThrow(expect.objectContaining({ ino, message: expect.stringMatching(/is overwritten$/) }));
  expect(opened()).toEqual([]);
});

test.each<[string, unknown, boolean?]>([
  ['MDB_INVALID: not an LMDB file', BadLockError],
  ['MDB_VERSION_MISMATCH: another layout', BadLockError],
  ['MDB_INVALID: not an LMDB file', DamageError, true],
  ['Permission denied', StoreError],
])(
  'what LMDB says of files that are sound is about the lock file, if it is there: %s',
  (what, kind, isGone) => {
    make();
    const { ino } = statSync(lockPath(place()));
    native().Env = class extends Env {
      override open(...how: Parameters<NativeEnv['open']>): void {
        super.open(...how);
        this.close();
        if (isGone) unlinkSync(lockPath(place()));
        throw new Error(what);
      }
    };
    let thrown: unknown;
    try {
      make();
    } catch (error) {
      thrown = error;
    }
    expect((thrown as Error).constructor).toBe(kind);
    if (kind === BadLockError) expect(thrown).toMatchObject({ ino });
    expect(opened()).toEqual([]);
  },
);

test('a file that must not be written is refused before LMDB opens it', () => {
  make();
  const { openSync } = fs;
  vi.spyOn(fs, 'openSync').mockImplementation((name, flags, ...how) => {
    if (name === place() && ((flags as number) & fs.constants.O_RDWR) !== 0) throw failure('EACCES');
    return openSync(name, flags, ...how);
  });
  syncBuiltinESMExports();
  expect(make).toThrow(`cannot write to ${place()}: permission denied`);
  expect(opened()).toEqual([]);
});

test.each([
  ['not at all, where there is none', 0, 0],
  ['until it is done', 3, 4],
  ['for so long and no longer', 1000, 11],
])('whoever makes a new lock file waits for a transaction under the old one: %s', (_, looks, expected) => {
  if (looks > 0) {
    make();
    unlinkSync(lockPath(place()));
  }
  let count = 0;
  waits.length = 0;
  holder = () => (++count <= looks ? 4711 : 0);
  if (looks < 1000) make();
  else expect(make).toThrow(BusyError);
  expect([count, existsSync(lockPath(place())), opened()]).toEqual([expected, looks < 1000, []]);
  if (looks < 1000) make(); // now there is one
  expect(count).toBe(expected);
  expect(waits).toEqual([50, ...Array(10).fill(20)].slice(0, expected));
});

suite('as root', ['root'], () => {
  test('whoever looks for that transaction does so as root, in the directory of another user too: it may be one of root’s', () => {
    make();
    unlinkSync(lockPath(place()));
    chownSync(scratch.path, 12_345, 12_345);
    const users: number[] = [];
    holder = () => users.push(process.geteuid!()) - 1;
    make();
    expect([users, statSync(lockPath(place())).uid]).toEqual([[0], 12_345]);
  });
});

test('a lock file that is cut off at that moment is told, and is whole again before LMDB closes it', () => {
  make();
  whileOpening(() => truncateSync(lockPath(place()), 100));
  expect(make).toThrow(/is truncated/);
  expect([opened(), statSync(lockPath(place())).size]).toEqual([[], 4096]);
});

test('while another process sets the database aside nothing is opened, nor made in its place', () => {
  make();
  const { ino } = statSync(place());
  const sign = `${place()}.recovering`;
  renameSync(place(), `${place()}.new`);
  symlinkSync(String(process.ppid), sign);
  const { lstatSync } = fs;
  vi.spyOn(fs, 'lstatSync').mockImplementation(((name: string, options: object) => {
    if (name === sign && existsSync(`${place()}.new`)) {
      renameSync(`${place()}.new`, place());
      unlinkSync(sign);
    }
    return lstatSync(name, options);
  }) as typeof lstatSync);
  syncBuiltinESMExports();
  make();
  expect(statSync(place()).ino).toBe(ino);
});

/** The process has so much address space, all but so many bytes of which are left besides what Node keeps. */
function limitSpace(left: number | 'no /proc'): { mapSize(): number } {
  const { readFileSync } = fs;
  vi.spyOn(fs, 'readFileSync').mockImplementation(((name: string, ...how: []) => {
    if (!name.startsWith('/proc/self/')) return readFileSync(name, ...how);
    if (left === 'no /proc') throw failure('ENOENT');
    const limit = 1000 * 4096 + 64 * MIB + left;
    return name.endsWith('statm')
      ? '1000 1 1'
      : `Max processes 1 1\nMax address space   ${limit}  ${limit} bytes\n`;
  }) as typeof readFileSync);
  syncBuiltinESMExports();
  let mapSize = 0;
  native().Env = class extends Env {
    override open(...how: Parameters<NativeEnv['open']>): void {
      ({ mapSize } = how[0] as { mapSize: number });
      super.open(...how);
    }
  };
  return { mapSize: () => mapSize };
}

test('where address space is limited the map takes what is left, in whole megabytes', () => {
  const space = limitSpace(100 * MIB + 4096);
  make();
  expect(space.mapSize()).toBe(100 * MIB);
});

test.each([
  ['unlimited', 2 ** 46],
  ['unknown', 'no /proc'],
] as const)('where it is %s the map is large enough for ever', (_, left) => {
  const space = limitSpace(left);
  make();
  expect(space.mapSize()).toBe(64 * 2 ** 30);
});

test('where there is no room for the file and as much again, or for a new one, it is refused', () => {
  limitSpace(16 * MIB - 4096);
  expect(make).toThrow(/no memory/);
  unmock();
  make();
  const space = limitSpace(100 * MIB);
  truncateSync(place(), 42 * MIB);
  make();
  expect(space.mapSize()).toBe(100 * MIB);
  truncateSync(place(), 42 * MIB + 1);
  expect(make).toThrow(/no memory; raise the limit on address space/);
  expect(opened()).toEqual([]);
  setFlagsFromString('--expose-gc');
  runInNewContext('gc')(); // of an environment that was not opened, the process would die here
});

suite('as root', ['root'], () => {
  test('the files are the directory’s owner’s, also those that root made before', () => {
    const theirs = path.join(scratch.path, 'theirs/greylist.mdb');
    const owners = () => [theirs, lockPath(theirs)].map((file) => [statSync(file).uid, statSync(file).gid]);
    const owner = [12_345, 23_456] as const;
    chmodSync(scratch.path, 0o711);
    mkdirSync(path.dirname(theirs));
    chownSync(path.dirname(theirs), ...owner);
    closeWriter(openWriter(theirs));
    expect(owners()).toEqual([owner, owner]);
    for (const file of [theirs, lockPath(theirs)]) chownSync(file, 0, 0);
    closeWriter(openWriter(theirs));
    expect(owners()).toEqual([owner, owner]);
  });
});

test('a new file has a mark at once, and one that nobody vouches for gets one, once it is opened', () => {
  const state = () => {
    const file = openFile(place())!;
    const { txnid } = readHead(file);
    const found = { isMarked: markedTxn(file) === txnid, isKept: isKept(file) };
    closeFile(file);
    return found;
  };
  const writer = openWriter(place());
  expect(state()).toEqual({ isMarked: true, isKept: true });
  transactBatch(writer, () => putNumber(writer, 1, 1000));
  flushLast(writer);
  writeMark(writer.file, writer.file.head, readHead(writer.file), false);
  closeWriter(writer);
  make();
  expect(state()).toEqual({ isMarked: true, isKept: false }); // not after a power cut
  cutPower(place());
  make();
  expect(state()).toEqual({ isMarked: true, isKept: true });
});

test('what others have committed since one of them put a power cut right is not undone by the next', () => {
  const put = (writer: Writer, n: number) => transactBatch(writer, () => putNumber(writer, n, 1000));
  const entries = (path: string) => withFile(path, (file) => readHead(file).main.entries);
  const writer = openWriter(place());
  for (const n of [1, 2, 3]) {
    put(writer, n);
    if (n === 1) flushLast(writer);
  }
  closeWriter(writer);
  cutPower(place());
  let begins = 0;
  native().Env = class extends Env {
    override beginTxn(flags: number): void {
      if (++begins === 2) {
        // This one has found the file unsettled, and waits for the lock.
        native().Env = Env;
        const other = openWriter(place());
        expect(entries(place())).toBe(1);
        put(other, 4);
        closeWriter(other);
      }
      super.beginTxn(flags);
    }
  };
  make();
  expect([begins > 1, entries(place())]).toEqual([true, 2]);
});

test.each([
  ['ENOSPC', FullError],
  ['EIO', StoreError],
] as const)('where the system says %s to so much as a new file, none is made', (code, kind) => {
  const { writeFileSync } = fs;
  let isFull = true;
  vi.spyOn(fs, 'writeFileSync').mockImplementation((name, bytes, ...how) => {
    if (isFull && Buffer.isBuffer(bytes) && bytes.length > 65_536) throw failure(code);
    writeFileSync(name, bytes, ...how);
  });
  syncBuiltinESMExports();
  let thrown: unknown;
  try {
    make();
  } catch (error) {
    thrown = error;
  }
  expect([(thrown as Error).constructor, existsSync(place())]).toEqual([kind, false]);
  isFull = false;
  make();
  isFull = true;
  make(); // there is one
});

test('where writing takes new space and there is little of it, nothing is touched', () => {
  const { statfsSync } = fs;
  const bsize = 4096;
  let type = 0x9123683e;
  let bavail = (4 * MIB) / bsize - 1;
  vi.spyOn(fs, 'statfsSync').mockImplementation(
    (name) => ({ ...statfsSync(name), type, bsize, bavail }) as StatsFs,
  );
  syncBuiltinESMExports();
  expect(make).toThrow(FullError);
  expect(readdirSync(scratch.path)).toEqual([]);
  bavail++;
  make();
  bavail = 0;
  type = 0xef53; // where it takes none, nothing is asked of it
  make();
});

test('where there is none any more once LMDB has opened it, it stays open, for closing it takes space too', () => {
  make();
  const { statfsSync } = fs;
  let looks = 0;
  vi.spyOn(fs, 'statfsSync').mockImplementation((name) => {
    looks++;
    // The third look is that of the first transaction.
    return { ...statfsSync(name), type: 0x9123683e, bsize: 4096, bavail: looks < 3 ? MIB : 0 } as StatsFs;
  });
  syncBuiltinESMExports();
  expect(make).toThrow(FullError);
  expect(opened()).toContain(lockPath(place()));
});
