// Deferrals on their way into the database: when they get there, and that each is kept with its time.
import path from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { newDeferrals } from '../../../src/store/embedded/deferrals.ts';
import { openWriter } from '../../../src/store/lmdb/open.ts';
import { begin } from '../../../src/store/lmdb/transaction.ts';
import { closeWriter } from '../../../src/store/lmdb/writer.ts';
import { closeFile, openFile } from '../../../src/store/pages/file.ts';
import { readHead } from '../../../src/store/pages/head.ts';
import type { Store } from '../../../src/store/store.ts';
import { useScratch } from '../../support/scratch.ts';
import { everything } from '../filled.ts';
import { storeAt } from '../opened.ts';

const scratch = useScratch('of each');
let store: Store;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  store = storeAt(path.join(scratch.path, 'greylist.mdb'));
});
afterEach(() => {
  store.close();
  vi.useRealTimers();
});

const triple = (n: number) => ({
  client: `10.0.${n >> 8}.${n & 255}`,
  sender: `sender-${n}@example.org`,
  recipient: 'r@example.net',
});
/** How often each triple on record was deferred, and when again. */
const noted = () =>
  everything(path.join(scratch.path, 'greylist.mdb')).map((entry) =>
    entry.kind === 'triple' ? [entry.deferrals, entry.offsets.map((offset) => Math.round(offset / 10))] : [],
  );

test('deferrals are kept with their time, the first four times, also of what passes meanwhile', () => {
  for (const n of [1, 2]) store.remember(triple(n), 1000);
  for (const now of [1010, 1020, 1030, 1040, 1050]) for (const n of [2, 1]) store.defer(triple(n), now);
  store.pass(triple(1), 1035, false);
  store.close();
  expect(noted()).toEqual([
    [4, [1, 2, 3]], // after it had passed it was not deferred
    [5, [1, 2, 3, 4]],
  ]);
});

test('they get there after a second, together, and the next ones after another', () => {
  for (const n of [1, 2]) store.remember(triple(n), 1000);
  store.defer(triple(1), 1010);
  vi.advanceTimersByTime(500);
  store.defer(triple(2), 1020);
  vi.advanceTimersByTime(499);
  expect(noted()).toEqual([
    [1, []],
    [1, []],
  ]);
  vi.advanceTimersByTime(1);
  const once = [
    [2, [1]],
    [2, [2]],
  ];
  expect(noted()).toEqual(once);
  store.defer(triple(1), 1030);
  vi.advanceTimersByTime(999);
  expect(noted()).toEqual(once);
  vi.advanceTimersByTime(1);
  expect(noted()[0]).toEqual([3, [1, 3]]);
});

test('or as soon as there are many, whatever pages they are on; what is on record no more is passed over', () => {
  const many = 3000; // on more pages than one transaction changes
  for (let n = 0; n < many; n++) store.remember(triple(n), 1000);
  const some = Array.from({ length: 255 }, (_, i) => (i * 11) % many);
  for (const n of some) store.defer(triple(n), 1010);
  expect(noted().filter(([deferrals]) => deferrals === 2)).toEqual([]);
  const file = openFile(path.join(scratch.path, 'greylist.mdb'))!;
  const before = readHead(file).txnid;
  store.defer(triple(many), 1010);
  expect(noted().filter(([deferrals]) => deferrals === 2)).toHaveLength(255);
  expect(noted()).toHaveLength(many);
  expect(readHead(file).txnid - before).toBeGreaterThan(1); // nobody else has to wait for all of it
  closeFile(file);
});

test('while another process has the lock they wait, and those beyond a thousand or so are not kept', () => {
  const many = 1100;
  for (let n = 0; n < many; n++) store.remember(triple(n), 1000);
  const other = openWriter(path.join(scratch.path, 'greylist.mdb'));
  begin(other);
  for (let n = 0; n < many; n++) store.defer(triple(n), 1010);
  vi.advanceTimersByTime(5000);
  other.env.abortTxn();
  closeWriter(other);
  const count = () => noted().filter(([deferrals]) => deferrals === 2).length;
  expect(count()).toBe(0);
  vi.advanceTimersByTime(1000);
  expect(count()).toBe(1024);
});

test('what cannot be put there is given up: the trouble is met, and told, by the next request', () => {
  const change = vi.fn(() => {
    throw new Error('no space left');
  });
  const deferrals = newDeferrals({
    settle: (work) => work(),
    look: () => undefined,
    flush: () => {},
    hurry: () => {},
    change,
    isBusy: () => false,
    isReady: () => true,
    close: () => {},
  });
  expect(deferrals.isEmpty()).toBe(true);
  deferrals.add(Buffer.from('key'), 3, 1000);
  expect(deferrals.isEmpty()).toBe(false);
  vi.advanceTimersByTime(1000);
  expect(change).toHaveBeenCalledTimes(1);
  expect(deferrals.isEmpty()).toBe(true);
  vi.advanceTimersByTime(5000);
  expect(change).toHaveBeenCalledTimes(1);
});
