// Many records at once: read in order, changed in batches, and the file is sound afterwards.
import { renameSync, unlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test, vi } from 'vitest';
import type { Change, Name } from '../../../src/store/admin/change.ts';
import { openEditor } from '../../../src/store/admin/edit.ts';
import type { Entry, TripleEntry } from '../../../src/store/admin/entry.ts';
import { scan } from '../../../src/store/admin/scan.ts';
import { native } from '../../../src/store/lmdb/native.ts';
import { withFile } from '../../../src/store/pages/file.ts';
import { readHead } from '../../../src/store/pages/head.ts';
import { lockPath } from '../../../src/store/pages/lock.ts';
import { verify } from '../../../src/store/pages/verify.ts';
import { newQueue } from '../../../src/store/queue/queue.ts';
import { readQueue } from '../../../src/store/queue/read.ts';
import { MAX_KEY, writeTriple } from '../../../src/store/records/key.ts';
import { openFiles } from '../../support/files.ts';
import { makeRandom } from '../../support/random.ts';
import { useScratch } from '../../support/scratch.ts';
import { everything } from '../filled.ts';
import { whileOpening } from '../opening.ts';

const scratch = useScratch('of each');
const place = () => path.join(scratch.path, 'greylist.mdb');

const nameOf = (n: number): Name => ({
  client: n % 11 === 0 ? `2001:db8::${n}` : `10.${n % 7}.${n % 251}.${n % 13}`,
  sender: `s${n}@example.org`,
  recipient: `r${n % 31}@example.net`,
});
const waiting = (n: number): Entry => ({
  kind: 'triple',
  ...(nameOf(n) as { client: string; sender: string; recipient: string }),
  firstSeen: 1000 + n,
  passed: false,
  lastPassed: 0,
  wait: 0,
  deferrals: 1,
  offsets: [],
});

function edit(changes: Iterable<{ name: Name; change: Change }>): number {
  const editor = openEditor(place());
  try {
    return editor.change(changes);
  } finally {
    editor.close();
  }
}

/** What filters have queued: first sights by the numbers of their triples. */
function queue(sights: [number, number][]): void {
  const queue = newQueue(place(), false);
  const key = Buffer.alloc(MAX_KEY);
  for (const [n, firstSeen] of sights) {
    const { client, sender, recipient } = nameOf(n) as { client: string; sender: string; recipient: string };
    const length = writeTriple(key, 0, { client, sender, recipient });
    expect(queue.find(key, length)).toBe(0);
    expect(queue.add(key, length, firstSeen)).toBe(true);
  }
  queue.close();
}

test('random puts and removals leave what a Map would hold, and a sound file', () => {
  const random = makeRandom(31);
  const model = new Map<number, number>();
  for (let round = 0; round < 12; round++) {
    const changes = Array.from({ length: 1500 }, () => {
      const n = random.below(4000);
      // In some rounds nearly everything goes, so that pages are merged on all levels.
      if (random.chance(round % 3 === 2 ? 0.95 : 0.3)) {
        model.delete(n);
        return { name: nameOf(n), change: () => 'forget' as const };
      }
      model.set(n, (model.get(n) ?? 0) + 1);
      const change: Change = (before) => ({
        ...waiting(n),
        deferrals: before?.kind === 'triple' ? before.deferrals + 1 : 1,
      });
      return { name: nameOf(n), change };
    });
    edit(changes);
    expect(verify(place(), () => {})).toMatchObject({ problems: [], lost: 0, waiting: model.size });
  }
  const found = everything(place());
  expect(found).toHaveLength(model.size);
  for (const entry of found) {
    if (entry.kind !== 'triple') throw new Error('a client was never put');
    const n = entry.firstSeen - 1000;
    expect(entry).toEqual({ ...waiting(n), deferrals: Math.min(255, model.get(n)!) });
  }
});

test('nothing is changed where the change says so, and it is told what was there', () => {
  edit([{ name: nameOf(1), change: () => waiting(1) }]);
  const seen: (Entry | undefined)[] = [];
  const look: Change = (before) => void seen.push(before);
  expect(edit([nameOf(1), nameOf(2), { client: '10.0.0.1' }].map((name) => ({ name, change: look })))).toBe(
    0,
  );
  // In the order of their keys: the client's own record comes first.
  expect(seen).toEqual([undefined, waiting(1), undefined]);
});

