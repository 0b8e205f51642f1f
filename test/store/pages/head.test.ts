// The newest state, also while another process writes at full speed, or after somebody has begun anew in the file.
import fs, { readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { openEditor } from '../../../src/store/admin/edit.ts';
import { DamageError } from '../../../src/store/damage.ts';
import { closeFile, type DataFile, openFile } from '../../../src/store/pages/file.ts';
import {
  META_BYTES,
  META_LAST_PAGE,
  META_MAIN,
  META_TREES,
  META_TXNID,
  TREE_DEPTH,
  TREE_ENTRIES,
  TREE_ROOT,
} from '../../../src/store/pages/format.ts';
import { readHead } from '../../../src/store/pages/head.ts';
import { greylatch, startFilter } from '../../support/filter.ts';
import { dunno, shortRequest } from '../../support/requests.ts';
import { testScratch, useScratch } from '../../support/scratch.ts';
import { unmock } from '../../support/unmock.ts';
import { fill } from '../filled.ts';
import { makeSound } from './sound.ts';

test.each([0, 1])(
  'a head that is damaged, cut off, or of pages of another size is never read as a state: %d',
  (more) => {
    const scratch = testScratch();
    const { database, bytes } = makeSound(scratch, more);
    const reader = openFile(database)!;
    const { txnid } = readHead(reader);
    const newest = (txnid & 1) * 4096;
    const older = 4096 - newest;
    const found = (work: (copy: Buffer) => void, anew = true) => {
      const copy = Buffer.from(bytes);
      work(copy);
      writeFileSync(database, copy);
      const file = anew ? { ...reader, newest: undefined } : reader;
      try {
        return readHead(file).txnid;
      } catch (error) {
        expect(error).toBeInstanceOf(DamageError);
        return (error as Error).message;
      }
    };
    for (const anew of [true, false]) {
      expect(found(() => {}, anew)).toBe(txnid);
      for (const at of [newest, older])
        expect(found((copy) => copy.fill(0, at + 24, at + 28), anew)).toBe('has a damaged meta page');
      expect(found((copy) => copy.writeUInt16LE(1, newest + META_TXNID + 6), anew)).toBe(
        'has a damaged meta page',
      );
    }
    expect(found((copy) => copy.writeUInt32LE(3, newest + 28))).toBe('has a damaged meta page');
    expect(found((copy) => copy.writeUInt32LE(8192, newest + META_TREES))).toBe(
      'has another page size than it had',
    );
    writeFileSync(database, bytes.subarray(0, 4200));
    expect(() => readHead(reader)).toThrow('is truncated to 4200 bytes');
    closeFile(reader);
  },
);

test('where the meta pages have the place of each other shows by which transaction is even', () => {
  const scratch = testScratch();
  const { database, bytes } = makeSound(scratch);
  const file = openFile(database)!;
  const read = (first: number, second: number) => {
    const copy = Buffer.from(bytes);
    copy.writeUInt32LE(first, META_TXNID);
    copy.writeUInt32LE(second, 4096 + META_TXNID);
    writeFileSync(database, copy);
    try {
      return readHead({ ...file, newest: undefined }).txnid;
    } catch (error) {
      return (error as Error).message;
    }
  };
  const swapped = 'has its meta pages in the place of each other';
  expect([read(0, 0), read(0, 1), read(2, 1), read(2, 3)]).toEqual([0, 1, 2, 3]);
  expect([read(1, 0), read(1, 2), read(3, 2)]).toEqual([swapped, swapped, swapped]);
  closeFile(file);
});

describe('a head that others write to while it is read', () => {
  const scratch = useScratch('of each');
  let file: DataFile;
  let bytes: Buffer;
  let txnid: number;
  let readings: number;
  beforeEach(() => {
    const made = makeSound(scratch);
    bytes = made.bytes;
    file = openFile(made.database)!;
    ({ txnid } = readHead({ ...file }));
  });
  afterEach(() => {
    unmock();
    closeFile(file);
  });

  /** The head with the newest state, and the one after it, with so many records each. */
  const headWith = (entries: number, next?: number) => {
    const head = Buffer.from(bytes.subarray(0, file.head.length));
    const newest = (txnid & 1) * 4096;
    head.writeUInt32LE(entries, newest + META_MAIN + TREE_ENTRIES);
    if (next !== undefined) {
      head.copy(head, 4096 - newest, newest, newest + META_BYTES);
      head.writeUInt32LE(txnid + 1, 4096 - newest + META_TXNID);
      head.writeUInt32LE(next, 4096 - newest + META_MAIN + TREE_ENTRIES);
    }
    return head;
  };
  /** Which state is taken for the newest where readings give these heads, one after another, and again. */
  function read(heads: Buffer[], still = false) {
    readings = 0;
    vi.spyOn(fs, 'readSync').mockImplementation(((_: number, into: Buffer) => {
      return heads[readings++ % heads.length]!.copy(into);
    }) as typeof fs.readSync);
    syncBuiltinESMExports();
    const meta = readHead({ ...file, newest: undefined }, still);
    return { state: meta.txnid - txnid, entries: meta.main.entries, readings };
  }

  test('is read until two readings agree', () => {
    const [a, b, c] = [1, 2, 3].map((entries) => headWith(entries)) as [Buffer, Buffer, Buffer];
    expect(read([a, a, b])).toEqual({ state: 0, entries: 1, readings: 2 });
    expect(read([a, b, b, c])).toEqual({ state: 0, entries: 2, readings: 3 });
    expect(read([a, b, a, c, c])).toEqual({ state: 0, entries: 3, readings: 5 });
  });

  test('may have a newer state at the next reading, also one that looks as the one before did', () => {
    const [now, later] = [headWith(1), headWith(1, 2)];
    expect(read([now, later, later])).toEqual({ state: 1, entries: 2, readings: 3 });
    expect(read([now, headWith(1, 3), later, later])).toEqual({ state: 1, entries: 2, readings: 4 });
  });

  test('is believed in the end, should that never be', () => {
    const { state, readings } = read([headWith(1), headWith(2)]);
    expect(state).toBe(0);
    expect(readings).toBeGreaterThan(5);
    expect(readings).toBeLessThan(100);
  });

  test('is read once where nobody can write, and where this process has written it', () => {
    const [a, b] = [headWith(1), headWith(2)];
    expect(read([a, b], true)).toEqual({ state: 0, entries: 1, readings: 1 });
    file.own = txnid;
    expect(read([a, b])).toEqual({ state: 0, entries: 1, readings: 1 });
    file.own = txnid - 1;
    expect(read([a, b, b]).readings).toBe(3);
  });
});

test('a head that is read in the middle of a commit is never taken for a state', async () => {
  const scratch = testScratch();
  const database = path.join(scratch.path, 'greylist.mdb');
  const options = ['--delay', '0', '--auto-whitelist', '1000000'];
  const filter = await startFilter(greylatch('--db', database, '--log', 'none', ...options));
  const request = shortRequest('10.0.0.1', 's@example.org', 'r@example.net');
  while ((await filter.ask(request)) !== dunno); // from now on each is a come-back, and a commit
  // Two readers of their own: what one has taken for the state of a transaction, the other must find as well.
  const readers = [openFile(database)!, openFile(database)!] as const;
  const { txnid } = readHead(readers[0]);
  const requests = 20_000;
  let answered = 0;
  for (let i = 0; i < requests; i += 500) {
    filter.send(request.repeat(500));
    const replies = filter.replies(500).then(() => {
      answered += 500;
    });
    while (answered < i + 500) {
      for (let n = 0; n < 500; n++) {
        const [a, b] = [readHead(readers[0]), readHead(readers[1])];
        if (a.txnid === b.txnid) expect(a).toEqual(b);
      }
      await new Promise(setImmediate);
    }
    await replies;
  }
  expect(readHead(readers[0]).txnid).toBeGreaterThanOrEqual(txnid + requests);
  for (const file of readers) closeFile(file);
  await filter.finish();
});

test('a state with the number of another, in a file that was emptied meanwhile, is noticed', async () => {
  const scratch = testScratch();
  const store = async (name: string, senders: number) => {
    const database = path.join(scratch.path, name);
    const filter = await startFilter(greylatch('--db', database, '--log', 'none'));
    // All in one transaction, whenever it comes.
    filter.send(
      Array.from({ length: senders }, (_, i) =>
        shortRequest('10.0.0.1', `s${i}@example.org`, 'r@example.net'),
      ).join(''),
    );
    await filter.replies(senders);
    await filter.finish();
    return database;
  };
  const [database, another] = [await store('greylist.mdb', 3), await store('another.mdb', 4)];
  const reader = openFile(database)!;
  const { txnid, main } = readHead(reader);
  expect(main.entries).toBe(3);
  truncateSync(database);
  writeFileSync(database, readFileSync(another));
  expect(() => readHead(reader)).toThrow('begun anew');
  const anew = openFile(database)!;
  expect(readHead(anew)).toMatchObject({ txnid, main: { entries: 4 } });
  // As many records, the same number, and yet another state.
  const bytes = readFileSync(database);
  for (const at of [
    META_LAST_PAGE,
    META_TREES + TREE_DEPTH,
    META_MAIN + TREE_ENTRIES,
    META_MAIN + TREE_ROOT,
  ]) {
    const other = Buffer.from(bytes);
    for (const meta of [0, anew.pageSize]) other[meta + at]! ^= 1;
    writeFileSync(database, other);
    expect(() => readHead(anew)).toThrow('begun anew');
  }
  for (const file of [reader, anew]) closeFile(file);
});

test('meta pages in the place of each other are damage, though each is sound: liblmdb would take the older one', () => {
  const scratch = testScratch();
  const database = path.join(scratch.path, 'greylist.mdb');
  const editor = openEditor(database);
  fill(editor, 0, 10);
  editor.close();
  const file = openFile(database)!;
  expect(readHead(file).main.entries).toBeGreaterThan(0);
  const bytes = readFileSync(database);
  const swapped = Buffer.concat([bytes.subarray(4096, 8192), bytes.subarray(0, 4096), bytes.subarray(8192)]);
  writeFileSync(database, swapped);
  expect(() => readHead(file)).toThrow(/its meta pages in the place of each other/);
  closeFile(file);
});
