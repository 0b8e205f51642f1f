// A copy, and another file in the place of the database: what is there afterwards is what was there, whatever is
// committed meanwhile.
import fs, {
  chmodSync,
  existsSync,
  fstatSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import path from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import { openEditor } from '../../../src/store/admin/edit.ts';
import type { TripleEntry } from '../../../src/store/admin/entry.ts';
import { BadLockError, DamageError, MovedError, StoreError } from '../../../src/store/damage.ts';
import { holdNewest } from '../../../src/store/lmdb/hold.ts';
import { native } from '../../../src/store/lmdb/native.ts';
import { openWriter } from '../../../src/store/lmdb/open.ts';
import { closeWriter } from '../../../src/store/lmdb/writer.ts';
import { closeFile, openFile } from '../../../src/store/pages/file.ts';
import { readHead } from '../../../src/store/pages/head.ts';
import { leaves } from '../../../src/store/pages/leaves.ts';
import { isHeld, lockPath, openLock } from '../../../src/store/pages/lock.ts';
import { markedTxn, safeTxn } from '../../../src/store/pages/mark.ts';
import { verify } from '../../../src/store/pages/verify.ts';
import { newQueue } from '../../../src/store/queue/queue.ts';
import { MAX_KEY, writeTriple } from '../../../src/store/records/key.ts';
import { catchUp, copyState } from '../../../src/store/rescue/copy.ts';
import { compact, copyTo, restore } from '../../../src/store/rescue/replace.ts';
import { openFiles } from '../../support/files.ts';
import { makeRandom } from '../../support/random.ts';
import { useScratch } from '../../support/scratch.ts';
import { unmock } from '../../support/unmock.ts';
import { everything, fill, forget, putAtOnce, triple } from '../filled.ts';
import { statesHeld } from '../lmdb/slots.ts';
import { storeAt } from '../opened.ts';
import { leaveUnfinished } from '../unfinished.ts';

const scratch = useScratch('of each');
const place = (name = 'greylist.mdb') => path.join(scratch.path, name);
afterEach(unmock);

const open = () => storeAt(place());

/** A database with so many records, which nobody has open. */
function make(records: number): void {
  const editor = openEditor(place());
  fill(editor, 0, records);
  editor.close();
}

/** The file's pages in the order in which a copy reads them, the first leaf last of all; without the root. */
function pagesOf(): number[] {
  const pages: number[] = [];
  const file = openFile(place())!;
  const enter = (page: number) => pages.push(page) > 0;
  for (const page of leaves(file, readHead(file), { onDamage: () => {}, enter })) expect(page).toBeDefined();
  closeFile(file);
  return pages.slice(2);
}

/** What this process has open here. */
const opened = () => openFiles().filter((name) => name.startsWith(scratch.path));
const PAGE = 4096;

/** Copies while somebody else re-uses pages: with try `n`, the page `pageAt(n)`. Returns how many tries there were. */
function copyAmidChanges(pageAt: (n: number) => number | undefined): { tries: number; what: unknown } {
  const before = readFileSync(place());
  const fd = openSync(place(), 'r+');
  let tries = 0;
  let last = 1;
  const progress = (part: number) => {
    if (part < last) {
      const page = pageAt(tries++);
      writeSync(fd, before, 0, before.length, 0);
      if (page !== undefined) writeSync(fd, 'other', page * PAGE);
    }
    last = part;
  };
  try {
    return { what: copyTo(place(), place('copy.mdb'), progress), tries };
  } catch (what) {
    return { what, tries };
  } finally {
    fs.closeSync(fd);
  }
}

test('a page that looks wrong is read again, as long as it is another one each time, but not for ever', () => {
  make(3000);
  const pages = pagesOf().reverse();
  expect(copyAmidChanges((n) => (n < 3 ? pages[n] : undefined))).toEqual({ what: 3000, tries: 4 });
  expect(copyAmidChanges(() => pages[0])).toEqual({ what: expect.any(DamageError), tries: 2 });
  expect(copyAmidChanges((n) => pages[n])).toEqual({ what: expect.any(DamageError), tries: 10 });
  expect(readdirSync(scratch.path).sort()).toEqual(['copy.mdb', 'greylist.mdb', 'greylist.mdb-lock']);
  expect(opened()).toEqual([]);
});

test('a copy is on the disk with its name when it is said to be made; it has no page too many, and nothing is left open', () => {
  make(3000);
  const copy = place('copy.mdb');
  const done: string[] = [];
  const note = (what: string) => void (done.at(-1) === what || done.push(what));
  const { fdatasyncSync, fsyncSync } = fs;
  vi.spyOn(fs, 'fdatasyncSync').mockImplementation((fd) => {
    fdatasyncSync(fd);
    note(existsSync(copy) ? 'too late' : 'records');
  });
  vi.spyOn(fs, 'fsyncSync').mockImplementation((fd) => {
    fsyncSync(fd);
    if (fstatSync(fd).isDirectory() && existsSync(copy)) note('name');
  });
  syncBuiltinESMExports();
  expect(copyTo(place(), copy, () => {})).toBe(3000);
  expect(done).toEqual(['records', 'name']);
  const file = openFile(copy)!;
  expect(statSync(copy).size).toBe((readHead(file).lastPage + 1) * file.pageSize);
  closeFile(file);
  expect([opened(), statesHeld(place())]).toEqual([[], 0]);
  expect(readdirSync(scratch.path).sort()).toEqual(['copy.mdb', 'greylist.mdb', 'greylist.mdb-lock']);
});

test('a copy that cannot be written is refused with the name that it was to have, and leaves nothing open', () => {
  make(10);
  const copy = path.join(scratch.path, 'none', 'copy.mdb');
  expect(() => copyTo(place(), copy, () => {})).toThrow(`cannot write ${copy}: its directory does not exist`);
  expect([opened(), statesHeld(place())]).toEqual([[], 0]);
});

test.each<[string, () => unknown]>([
  ['copied', () => copyTo(place(), place('copy.mdb'), () => {})],
  ['compacted', () => compact(place(), () => {})],
  ['restored', () => restore(place(), place('backup'), place('aside'), () => {})],
])('what lies where anybody could have put it, or is a link, is not %s', (_, work) => {
  make(10);
  copyTo(place(), place('backup'), () => {});
  chmodSync(scratch.path, 0o777);
  expect(work).toThrow(/writable by everybody(?!.*nothing shows)/);
  chmodSync(scratch.path, 0o700);
  renameSync(place(), place('other.mdb'));
  symlinkSync(place('other.mdb'), place());
  const before = readFileSync(place());
  expect(work).toThrow(StoreError);
  expect([fs.lstatSync(place()).isSymbolicLink(), readFileSync(place()).equals(before)]).toEqual([
    true,
    true,
  ]);
});

test('what a power cut has left unfinished, with nothing to go back to, is not compacted, nor vouched for', () => {
  make(3000);
  const bytes = leaveUnfinished(place(), pagesOf()[0]);
  expect(() => compact(place(), () => {})).toThrow(/was left unfinished by a power cut/);
  expect(readFileSync(place()).equals(bytes)).toBe(true);
});

test('a compact that fails leaves all as it was, and nothing open', () => {
  make(3000);
  const bytes = readFileSync(place());
  bytes.write('other', pagesOf().at(-1)! * PAGE);
  writeFileSync(place(), bytes);
  expect(() => compact(place(), () => {})).toThrow(DamageError);
  expect([readFileSync(place()).equals(bytes), opened(), statesHeld(place())]).toEqual([true, [], 0]);
  expect(readdirSync(scratch.path).sort()).toEqual(['greylist.mdb', 'greylist.mdb-lock']);
});

test.each([
  ['for a while', 3],
  ['and do not stop', 1000],
])(
  'a compact catches up with filters that commit meanwhile, %s, before they have to wait for it',
  (_, most) => {
    make(1000);
    const other = openWriter(place());
    const lock = openLock(place());
    const held: number[] = [];
    let last = 0;
    const goOn = () => {
      held.push(statesHeld(place()));
      for (let i = 0; i < 30; i++) {
        last++;
        putAtOnce(other, 1000 + last, 1001 + last);
      }
    };
    const { fdatasyncSync } = fs;
    vi.spyOn(fs, 'fdatasyncSync').mockImplementation((fd) => {
      fdatasyncSync(fd);
      if (fstatSync(fd).ino !== lock.ino && held.length > 0 && held.length < most && !isHeld(lock)) goOn();
    });
    syncBuiltinESMExports();
    compact(place(), () => held.length === 0 && goOn());
    unmock();
    fs.closeSync(lock.fd);
    closeWriter(other);
    if (most < 1000) expect(held).toHaveLength(most);
    expect(held.length).toBeGreaterThan(2);
    expect(held.length).toBeLessThan(30);
    expect(Math.max(...held)).toBeLessThanOrEqual(3); // what is read, what it is brought to, and the other one's own
    expect(everything(place())).toHaveLength(1000 + last);
    expect(opened()).toEqual([]);
  },
);

test('a copy has what is queued, where the database has nothing of it', () => {
  const editor = openEditor(place());
  fill(editor, 0, 3);
  editor.close();
  const queue = newQueue(place(), false);
  const key = Buffer.alloc(MAX_KEY);
  for (const n of [4, 2, 3]) queue.add(key, writeTriple(key, 0, triple(n)), 2000 + n);
  queue.close();
  expect(copyTo(place(), place('copy.mdb'), () => {})).toBe(5);
  const times = everything(place('copy.mdb')).map((entry) => [
    entry.client,
    (entry as TripleEntry).firstSeen,
  ]);
  expect(new Map(times as [string, number][])).toEqual(
    new Map([0, 1, 2, 3, 4].map((n) => [triple(n).client, n < 3 ? 1000 : 2000 + n])),
  );
  expect(verify(place('copy.mdb'), () => {})?.problems).toEqual([]);
});

test('a compact whose lock file is removed, so that what it reads is written to, begins anew', () => {
  const editor = openEditor(place());
  fill(editor, 0, 6000);
  editor.close();
  let removed = false;
  compact(place(), () => {
    if (removed) return;
    removed = true;
    unlinkSync(lockPath(place()));
    const other = openEditor(place());
    for (let round = 1; round < 5; round++) fill(other, 0, 6000, 2000);
    other.close();
  });
  const entries = everything(place()) as TripleEntry[];
  expect([entries.length, new Set(entries.map(({ firstSeen }) => firstSeen))]).toEqual([
    6000,
    new Set([2000]),
  ]);
  expect(readdirSync(scratch.path).filter((name) => name.includes('new'))).toEqual([]);
});

test.each([
  ['has just put its file', false],
  ['is about to put its file', true],
])('a compact that %s in place as the lock file is removed does its work', (_, before) => {
  const editor = openEditor(place());
  fill(editor, 0, 3000);
  editor.close();
  const { ino } = statSync(place());
  const { renameSync, fchmodSync } = fs;
  let removed = false;
  const remove = (now: boolean) => {
    if (removed || !now) return;
    removed = true;
    unlinkSync(lockPath(place()));
  };
  vi.spyOn(fs, 'fchmodSync').mockImplementation((fd, mode) => {
    fchmodSync(fd, mode);
    remove(before);
  });
  vi.spyOn(fs, 'renameSync').mockImplementation((from, to) => {
    renameSync(from, to);
    remove(!before);
  });
  syncBuiltinESMExports();
  compact(place(), () => {});
  expect(removed).toBe(true);
  expect(statSync(place()).ino).not.toBe(ino);
  expect(everything(place())).toHaveLength(3000);
});

test('a copy follows any change from one state to the next', () => {
  const random = makeRandom(5);
  const editor = openEditor(place());
  fill(editor, 0, 6000);
  const writer = openWriter(place());
  const into = openWriter(place('copy.mdb'));
  let held = holdNewest(writer);
  let { pages } = copyState(writer.file, held.meta, into, () => {});
  for (let round = 0; round < 40; round++) {
    // Much goes in some rounds, so that pages are merged and go, and in others nothing happens at all.
    const start = random.below(6000);
    const span = random.pick([0, 1, 300, 3000]);
    const chance = random.pick([0, 0.5, 1]);
    editor.change(
      Array.from({ length: span }, (_, i) => {
        const n = (start + i) % 6000;
        return {
          name: triple(n),
          change: () => (random.chance(chance) ? ('forget' as const) : triple(n, 2000 + round)),
        };
      }),
    );
    const next = holdNewest(writer);
    pages = catchUp(writer.file, held.meta, pages, next.meta, into);
    held.release();
    held = next;
    expect([round, everything(place('copy.mdb'))]).toEqual([round, everything(place())]);
  }
  held.release();
  closeWriter(into);
  closeWriter(writer);
  editor.close();
  expect(verify(place('copy.mdb'), () => {})).toMatchObject({ problems: [], lost: 0 });
});

test('what LMDB refuses a compact is told with the database that it was refused for', () => {
  closeWriter(openWriter(place()));
  vi.spyOn(native(), 'Txn').mockImplementation(function refuse() {
    throw Object.assign(new Error('MDB_READERS_FULL: no slot'), { code: -30790 });
  });
  expect(() => compact(place(), () => {})).toThrow(`cannot compact ${place()}: MDB_READERS_FULL: no slot`);
});

test('a compacted file is smaller and has the same records; who had it open goes on with it', () => {
  const editor = openEditor(place());
  fill(editor, 0, 20_000);
  forget(editor, 0, 15_000);
  editor.close();
  const store = open();
  store.remember({ client: '192.0.2.1', sender: 'a', recipient: 'b' }, 5000);
  const before = everything(place());
  const { size } = statSync(place());
  compact(place(), () => {});
  expect(everything(place())).toEqual(before);
  expect(statSync(place()).size).toBeLessThan(size / 2);
  expect(store.remember({ client: '192.0.2.1', sender: 'a', recipient: 'b' }, 6000)).toBe(5000);
  store.pass({ client: '192.0.2.1', sender: 'a', recipient: 'b' }, 7000, true);
  store.close();
  expect(everything(place())).toHaveLength(before.length + 1);
  expect(verify(place(), () => {})).toMatchObject({ problems: [], passed: 1, clients: 1 });
  expect(readdirSync(scratch.path).sort()).toEqual(['greylist.mdb', 'greylist.mdb-lock']);
});

test('a compact that was killed when its file was in place, and the lock file not yet gone: nothing goes to the old one', () => {
  const store = open();
  store.remember({ client: '192.0.2.1', sender: 'a', recipient: 'b' }, 5000);
  copyTo(place(), place('copy.mdb'), () => {});
  renameSync(place('copy.mdb'), place());
  store.remember({ client: '192.0.2.2', sender: 'a', recipient: 'b' }, 6000);
  expect(everything(place())).toHaveLength(2);
  store.close();
});

test('what went from the queue into a file that was just compacted is seen by who still has the old one open', () => {
  const [store, other] = [open(), open()];
  const late = triple(7);
  const queue = newQueue(place(), false); // of a filter that has left it to others, long ago
  const key = Buffer.alloc(MAX_KEY);
  store.remember(triple(1), 4000);
  queue.add(key, writeTriple(key, 0, late), 1000);
  expect(store.look(late, 5000).firstSeen).toBe(1000);
  compact(place(), () => {});
  other.remember(triple(2), 5000);
  expect(queue.find(key, writeTriple(key, 0, late))).toBe(0);
  expect(store.look(late, 5000).firstSeen).toBe(1000);
  for (const one of [queue, store, other]) one.close();
});

test('an editor that was open goes on, too', () => {
  const editor = openEditor(place());
  fill(editor, 0, 500);
  compact(place(), () => {});
  fill(editor, 500, 1000);
  editor.close();
  expect(everything(place())).toHaveLength(1000);
});

test('a backup is restored, and the present database is set aside with all that it has', () => {
  const editor = openEditor(place());
  fill(editor, 0, 3000);
  expect(copyTo(place(), place('backup'), () => {})).toBe(3000);
  const kept = everything(place());
  expect(statSync(place('backup')).mode & 0o777).toBe(0o600);
  fill(editor, 3000, 4000);
  const later = everything(place());
  expect(restore(place(), place('backup'), place('aside'), () => {})).toEqual({
    records: 3000,
    wasThere: true,
  });
  expect(everything(place())).toEqual(kept);
  expect(everything(place('aside'))).toEqual(later);
  fill(editor, 4000, 4001);
  editor.close();
  expect(everything(place())).toHaveLength(3001);
  expect(restore(place('new.mdb'), place('backup'), place('none'), () => {})).toEqual({
    records: 3000,
    wasThere: false,
  });
  expect(existsSync(place('none'))).toBe(false);
  for (const name of ['greylist.mdb', 'aside', 'backup', 'new.mdb'])
    expect(verify(place(name), () => {})?.problems).toEqual([]);
});

test('a damaged database makes way for a backup', () => {
  const editor = openEditor(place());
  fill(editor, 0, 1000);
  copyTo(place(), place('backup'), () => {});
  editor.close();
  const kept = everything(place());
  writeFileSync(place(), 'not what it was'.repeat(1000));
  expect(() => compact(place(), () => {})).toThrow(/no sound meta page/);
  expect(() => restore(place('other.mdb'), place(), place('none'), () => {})).toThrow(/no sound meta page/);
  expect(restore(place(), place('backup'), place('aside'), () => {})).toEqual({
    records: 1000,
    wasThere: true,
  });
  expect(everything(place())).toEqual(kept);
  expect(readdirSync(scratch.path).filter((name) => name.includes('.new-'))).toEqual([]);
});

test.each<[string, () => void]>([
  ['compacted', () => compact(place(), () => {})],
  ['restored', () => restore(place(), place('backup'), place('aside'), () => {})],
])(
  'a file that was %s has its name on the disk before filters go over to it, by the lock file that is gone',
  (_, replace) => {
    const editor = openEditor(place());
    fill(editor, 0, 10);
    editor.close();
    copyTo(place(), place('backup'), () => {});
    const { ino } = statSync(place());
    let named = false;
    const { fsyncSync } = fs;
    vi.spyOn(fs, 'fsyncSync').mockImplementation((fd) => {
      fsyncSync(fd);
      if (!fstatSync(fd).isDirectory() || statSync(place()).ino === ino) return;
      named = true;
      expect(existsSync(place('greylist.mdb-lock'))).toBe(true);
    });
    syncBuiltinESMExports();
    replace();
    unmock();
    expect(named).toBe(true);
  },
);

/** Restores the backup, and does `then` each time when what is in the database was just flushed, with the lock's state. */
function restoreAmid(then: (isLocked: boolean) => void): { records: number; wasThere: boolean } {
  const { ino } = statSync(place());
  const lock = openLock(place());
  const { fdatasyncSync } = fs;
  vi.spyOn(fs, 'fdatasyncSync').mockImplementation((fd) => {
    fdatasyncSync(fd);
    if (fstatSync(fd).ino === ino) then(isHeld(lock));
  });
  syncBuiltinESMExports();
  try {
    return restore(place(), place('backup'), place('aside'), () => {});
  } finally {
    unmock();
    fs.closeSync(lock.fd);
  }
}

/** A database of 1,000 records, of which a backup has the first 10, opened by a filter with commits not yet on the disk. */
function makeTwo() {
  make(10);
  copyTo(place(), place('backup'), () => {});
  const other = openWriter(place());
  putAtOnce(other, 10, 1000);
  return other;
}

test('what is set aside is on the disk with all that filters have committed, who wait only for the rest of it', () => {
  const other = makeTwo();
  const waits: boolean[] = [];
  restoreAmid((isLocked) => {
    if (waits.push(isLocked) === 1 && !isLocked) putAtOnce(other, 1000, 1001);
  });
  expect([waits[0], waits.at(-1)]).toEqual([false, true]);
  closeWriter(other);
  const file = openFile(place('aside'))!;
  const { txnid } = readHead(file);
  expect([markedTxn(file), safeTxn(file)]).toEqual([txnid, txnid]);
  closeFile(file);
  expect([everything(place('aside')).length, everything(place()).length]).toEqual([1001, 10]);
});

test('a database that is found to be damaged only when its last state is awaited makes way, too', () => {
  closeWriter(makeTwo());
  let damaged: Buffer | undefined;
  const done = restoreAmid(() => {
    if (damaged !== undefined) return;
    const fd = openSync(place(), 'r+');
    writeSync(fd, Buffer.alloc(2 * PAGE), 0, 2 * PAGE, 0);
    fs.closeSync(fd);
    damaged = readFileSync(place());
  });
  expect(done).toEqual({ records: 10, wasThere: true });
  expect(readFileSync(place('aside')).equals(damaged!)).toBe(true);
  expect([everything(place()).length, opened()]).toEqual([10, []]);
});

test('a restore whose lock file is removed begins anew with the database of then, but not for ever', () => {
  closeWriter(makeTwo());
  const { ino } = statSync(place());
  let most = 1000;
  let removed = 0;
  const remove = () => {
    if (removed++ < most) unlinkSync(lockPath(place()));
  };
  expect(() => restoreAmid(remove)).toThrow(MovedError);
  expect([statSync(place()).ino, existsSync(place('aside')), opened()]).toEqual([ino, false, []]);
  closeWriter(openWriter(place()));
  most = removed + 1;
  expect(restoreAmid(remove)).toEqual({ records: 10, wasThere: true });
  expect([everything(place('aside')).length, everything(place()).length]).toEqual([1000, 10]);
});

test('a database that cannot be opened for another reason than damage stays where it is', () => {
  closeWriter(makeTwo());
  const { ino } = statSync(place());
  unlinkSync(lockPath(place()));
  fs.mkdirSync(lockPath(place()));
  expect(() => restore(place(), place('backup'), place('aside'), () => {})).toThrow(BadLockError);
  expect([statSync(place()).ino, existsSync(place('aside'))]).toEqual([ino, false]);
});

test('what a power cut has left unfinished is set aside as it is, not vouched for', () => {
  make(3000);
  copyTo(place(), place('backup'), () => {});
  const bytes = leaveUnfinished(place());
  expect(restore(place(), place('backup'), place('aside'), () => {}).wasThere).toBe(true);
  expect(readFileSync(place('aside')).equals(bytes)).toBe(true);
});

test('a database is replaced by its owner and by root only, and anybody may make one', () => {
  make(10);
  copyTo(place(), place('backup'), () => {});
  const { uid } = statSync(place());
  const work = [
    () => compact(place(), () => {}),
    () => restore(place(), place('backup'), place('aside'), () => {}),
  ];
  const me = vi.spyOn(process, 'geteuid').mockReturnValue(uid + 1);
  const { ino } = statSync(place());
  for (const one of work)
    expect(one).toThrow(`${place()} belongs to another user; run this as root, or as that user`);
  expect(statSync(place()).ino).toBe(ino);
  expect(restore(place('new.mdb'), place('backup'), place('none'), () => {}).wasThere).toBe(false);
  for (const [i, user] of [uid || 1234, uid].entries()) {
    if (uid === 0) fs.chownSync(place(), 1234, 0); // else the test runs as the owner
    me.mockReturnValue(user);
    work[i]!();
  }
  expect(everything(place())).toHaveLength(10);
});

test.each<[string, () => void, string]>([
  ['a text', () => writeFileSync(place(), 'notes'), 'is no database'],
  ['a directory', () => fs.mkdirSync(place()), 'is a directory'],
])('%s that never was a database is not replaced by a backup', (_, put, what) => {
  make(10);
  copyTo(place(), place('backup'), () => {});
  unlinkSync(place());
  unlinkSync(lockPath(place()));
  put();
  const { ino } = statSync(place());
  expect(() => restore(place(), place('backup'), place('aside'), () => {})).toThrow(
    `${place()} ${what}; nothing shows that it ever was a database`,
  );
  expect(statSync(place()).ino).toBe(ino);
  expect(readdirSync(scratch.path).sort()).toEqual(['backup', 'greylist.mdb']);
});

test('who may read the database stays as it was', () => {
  make(10);
  copyTo(place(), place('backup'), () => {});
  chmodSync(place(), 0o640);
  compact(place(), () => {});
  expect(statSync(place()).mode & 0o777).toBe(0o640);
  restore(place(), place('backup'), place('aside'), () => {});
  expect(statSync(place()).mode & 0o777).toBe(0o640);
});

test('a restore that fails leaves all as it was, and nothing open', () => {
  make(10);
  copyTo(place(), place('backup'), () => {});
  writeFileSync(place('aside'), 'another');
  const { ino } = statSync(place());
  expect(() => restore(place(), place('backup'), place('aside'), () => {})).toThrow(/EEXIST/);
  expect([statSync(place()).ino, opened(), statesHeld(place())]).toEqual([ino, [], 0]);
  expect(readdirSync(scratch.path).sort()).toEqual(['aside', 'backup', 'greylist.mdb', 'greylist.mdb-lock']);
});

test('an empty database, and none', () => {
  openEditor(place()).close();
  compact(place(), () => {});
  expect(copyTo(place(), place('backup'), () => {})).toBe(0);
  expect(copyTo(place('none.mdb'), place('other'), () => {})).toBeUndefined();
  expect(existsSync(place('other'))).toBe(false);
  expect(() => restore(place(), place('none.mdb'), place('aside'), () => {})).toThrow(/does not exist/);
});

test('what was left by those that were killed amid it goes, at the next copy, compact or restore', () => {
  const editor = openEditor(place());
  fill(editor, 0, 10);
  editor.close();
  const nobody = 2 ** 22 + 1; // more than any process has
  const lock = ['-lock', `-lock.tmp-${nobody}`];
  const litter = ['', ...lock, `.new-${nobody}`, ...lock.map((end) => `.new-${nobody}${end}`)].map(
    (end) => `.new-${nobody}${end}`,
  );
  const kept = [`.new-${process.ppid}`, '.new', `.new-${nobody}.old`, '.before-restore-20261129T212940Z'];
  for (const [name, work] of [
    ['copy.mdb', () => copyTo(place(), place('copy.mdb'), () => {})],
    ['greylist.mdb', () => compact(place(), () => {})],
    ['greylist.mdb', () => restore(place(), place('copy.mdb'), place('aside'), () => {})],
  ] as const) {
    for (const end of [...litter, ...kept]) writeFileSync(place(name + end), 'x');
    work();
    for (const end of litter) expect(existsSync(place(name + end))).toBe(false);
    for (const end of kept) expect(existsSync(place(name + end))).toBe(true);
  }
});