test('clients have records of their own', () => {
  const client: Entry = { kind: 'client', client: '10.0.0.1', comeBacks: 7, lastSeen: 86_400 * 3 };
  edit([{ name: { client: '10.0.0.1' }, change: () => client }]);
  expect(everything(place())).toEqual([client]);
  expect(edit([{ name: { client: '10.0.0.1' }, change: () => 'forget' }])).toBe(1);
  expect(everything(place())).toEqual([]);
});

test('there is nothing to scan where there is no database', () => {
  expect(scan(place())).toBeUndefined();
});

test('what is queued is on record before anything is changed', () => {
  edit([3, 4, 5].map((n) => ({ name: nameOf(n), change: () => waiting(n) })));
  queue([
    [1, 5000],
    [2, 5000],
    [3, 5000], // it is on record, and older
    [4, 900],
  ]);
  const passed = (before: Entry | undefined) =>
    before?.kind === 'triple' ? ({ ...before, passed: true, lastPassed: 6000 } as const) : undefined;
  const changed = edit([
    { name: nameOf(1), change: () => 'forget' },
    { name: nameOf(2), change: passed },
  ]);
  expect(changed).toBe(2);
  expect(readQueue(place()).size).toBe(0);
  const seen = everything(place()).map((entry) => entry.kind === 'triple' && [entry.firstSeen, entry.passed]);
  expect(seen.sort()).toEqual([
    [1003, false],
    [1005, false],
    [5000, true],
    [900, false],
  ]);
});

test('a database whose lock file goes while it is opened, as for a compact, is opened again', () => {
  edit([{ name: nameOf(1), change: () => waiting(1) }]);
  whileOpening(() => unlinkSync(lockPath(place())));
  expect(edit([{ name: nameOf(2), change: () => waiting(2) }])).toBe(1);
  expect(everything(place())).toHaveLength(2);
});

test('a transaction changes few leaves, or LMDB may lose its way in its list of free pages; many changes share leaves', () => {
  edit(Array.from({ length: 6000 }, (_, n) => ({ name: nameOf(n), change: () => waiting(n) })));
  const state = () => withFile(place(), readHead)!.txnid;
  const again: Change = (before) => ({ ...(before as TripleEntry), deferrals: 2 });
  const editor = openEditor(place());
  const uptime = vi.spyOn(process, 'uptime').mockReturnValue(1); // however fast it is
  /** How many transactions it takes to change so many records, which are all over the file and in no order. */
  const transactions = (count: number) => {
    const before = state();
    const changes = Array.from({ length: count }, (_, i) => ({
      name: nameOf((59 * i) % 6000),
      change: again,
    }));
    expect(editor.change(changes)).toBe(count);
    return state() - before;
  };
  try {
    expect(transactions(100)).toBeGreaterThanOrEqual(2);
    expect(transactions(3000)).toBeLessThan(10);
  } finally {
    uptime.mockRestore();
    editor.close();
  }
});

test('where LMDB loses its way in its list of free pages, the file is opened anew, and all is changed', () => {
  const editor = openEditor(place());
  const lmdb = native();
  const { Env, write: original } = lmdb;
  let isAnew = false;
  lmdb.Env = class extends Env {
    constructor() {
      super();
      isAnew = true;
    }
  };
  // As it was seen: whatever is tried in the environment that has lost its way fails.
  const write = vi.spyOn(lmdb, 'write').mockImplementation((...words) => {
    if (!isAnew) throw new Error('put failed bad_sub, MDB_NOTFOUND: No matching key/data pair found');
    return original(...words);
  });
  try {
    editor.change(Array.from({ length: 300 }, (_, n) => ({ name: nameOf(n), change: () => waiting(n) })));
  } finally {
    write.mockRestore();
    lmdb.Env = Env;
  }
  editor.close();
  expect(verify(place(), () => {})).toMatchObject({ problems: [], waiting: 300 });
});

test('what keeps a database that has moved from being opened anew is what the command says, also when it ends', () => {
  const editor = openEditor(place());
  unlinkSync(lockPath(place()));
  writeFileSync(`${place()}.other`, Buffer.alloc(8192, 'no database'));
  renameSync(`${place()}.other`, place());
  expect(() => editor.change([{ name: nameOf(1), change: () => waiting(1) }])).toThrow(/no sound meta page/);
  editor.close();
  expect(openFiles().filter((name) => name.startsWith(place()))).toEqual([]);
});
