// The store as the decision knows it: look, remember, pass.
import fs, { renameSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import path from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { peek } from '../../../src/store/admin/peek.ts';
import { scan } from '../../../src/store/admin/scan.ts';
import { flush } from '../../../src/store/lmdb/durable.ts';
import { putHouse } from '../../../src/store/lmdb/house.ts';
import { openWriter } from '../../../src/store/lmdb/open.ts';
import { transact } from '../../../src/store/lmdb/transaction.ts';
import { closeWriter } from '../../../src/store/lmdb/writer.ts';
import { seekForPut } from '../../../src/store/pages/check.ts';
import { closeFile, openFile } from '../../../src/store/pages/file.ts';
import { readHead } from '../../../src/store/pages/head.ts';
import { markedTxn } from '../../../src/store/pages/mark.ts';
import { verify } from '../../../src/store/pages/verify.ts';
import { newQueue } from '../../../src/store/queue/queue.ts';
import { readQueue } from '../../../src/store/queue/read.ts';
import { MAX_KEY, writeHouse, writeTriple } from '../../../src/store/records/key.ts';
import { MAX_RECORD } from '../../../src/store/records/record.ts';
import { RELEASES, writeReleases } from '../../../src/store/releases.ts';
import type { Limits, Store } from '../../../src/store/store.ts';
import { makeRandom } from '../../support/random.ts';
import { useScratch } from '../../support/scratch.ts';
import { unmock } from '../../support/unmock.ts';
import { everything, triple as filled, putAtOnce } from '../filled.ts';
import { storeAt } from '../opened.ts';

const NONE = { retryWindow: 0, maxAge: 0, maxWaiting: 0 };
const scratch = useScratch('of each');
let store: Store;
const said: string[] = [];
const place = () => path.join(scratch.path, 'greylist.mdb');

function open(limits: Limits, sync: 'later' | 'always' = 'later'): Store {
  return storeAt(place(), limits, (what) => void said.push(what), sync);
}

beforeEach(() => {
  said.length = 0;
  store = open(NONE);
});
afterEach(() => {
  store.close();
  vi.useRealTimers();
});

const triple = (n: number) => ({ client: `10.0.${n >> 8}.${n & 255}`, sender: `s${n}@x`, recipient: 'r@y' });

test('of several first sights the earliest holds, and one in the future gives way to now', () => {
  expect(store.look(triple(1), 3000)).toMatchObject({ comeBacks: 0, firstSeen: 0, passed: false });
  expect(store.remember(triple(1), 1000)).toBe(1000);
  expect(store.remember(triple(1), 2000)).toBe(1000);
  expect(store.remember(triple(1), 500)).toBe(500);
  expect(store.look(triple(1), 3000).firstSeen).toBe(500);
});

test('a triple that starts anew and is queued is there when the timer has stored it', () => {
  const now = 1_700_000_000;
  vi.useFakeTimers({ toFake: ['Date', 'setTimeout', 'clearTimeout'], now: now * 1000 });
  const uptime = vi.spyOn(process, 'uptime').mockReturnValue(1000);
  store.close();
  store = open({ ...NONE, retryWindow: 100 });
  store.remember(triple(1), now - 200);
  const another = triple(2);
  expect(store.look(another, now).firstSeen).toBe(0);
  expect(store.remember(another, now)).toBe(now);
  const queue = newQueue(place(), false); // of another process, which has not seen the old record
  const key = Buffer.alloc(MAX_KEY);
  queue.add(key, writeTriple(key, 0, triple(1)), now);
  queue.close();
  expect(readQueue(place()).size).toBe(2);
  uptime.mockReturnValue(1003);
  vi.advanceTimersByTime(3000);
  expect(readQueue(place()).size).toBe(0);
  expect(store.look(triple(1), now + 3).firstSeen).toBe(now);
  uptime.mockRestore();
});

test('come-backs are counted by client, passing is noted by triple', () => {
  store.remember(triple(1), 1000);
  store.pass(triple(1), 2000, true);
  store.pass(triple(1), 2001, true);
  expect(store.look(triple(1), 3000)).toMatchObject({ comeBacks: 2, firstSeen: 1000, passed: true });
  expect(store.look({ ...triple(1), sender: 'other' }, 3000)).toMatchObject({
    comeBacks: 2,
    firstSeen: 0,
    passed: false,
  });
  store.pass(triple(1), 2002, false);
  expect(store.look(triple(1), 3000).comeBacks).toBe(2);
});

test('where there is no database, nothing is known', () => {
  const nothing = {
    comeBacks: 0,
    clientFresh: false,
    firstSeen: 0,
    passed: false,
    fresh: false,
    full: false,
  };
  expect(store.look(triple(1), 3000)).toEqual(nothing);
  expect(store.releases()).toEqual([]);
});

test.each(['192.0.2.1', '2001:DB8::1', 'example.com'])(
  'of %s it is told when it, and its triples, were seen, and what is noted of them',
  (client) => {
    const DAY = 86_400;
    const now = 10_000 * DAY;
    const seen = { client, sender: 'S@x', recipient: 'r@y' };
    store.remember(seen, now - 60);
    for (const ago of [50, 40, 30]) store.defer(seen, now - ago);
    store.close();
    store = open(NONE);
    expect(store.look(seen, now)).toMatchObject({ firstSeen: now - 60, full: false, clientFresh: false });
    store.defer(seen, now - 20);
    store.close();
    store = open(NONE);
    expect(store.look(seen, now)).toMatchObject({ full: true, passed: false, fresh: false, comeBacks: 0 });
    store.pass(seen, now, true);
    const later = (seconds: number) => store.look(seen, now + seconds);
    expect(later(0)).toMatchObject({ passed: true, fresh: true, comeBacks: 1, clientFresh: true });
    expect(later(DAY - 3600)).toMatchObject({ passed: true, fresh: true, comeBacks: 1, clientFresh: true });
    expect(later(DAY)).toMatchObject({ passed: true, fresh: false, comeBacks: 1, clientFresh: false });
    store.noteClient(client, now + DAY);
    expect(later(DAY)).toMatchObject({ fresh: false, comeBacks: 1, clientFresh: true });
    expect(store.look({ ...seen, client: `${client}0` }, now)).toMatchObject({ firstSeen: 0, comeBacks: 0 });
  },
);

test('what goes from the queue into the database while it is looked for is found', () => {
  store.remember(triple(0), 1000); // makes the database
  const other = open(NONE);
  const queued = triple(1);
  store.look(queued, 1000);
  store.remember(queued, 1000);
  expect(other.look(triple(1), 1001).firstSeen).toBe(1000);
  expect(verify(place(), () => {})?.waiting).toBe(1);
  // Between the look at the database and the one at the queue.
  const uptime = vi.spyOn(process, 'uptime').mockImplementationOnce(() => {
    store.remember(triple(2), 1001);
    return 1;
  });
  expect(other.look(triple(1), 1002).firstSeen).toBe(1000);
  uptime.mockRestore();
  other.close();
});

test('releases are read once a second at most, whatever the clock does, and rubbish is none', () => {
  vi.useFakeTimers({ toFake: ['Date'], now: 1_700_000_000_000 });
  const write = (text: string) => {
    const writer = openWriter(place());
    transact(writer, (meta) => {
      const { instruction, path } = writer;
      seekForPut(path, meta, instruction.key, writeHouse(instruction.key, 0, RELEASES), MAX_RECORD);
      return putHouse(writer, RELEASES, text);
    });
    closeWriter(writer);
  };
  store.remember(triple(1), 1000);
  expect(store.releases()).toEqual([]);
  const releases = [{ sender: 'a@example.org', until: 1_700_000_100 }];
  write(writeReleases(releases));
  vi.advanceTimersByTime(999);
  expect(store.releases()).toEqual([]);
  vi.advanceTimersByTime(1);
  expect(store.releases()).toEqual(releases);
  write('{');
  vi.setSystemTime(1_600_000_000_000);
  expect(store.releases()).toEqual([]);
});

test('a pass is noted once a day, with how long the mail waited for the first one', () => {
  const now = 1_700_000_000;
  const record = () => everything(place()).find((entry) => entry.kind === 'triple');
  store.remember(triple(1), now - 300);
  store.pass(triple(1), now, false);
  expect(record()).toMatchObject({ passed: true, wait: 300, lastPassed: now - 300 }); // to the hour
  store.pass(triple(1), now + 80_000, false);
  expect(record()).toMatchObject({ wait: 300, lastPassed: now - 300 });
  store.pass(triple(1), now + 100_000, false);
  expect(record()).toMatchObject({ wait: 300, lastPassed: now - 300 + 27 * 3600 });
});

test('the come-backs of a client that was away for longer than max age are counted anew', () => {
  const DAY = 86_400;
  const now = 10_000 * DAY;
  store.close();
  store = open({ ...NONE, maxAge: 35 * DAY });
  const count = (ago: number, client: string) => {
    const one = { ...triple(1), client };
    for (const then of [now - ago, now]) {
      store.remember(one, then - 100);
      store.pass(one, then, true);
    }
    return store.look(one, now).comeBacks;
  };
  expect([count(36 * DAY, '192.0.2.1'), count(37 * DAY, '192.0.2.2')]).toEqual([2, 1]);
});

test('what is queued goes into the database when the store is closed and nobody else would do it', () => {
  const one = triple(1);
  store.look(one, 1000);
  store.remember(one, 1000);
  expect(inQueue(1)).toBe(1000);
  store.close();
  expect(inQueue(1)).toBe(0);
  store = open(NONE);
  expect(store.look(one, 1000).firstSeen).toBe(1000);
});

test('thousands of random changes leave what a Map would hold, and a sound file', () => {
  const random = makeRandom(6);
  const model = new Map<number, { firstSeen: number; comeBacks: number }>();
  for (let i = 0; i < 8000; i++) {
    const n = random.below(3000);
    const now = 1_000_000 + i;
    const held = model.get(n);
    if (held === undefined || random.chance(0.3)) {
      const firstSeen = Math.min(held?.firstSeen ?? now, now);
      expect(store.remember(triple(n), now)).toBe(firstSeen);
      model.set(n, { firstSeen, comeBacks: held?.comeBacks ?? 0 });
    } else {
      store.pass(triple(n), now, true);
      held.comeBacks++;
    }
  }
  for (const [n, { firstSeen, comeBacks }] of model)
    expect(store.look(triple(n), 1_010_000)).toMatchObject({ firstSeen, comeBacks });
  store.close();
  expect(verify(place(), () => {})).toMatchObject({ problems: [], lost: 0 });
  expect(said).toEqual([]);
});

test('a file that is renamed away is noticed, and what is stored then goes into a new one', () => {
  vi.useFakeTimers({ toFake: ['Date'] });
  store.remember(triple(1), 1000);
  renameSync(place(), `${place()}.old`);
  vi.advanceTimersByTime(2000);
  expect(store.look(triple(1), 3000).firstSeen).toBe(0);
  store.remember(triple(2), 2000);
  expect(verify(place(), () => {})).toMatchObject({ waiting: 1 });
});

test('what a killed filter has left in the queue is seen by whoever only reads, in its place and once', () => {
  for (const n of [1, 4, 7]) store.remember(triple(n), 1000 + n);
  store.close();
  queue(false, [9, 1009], [2, 1002], [4, 1004]);
  const seen = [...scan(place())!.entries].map((entry) => entry.kind === 'triple' && entry.firstSeen);
  expect(seen).toEqual([1001, 1002, 1004, 1007, 1009]);
  expect(verify(place(), () => {})?.waiting).toBe(3);
  expect(peek(place(), triple(9)).triple).toMatchObject({ firstSeen: 1009, passed: false });
  expect(peek(place(), triple(8)).triple).toBeUndefined();
});

/** Has the triples in the queue, as another process would have put them there. */
function queue(durable: boolean, ...sights: [n: number, now: number][]): void {
  const queue = newQueue(place(), durable);
  const key = Buffer.alloc(MAX_KEY);
  for (const [n, now] of sights) {
    const length = writeTriple(key, 0, triple(n));
    queue.find(key, length);
    expect(queue.add(key, length, now)).toBe(true);
  }
  queue.close();
}

const inQueue = (n: number) => {
  const queue = newQueue(place(), false);
  const key = Buffer.alloc(MAX_KEY);
  const seen = queue.find(key, writeTriple(key, 0, triple(n)));
  queue.close();
  return seen;
};

test('what is queued goes into the database with the next triple that does, and only then leaves the queue', () => {
  queue(false, [1, 1000], [2, 1001]);
  expect(inQueue(1)).toBe(1000);
  expect(store.remember(triple(1), 2000)).toBe(1000);
  expect([inQueue(1), inQueue(2)]).toEqual([0, 0]);
  for (const n of [1, 2]) expect(store.look(triple(n), 2000).firstSeen).toBe(999 + n);
});

test('what passes while it is queued is noted as passed', () => {
  const one = triple(1);
  store.look(one, 1000);
  store.remember(one, 1000);
  expect(inQueue(1)).toBe(1000);
  store.pass(one, 1100, true);
  expect(inQueue(1)).toBe(0);
  expect(store.look(one, 1200)).toMatchObject({ firstSeen: 1000, passed: true, comeBacks: 1 });
  store.close();
  expect(everything(place())).toHaveLength(2);
});

test('what passes is noted as passed also where another process stores it at that moment', () => {
  store.close();
  store = open(NONE, 'always');
  const other = open(NONE);
  const one = triple(1);
  store.look(one, 1000);
  store.remember(one, 1000);
  // Between the look for its record and the one into the queue.
  const { fdatasyncSync } = fs;
  vi.spyOn(fs, 'fdatasyncSync').mockImplementationOnce((fd) => {
    other.remember(triple(2), 1050);
    fdatasyncSync(fd);
  });
  syncBuiltinESMExports();
  store.pass(one, 1100, true);
  vi.restoreAllMocks();
  syncBuiltinESMExports();
  expect(inQueue(1)).toBe(0);
  expect(store.look(one, 1200)).toMatchObject({ firstSeen: 1000, passed: true, comeBacks: 1 });
  other.close();
});

const lots = (odd: number) => Array.from({ length: 5000 }, (_, i): [number, number] => [2 * i + odd, 1000]);

/** The newest state of the database. */
function newestTxn(): number {
  const file = openFile(place())!;
  const { txnid } = readHead(file);
  closeFile(file);
  return txnid;
}

test('where much is queued that belongs on many pages, no transaction changes them all', () => {
  queue(false, ...lots(0));
  store.remember(triple(20_000), 2000);
  const before = newestTxn();
  queue(false, ...lots(1));
  store.remember(triple(20_001), 2000);
  expect(newestTxn()).toBeGreaterThan(before + 1);
  expect(inQueue(1)).toBe(0);
  expect(everything(place())).toHaveLength(10_002);
});

test('what is queued between two of these transactions is not lost', () => {
  queue(false, ...lots(0));
  store.remember(triple(20_000), 2000);
  const before = newestTxn();
  const [first, ...others] = lots(1);
  queue(false, ...others);
  let waits = true;
  const { now } = Date;
  vi.spyOn(Date, 'now').mockImplementation(() => {
    if (waits && newestTxn() > before) {
      waits = false;
      queue(false, first!);
    }
    return now();
  });
  store.remember(triple(20_001), 2000);
  vi.restoreAllMocks();
  expect(waits).toBe(false);
  expect(store.look(triple(1), 2000).firstSeen).toBe(1000);
});

test('that too many wait is said once where several of these transactions find that so', () => {
  store.close();
  store = open({ ...NONE, maxWaiting: 5500 });
  queue(false, ...lots(0));
  store.remember(triple(20_000), 2000);
  expect(said).toEqual([]);
  const before = newestTxn();
  queue(false, ...lots(1));
  store.remember(triple(20_001), 2000);
  expect(newestTxn()).toBeGreaterThan(before + 1);
  expect(said).toEqual([expect.stringMatching(/^too many triples wait /)]);
});

test('what was queued by a clock that was ahead counts as seen now', () => {
  vi.spyOn(process, 'uptime').mockReturnValue(1);
  queue(false, [1, 9000]);
  store.remember(triple(2), 2000);
  expect(store.look(triple(1), 2000).firstSeen).toBe(2000);
  vi.restoreAllMocks();
});

test('what others queue while this process waits for the lock is as old as it is: the clock is read under the lock', () => {
  let up = 1;
  vi.spyOn(process, 'uptime').mockImplementation(() => up++);
  queue(false, [1, 2001]);
  store.remember(triple(2), 2000);
  expect(store.look(triple(1), 3000).firstSeen).toBe(2001);
  expect(store.look(triple(2), 3000).firstSeen).toBe(2000);
  vi.restoreAllMocks();
});

test('so it is where the timer has the queue stored', () => {
  vi.useFakeTimers({ toFake: ['Date', 'setTimeout', 'clearTimeout'], now: 1_700_000_000_000 });
  const uptime = vi.spyOn(process, 'uptime').mockReturnValue(1000);
  const one = triple(1);
  store.look(one, 1_700_000_000);
  store.remember(one, 1_700_000_000);
  queue(false, [2, 1_700_000_101]);
  uptime.mockReturnValue(1003);
  let looks = 0;
  vi.spyOn(Date, 'now').mockImplementation(() => (1_700_000_100 + looks++) * 1000);
  vi.advanceTimersByTime(3000);
  expect(readQueue(place()).size).toBe(0);
  expect(store.look(triple(2), 1_700_001_000).firstSeen).toBe(1_700_000_101);
  vi.restoreAllMocks();
});

test('what has lain in the queue for longer than it counts is put in nothing’s place', () => {
  store.close();
  store = open({ ...NONE, retryWindow: 1000 });
  store.remember(triple(1), 5000);
  queue(false, [1, 3000], [2, 3000]);
  const two = triple(2);
  expect(store.look(two, 5500).firstSeen).toBe(0);
  expect(store.remember(two, 5500)).toBe(5500);
  expect(store.look(two, 5500).firstSeen).toBe(5500);
  expect(store.look(triple(1), 5600).firstSeen).toBe(5000);
});

test('the sight of a triple that has passed stays, whatever was queued', () => {
  store.remember(triple(1), 3000);
  store.pass(triple(1), 3500, false);
  queue(false, [1, 2000]);
  store.remember(triple(2), 4000);
  expect(store.look(triple(1), 4000)).toMatchObject({ firstSeen: 3000, passed: true });
});

test('an earlier sight of one that waits takes the place of a later one, and its deferrals stay', () => {
  store.remember(triple(1), 3000);
  store.defer(triple(1), 3100);
  store.close();
  store = open(NONE);
  queue(false, [1, 2000]);
  store.remember(triple(2), 4000);
  store.close();
  expect(everything(place()).map((entry) => entry.kind === 'triple' && entry)).toMatchObject([
    { firstSeen: 2000, deferrals: 2 },
    { firstSeen: 4000, deferrals: 1 },
  ]);
});

test('what was answered as being on the disk is there before it leaves the queue', () => {
  const isSafe = () => {
    const file = openFile(place())!;
    const { txnid } = readHead(file);
    const safe = markedTxn(file) === txnid;
    closeFile(file);
    return safe;
  };
  store.remember(triple(1), 1000);
  expect(isSafe()).toBe(false); // in a second or two
  queue(true, [2, 1000]);
  store.remember(triple(3), 1000);
  expect(isSafe()).toBe(true);
});

test('with --sync always, what another process has just put into the database is answered from when it is on the disk', () => {
  store.remember(triple(1), 1000);
  store.close();
  const [later, always] = [open(NONE), open(NONE, 'always')];
  const key = Buffer.alloc(MAX_KEY);
  const queue = newQueue(place(), false);
  const length = writeTriple(key, 0, filled(2));
  queue.find(key, length);
  queue.add(key, length, 1000);
  const writer = openWriter(place());
  putAtOnce(writer, 2, 3); // it still waits for the disk, and so for taking it out of the queue
  const waits: string[] = [];
  const { fdatasyncSync } = fs;
  vi.spyOn(fs, 'fdatasyncSync').mockImplementation((fd) => {
    waits.push(path.basename(fs.readlinkSync(`/proc/self/fd/${fd}`)));
    fdatasyncSync(fd);
  });
  syncBuiltinESMExports();
  const waitsFor = (one: Store) => {
    expect(one.look(filled(2), 3000).firstSeen).toBe(1000);
    return waits.splice(0);
  };
  expect([waitsFor(later), waitsFor(always)]).toEqual([[], ['greylist.mdb-queue']]);
  flush(writer);
  waits.length = 0;
  expect(waitsFor(always)).toEqual([]);
  unmock();
  closeWriter(writer);
  for (const one of [queue, later, always]) one.close();
});
