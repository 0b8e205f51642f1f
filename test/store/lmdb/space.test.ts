// liblmdb's writes must never be the first to find that there is no space: what a transaction writes lies within what was
// taken for it before.
import fs, {
  fstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  type StatsFs,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import path from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import { FullError, StoreError } from '../../../src/store/damage.ts';
import { KEY_AT, valueAt } from '../../../src/store/lmdb/instruction.ts';
import { openWriter } from '../../../src/store/lmdb/open.ts';
import {
  checkFirst,
  checkQuota,
  checkSpare,
  checkToSave,
  giveBack,
  hasSpare,
  isCopying,
  takeSpace,
} from '../../../src/store/lmdb/space.ts';
import {
  APPEND,
  MOST_LEAVES,
  putRecord,
  removeRecord,
  transact,
  transactBatch,
} from '../../../src/store/lmdb/transaction.ts';
import { newTriple } from '../../../src/store/lmdb/triples.ts';
import { closeWriter, type Writer } from '../../../src/store/lmdb/writer.ts';
import { checkBeside, seekForPut } from '../../../src/store/pages/check.ts';
import type { Meta } from '../../../src/store/pages/format.ts';
import { readHead } from '../../../src/store/pages/head.ts';
import * as key from '../../../src/store/records/key.ts';
import { ONCE_SIZE, TRIPLE_SIZE, writeTriple } from '../../../src/store/records/record.ts';
import { makeRandom } from '../../support/random.ts';
import { useScratch } from '../../support/scratch.ts';
import { unmock } from '../../support/unmock.ts';

const scratch = useScratch('of all');
afterEach(unmock);

function open(name: string): Writer {
  mkdirSync(path.join(scratch.path, name));
  return openWriter(path.join(scratch.path, name, 'greylist.mdb'));
}

const size = (writer: Writer) => fstatSync(writer.file.fd).size;

const LONG = 250;

/** Writes the triple's key and record into the instruction; returns the lengths of both. */
function write({ instruction }: Writer, n: number, deferrals: number): [length: number, size: number] {
  const client = `10.${(n >> 16) & 255}.${(n >> 8) & 255}.${n & 255}`;
  const triple = { client, sender: `s${n}@example.org`, recipient: `${'r'.repeat(n % 50)}@example.net` };
  const length = key.writeTriple(instruction.key, 0, triple);
  const record = { ...newTriple(1000), deferrals, offsets: [30, 60, 90, 120].slice(0, deferrals) };
  return [length, writeTriple(instruction.bytes, KEY_AT, length, valueAt(length), record)];
}

test('what filters put and take away', () => {
  const writer = open('filters');
  const random = makeRandom(7);
  const there: number[] = [];
  for (let batch = 0; batch < 300; batch++) {
    const many = 1 + random.below(3000);
    transact(writer, (meta) => {
      for (let i = 0; i < many && writer.touched < 32; i++) {
        const n = batch % 3 === 0 ? batch * 1000 + i : random.below(200_000); // neighbours, or here and there
        const [length] = write(writer, n, 0);
        const at = seekForPut(writer.path, meta, writer.instruction.key, length, ONCE_SIZE);
        putRecord(writer, length, write(writer, n, at < 0 ? 0 : 1)[1]);
        there.push(n);
      }
      return true;
    });
    expect(size(writer)).toBeLessThanOrEqual(writer.file.taken);
    if (batch % 5 !== 4) continue;
    transact(writer, (meta) => {
      for (let i = 0; i < 50; i++) {
        const [length] = write(writer, random.pick(there), 0);
        const at = seekForPut(writer.path, meta, writer.instruction.key, length, TRIPLE_SIZE);
        if (at < 0) continue;
        checkBeside(writer.path, meta);
        removeRecord(writer, length);
      }
      return writer.touched > 0;
    });
    expect(size(writer)).toBeLessThanOrEqual(writer.file.taken);
  }
  closeWriter(writer);
});

test('where a thousand come and as many go on the same few leaves, little space is taken', () => {
  const writer = open('come and go');
  const put = (meta: Meta, n: number) => {
    const [length, bytes] = write(writer, n, 0);
    seekForPut(writer.path, meta, writer.instruction.key, length, ONCE_SIZE);
    putRecord(writer, length, bytes);
  };
  const within = (work: (meta: Meta) => void) =>
    transact(writer, (meta) => {
      work(meta);
      return true;
    });
  within((meta) => {
    for (let n = 0; n < 1000; n++) put(meta, 2 * n);
  });
  within((meta) => {
    for (let n = 0; n < 1000; n++) {
      put(meta, 2 * n + 1);
      const [length] = write(writer, 2 * n, 0);
      expect(seekForPut(writer.path, meta, writer.instruction.key, length, ONCE_SIZE)).toBeGreaterThan(0);
      checkBeside(writer.path, meta);
      removeRecord(writer, length);
    }
  });
  expect(size(writer)).toBeLessThanOrEqual(writer.file.taken);
  expect(writer.file.taken).toBeLessThan(2 * 2 ** 20); // the thousand take some 0.1 MB
  closeWriter(writer);
});

test('what is saved from a damaged file, in any order', () => {
  const writer = open('saved');
  const random = makeRandom(7);
  for (let batch = 0; batch < 10; batch++) {
    transactBatch(writer, () => {
      for (let i = 0; i < 2000; i++) putRecord(writer, ...write(writer, random.below(2 ** 24), i % 4));
    });
    expect(size(writer)).toBeLessThanOrEqual(writer.file.taken);
  }
  closeWriter(writer);
});

test.each([
  ['are written anew', 0],
  ['get one more', 1],
])('leaves that lie as far apart as can be, each below branch pages of its own, and %s', (_, digit) => {
  const writer = open(`apart ${digit}`);
  const { instruction, path: way, file } = writer;
  const put = (n: number, flags?: number) => {
    instruction.key.fill(0, 0, LONG).write(String(n).padStart(8, '0'), 'latin1');
    const bytes = writeTriple(instruction.bytes, KEY_AT, LONG, valueAt(LONG), newTriple(1000));
    if (flags === undefined) seekForPut(way, readHead(file, true), instruction.key, LONG, bytes);
    putRecord(writer, LONG, bytes, flags);
  };
  const most = 12_000;
  transactBatch(writer, () => {
    for (let n = 0; n < most; n++) put(10 * n, APPEND);
  });
  expect(readHead(file).main.depth).toBe(4);
  giveBack(file);
  transact(writer, () => {
    for (let i = 0; i < MOST_LEAVES; i++) put(10 * Math.floor((i * most) / MOST_LEAVES) + digit);
    return true;
  });
  expect(size(writer)).toBeLessThanOrEqual(file.taken);
  closeWriter(writer);
});

test('a copy takes little more than it fills', () => {
  const writer = open('copied');
  const taken: [Buffer, number, number][] = [];
  for (let n = 0; n < 20_000; n++) {
    const [length, bytes] = write(writer, n, 0);
    taken.push([Buffer.from(writer.instruction.bytes), length, bytes]);
  }
  const keyOf = ([bytes, length]: [Buffer, number, number]) => bytes.subarray(KEY_AT, KEY_AT + length);
  taken.sort((a, b) => keyOf(a).compare(keyOf(b)));
  transactBatch(writer, () => {
    for (const [bytes, length, size] of taken) {
      bytes.copy(writer.instruction.bytes);
      putRecord(writer, length, size, APPEND);
    }
  });
  expect(size(writer)).toBeLessThanOrEqual(writer.file.taken);
  const { lastPage, pageSize } = readHead(writer.file);
  expect(writer.file.taken).toBeLessThan((lastPage + 1) * pageSize * 1.2);
  closeWriter(writer);
});

test.each(['greylist.mdb', 'greylist.mdb-lock'])(
  'holes in %s need space as well, as where a file system copies',
  (name) => {
    const own = path.join(scratch.path, `holes ${name}`);
    mkdirSync(own);
    const database = path.join(own, 'greylist.mdb');
    const before = isCopying(database);
    writeFileSync(path.join(own, name), Buffer.alloc(8192, 1));
    expect(isCopying(database)).toBe(before);
    truncateSync(path.join(own, name), 2 ** 20);
    expect(isCopying(database)).toBe(true);
  },
);

const failure = (code: string) => Object.assign(new Error(code), { code });
const kindOf = (work: () => void) => {
  try {
    work();
  } catch (error) {
    return (error as Error).constructor;
  }
  return undefined;
};

/** The file system says that it is of this type, and has so many bytes free, in blocks of 1024. */
function fileSystem(type: number, free: number): void {
  vi.spyOn(fs, 'statfsSync').mockImplementation(
    () => ({ type, bsize: 1024, bavail: free / 1024 }) as StatsFs,
  );
  syncBuiltinESMExports();
}

test('what is taken is as much as was asked for, of zeros, once, and given back as a whole', () => {
  const writer = open('taken');
  const { file } = writer;
  const meta = readHead(file);
  const end = (pages: number) => (meta.lastPage + 1 + pages) * file.pageSize;
  const before = readFileSync(file.path);
  const { writeSync } = fs;
  const writes = vi
    .spyOn(fs, 'writeSync')
    .mockImplementation(((fd: number, bytes: Buffer, at: number, length: number, to: number) =>
      writeSync(fd, bytes, at, Math.min(length, 5000), to)) as typeof writeSync); // a disk may take less at a time
  syncBuiltinESMExports();
  takeSpace(file, meta, 100);
  expect([size(writer), file.taken]).toEqual([end(100), end(100)]);
  const after = readFileSync(file.path);
  expect(after.subarray(0, before.length).equals(before)).toBe(true);
  expect(after.subarray(before.length).every((byte) => byte === 0)).toBe(true);
  const count = writes.mock.calls.length;
  takeSpace(file, meta, 100);
  truncateSync(file.path, end(200)); // another process has taken more
  takeSpace(file, meta, 150);
  expect([size(writer), file.taken, writes.mock.calls.length]).toEqual([end(200), end(200), count]);
  giveBack(file);
  expect(size(writer)).toBe(end(0));
  takeSpace(file, meta, 1);
  expect(size(writer)).toBe(end(1));
  giveBack(file);
  truncateSync(file.path, end(0) - 1);
  giveBack(file); // never makes it larger
  expect(size(writer)).toBe(end(0) - 1);
  truncateSync(file.path, end(0));
  closeWriter(writer);
});

test.each([
  ['ENOSPC', FullError],
  ['EDQUOT', FullError],
  ['Unknown system error -122', FullError], // what Node calls it
  ['EFBIG', FullError],
  ['EIO', StoreError],
] as const)('where the system says %s nothing is begun, and what was taken counts', (code, kind) => {
  const writer = open(code);
  const { file } = writer;
  const meta = readHead(file);
  const { writeSync } = fs;
  let left = 2;
  vi.spyOn(fs, 'writeSync').mockImplementation(((...how: Parameters<typeof writeSync>) => {
    if (left-- === 0) throw failure(code);
    return writeSync(...how);
  }) as typeof writeSync);
  syncBuiltinESMExports();
  expect(kindOf(() => takeSpace(file, meta, 100))).toBe(kind);
  expect([file.taken, size(writer)]).toEqual([size(writer), size(writer)]);
  expect(kindOf(() => takeSpace(file, meta, 100))).toBeUndefined();
  closeWriter(writer);
});

test('there is space for a new database where two pages of the largest kind can be written, which are gone again', () => {
  const own = path.join(scratch.path, 'first');
  mkdirSync(own);
  const { writeFileSync } = fs;
  let most = 131_072;
  vi.spyOn(fs, 'writeFileSync').mockImplementation((name, bytes, ...how) => {
    if ((bytes as Buffer).length > most) throw failure('ENOSPC');
    writeFileSync(name, bytes, ...how);
  });
  syncBuiltinESMExports();
  checkFirst(path.join(own, 'greylist.mdb'));
  most--;
  expect(kindOf(() => checkFirst(path.join(own, 'greylist.mdb')))).toBe(FullError);
  expect(readdirSync(own)).toEqual([]);
});

test('saving a damaged file takes as much as it has, twice, and says so', () => {
  const own = path.join(scratch.path, 'damaged');
  mkdirSync(own);
  const damaged = path.join(own, 'greylist.mdb');
  writeFileSync(damaged, Buffer.alloc(3e6, 1));
  const needed = 2 * 512 * statSync(damaged).blocks;
  fileSystem(0xef53, needed);
  checkToSave(damaged, 'is bad');
  fileSystem(0xef53, needed - 1024);
  expect(() => checkToSave(damaged, 'is bad')).toThrow(
    `${damaged} is bad; to save the rest takes ${Math.ceil(needed / 1e6)} MB of free space: free some`,
  );
  expect(kindOf(() => checkToSave(damaged, 'is bad'))).toBe(FullError);
  const { writeFileSync: write } = fs;
  fileSystem(0xef53, 2 * needed);
  vi.spyOn(fs, 'writeFileSync').mockImplementation((name, bytes, ...how) => {
    if ((bytes as Buffer).length === 131_072) throw failure('ENOSPC'); // a quota, say, of which statfs(2) knows nothing
    write(name, bytes, ...how);
  });
  syncBuiltinESMExports();
  expect(kindOf(() => checkToSave(damaged, 'is bad'))).toBe(FullError);
});

test.each([
  ['ext4', 0xef53, false],
  ['tmpfs', 0x01021994, false],
  ['overlayfs', 0x794c7630, false],
  ['btrfs', 0x9123683e, true],
  ['xfs', 0x58465342, true],
])('whether changes go to a new place: %s', (name, type, expected) => {
  fileSystem(type, 2 ** 30);
  expect(isCopying(path.join(scratch.path, name))).toBe(expected);
});

test('there, four megabytes are enough', () => {
  const database = path.join(scratch.path, 'greylist.mdb');
  fileSystem(0x9123683e, 2 ** 22);
  expect(hasSpare(database)).toBe(true);
  checkSpare(database);
  fileSystem(0x9123683e, 2 ** 22 - 1024);
  expect(hasSpare(database)).toBe(false);
  expect(kindOf(() => checkSpare(database))).toBe(FullError);
});

test('and a megabyte within a quota, which is tried, for statfs(2) says nothing of it', () => {
  const own = path.join(scratch.path, 'quota');
  mkdirSync(own);
  const database = path.join(own, 'greylist.mdb');
  const { writeFileSync } = fs;
  let most = 2 ** 20;
  vi.spyOn(fs, 'writeFileSync').mockImplementation((name, bytes, ...how) => {
    if ((bytes as Buffer).length > most) throw failure('EDQUOT');
    writeFileSync(name, bytes, ...how);
  });
  syncBuiltinESMExports();
  checkQuota(database);
  most--;
  expect(kindOf(() => checkQuota(database))).toBe(FullError);
  expect(readdirSync(own)).toEqual([]);
});
