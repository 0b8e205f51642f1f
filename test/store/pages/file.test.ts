// What is read of the file, and what is refused: its head, also while another process writes at full speed, or after somebody
// has begun anew in it; and its pages.
import fs, { readFileSync, renameSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { openEditor } from '../../../src/store/admin/edit.ts';
import { DamageError, StoreError } from '../../../src/store/damage.ts';
import {
  closeFile,
  type DataFile,
  isElsewhere,
  loadPage,
  loadWhole,
  openFile,
  readHead,
  wrongWithPage,
} from '../../../src/store/pages/file.ts';
import {
  BRANCH,
  LEAF,
  META_BYTES,
  META_LAST_PAGE,
  META_MAIN,
  META_TREES,
  META_TXNID,
  nodeAt,
  nodeChild,
  TREE_DEPTH,
  TREE_ENTRIES,
  TREE_ROOT,
} from '../../../src/store/pages/format.ts';
import { openFiles } from '../../support/files.ts';
import { greylatch, startFilter } from '../../support/filter.ts';
import { dunno, shortRequest } from '../../support/requests.ts';
import { makeScratch } from '../../support/scratch.ts';
import { fill } from '../filled.ts';

/** A database with one branch, and what is in its file. */
function makeSound(scratch: ReturnType<typeof makeScratch>, more = 0): { database: string; bytes: Buffer } {
  const database = path.join(scratch.path, 'greylist.mdb');
  const editor = openEditor(database);
  fill(editor, 0, 300);
  for (let n = 0; n < more; n++) fill(editor, n, n + 1, 2000);
  editor.close();
  return { database, bytes: readFileSync(database) };
}
const isOpen = (database: string) => openFiles().includes(database);

test('what cannot be opened is said, and nothing of it stays open', () => {
  const scratch = makeScratch();
  const { database, bytes } = makeSound(scratch);
  const metas = [0, 4096];
  const spoilt = (work: (copy: Buffer) => void) => {
    const copy = Buffer.from(bytes);
    work(copy);
    writeFileSync(database, copy);
    try {
      closeFile(openFile(database)!);
      return '';
    } catch (error) {
      expect(isOpen(database)).toBe(false);
      return String(error);
    }
  };
  expect(spoilt(() => {})).toBe('');
  expect(spoilt((copy) => copy.fill(0, 0, 4096))).toBe(''); // one meta page tells enough to have a look
  expect(spoilt((copy) => copy.fill(0, 0, 8192))).toBe(
    'DamageError: has no sound meta page, or is no database at all',
  );
  for (const version of [1, 999])
    expect(
      spoilt((copy) => {
        for (const at of metas) copy.writeUInt32LE(version, at + 28);
      }),
    ).toMatch(/^StoreError: .* is an LMDB file of another program; name another file with --db$/);
  // The last pages may be missing, for they need not have been written, but not nearly all.
  const last = (pages: number) =>
    spoilt((copy) => {
      for (const at of metas) copy.writeUInt32LE(pages, at + META_LAST_PAGE);
    });
  const most = (bytes.length * 2 + 2 ** 24) / 4096;
  expect(last(most)).toBe('');
  expect(last(most + 1)).toBe(`DamageError: is truncated to ${bytes.length} bytes`);
  writeFileSync(database, '');
  expect(openFile(database)).toBeUndefined();
  expect(isOpen(database)).toBe(false);
  expect(openFile(path.join(scratch.path, 'none'))).toBeUndefined();
  expect(() => openFile(scratch.path)).toThrow(new DamageError('is a directory'));
  symlinkSync(database, path.join(scratch.path, 'link'));
  expect(() => openFile(path.join(scratch.path, 'link'))).toThrow(StoreError);
  scratch.remove();
});

test('a file is elsewhere where its path leads to another one, or to none', () => {
  const scratch = makeScratch();
  const { database, bytes } = makeSound(scratch);
  const file = openFile(database)!;
  expect(isElsewhere(file)).toBe(false);
  renameSync(database, `${database}.old`);
  expect(isElsewhere(file)).toBe(true);
  writeFileSync(database, bytes);
  expect(isElsewhere(file)).toBe(true);
  renameSync(`${database}.old`, database);
  expect(isElsewhere(file)).toBe(false);
  // Whether it is cannot be known where the way there leads in a circle.
  symlinkSync('circle', path.join(scratch.path, 'circle'));
  expect(isElsewhere({ ...file, path: path.join(scratch.path, 'circle/greylist.mdb') })).toBe(false);
  closeFile(file);
  scratch.remove();
});

test.each(['EACCES', 'EPERM', 'EROFS'])(
  'where it may not be written to, what is on record can be looked up: %s',
  (code) => {
    const scratch = makeScratch();
    const { database } = makeSound(scratch);
    const { openSync } = fs;
    const failure = Object.assign(new Error(code), { code });
    const refuse = (reads: boolean, failure: Error) => {
      vi.spyOn(fs, 'openSync').mockImplementation((name, flags, mode) => {
        if (((flags as number) & fs.constants.O_RDWR) !== 0) throw failure;
        if (!reads) throw new Error('the second try');
        return openSync(name, flags, mode);
      });
      syncBuiltinESMExports();
    };
    refuse(true, failure);
    const file = openFile(database)!;
    expect(file.closed).toBe(failure);
    expect(readHead(file).main.entries).toBe(300);
    closeFile(file);
    refuse(false, failure);
    expect(() => openFile(database)).toThrow(StoreError);
    expect(() => openFile(database)).not.toThrow('second');
    refuse(true, Object.assign(new Error('EIO'), { code: 'EIO' }));
    expect(() => openFile(database)).toThrow(/^cannot open .*EIO/);
    vi.restoreAllMocks();
    syncBuiltinESMExports();
    const open = openFile(database)!;
    expect(open.closed).toBeUndefined();
    closeFile(open);
    scratch.remove();
  },
);

test.each([0, 1])(
  'a head that is damaged, cut off, or of pages of another size is never read as a state: %d',
  (more) => {
    const scratch = makeScratch();
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
    scratch.remove();
  },
);

test('where the meta pages have the place of each other shows by which transaction is even', () => {
  const scratch = makeScratch();
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
  scratch.remove();
});

test('a page is read where it can be, is there, and is what it should be', () => {
  const scratch = makeScratch();
  const { database, bytes } = makeSound(scratch);
  const file = openFile(database)!;
  const meta = readHead(file);
  expect(meta.main.depth).toBe(2);
  const page = Buffer.alloc(2 * 4096);
  const { root } = meta.main;
  loadPage(file, root, page, 4096, BRANCH, meta);
  expect(page.subarray(4096).equals(bytes.subarray(root * 4096, (root + 1) * 4096))).toBe(true);
  loadWhole(file, root, page, BRANCH, meta);
  expect(wrongWithPage(file, root, page, BRANCH, meta)).toBe('');
  const both = (number: number, kind: number, what: string, other = what) => {
    expect(() => loadWhole(file, number, page, kind, meta)).toThrow(new DamageError(what));
    expect(wrongWithPage(file, number, page, kind, meta)).toBe(other);
  };
  both(root, LEAF, `page ${root} is of another kind`, 'is of another kind');
  for (const number of [0, 1, meta.lastPage + 1])
    both(
      number,
      LEAF,
      `points to a page that cannot be, ${number}`,
      'cannot be, and yet something points to it',
    );
  const leaf = nodeChild(bytes, nodeAt(bytes, root * 4096, 0));
  const copy = Buffer.from(bytes);
  copy.writeUInt16LE(1, leaf * 4096 + 24);
  writeFileSync(database, copy);
  both(leaf, LEAF, `page ${leaf} has a node outside it`, 'has a node outside it');
  loadPage(file, leaf, page, 0, LEAF, meta); // by its header only
  // The first page that may be, and the last.
  for (const number of [2, meta.lastPage]) {
    const is = copy.readUInt16LE(number * 4096 + 18);
    copy.writeUInt32LE(number, number * 4096);
    writeFileSync(database, copy);
    loadPage(file, number, page, 0, is, meta);
  }
  truncateSync(database, root * 4096 + 4095);
  both(root, BRANCH, `is truncated: page ${root} is missing`);
  closeFile(file);
  scratch.remove();
});

describe('a head that others write to while it is read', () => {
  let scratch: ReturnType<typeof makeScratch>;
  let file: DataFile;
  let bytes: Buffer;
  let txnid: number;
  let readings: number;
  beforeEach(() => {
    scratch = makeScratch();
    const made = makeSound(scratch);
    bytes = made.bytes;
    file = openFile(made.database)!;
    ({ txnid } = readHead({ ...file }));
  });
  afterEach(() => {
    vi.restoreAllMocks();
    syncBuiltinESMExports();
    closeFile(file);
    scratch.remove();
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
  const scratch = makeScratch();
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
  scratch.remove();
});

test('a state with the number of another, in a file that was emptied meanwhile, is noticed', async () => {
  const scratch = makeScratch();
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
  scratch.remove();
});

test('meta pages in the place of each other are damage, though each is sound: liblmdb would take the older one', () => {
  const scratch = makeScratch();
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
  scratch.remove();
});
