// Merging: whatever is exported and imported, in whatever order and however often, hosts end up with the same records,
// and no come-back is lost or counted twice.
import path from 'node:path';
import { expect, test } from 'vitest';
import { recordsOf } from '../../src/admin/export/records.ts';
import type { Imported } from '../../src/admin/import/record.ts';
import { merging } from '../../src/admin/merge.ts';
import { ofDatabase, type Records } from '../../src/admin/records.ts';
import { openEditor } from '../../src/store/admin/edit.ts';
import { scan } from '../../src/store/admin/scan.ts';
import { verify } from '../../src/store/pages/verify.ts';
import type { Store } from '../../src/store/store.ts';
import { storeAt } from '../store/opened.ts';
import { makeRandom } from '../support/random.ts';
import { useScratch } from '../support/scratch.ts';

const scratch = useScratch('of each');

const place = (host: number) => path.join(scratch.path, `host${host}.mdb`);
const everything = (host: number) => [...(scan(place(host))?.entries ?? [])];

function filter<T>(host: number, work: (store: Store) => T): T {
  const store = storeAt(place(host));
  try {
    return work(store);
  } finally {
    store.close();
  }
}

function merge(host: number, records: Iterable<Imported>) {
  return merging(ofDatabase(place(host)), (merge) => merge(records));
}

async function exported(host: number, since = 0): Promise<Imported[]> {
  const found: Imported[] = [];
  for await (const piece of recordsOf(ofDatabase(place(host)), since)) found.push(...piece);
  return found;
}

const NOTHING = { created: 0, changed: 0, unchanged: 0, expired: 0 };

test('hosts that send each other their exports in any order agree, and every come-back counts once', async () => {
  const random = makeRandom(77);
  const hosts = [0, 1, 2];
  const comeBacks = new Map<string, number>();
  const firsts = new Map<string, number>();
  const passed = new Set<string>();
  const exports: Imported[][] = [];
  let now = 1_000_000_000;
  for (const host of hosts) filter(host, (store) => store.noteClient('10.0.0.0', now));
  for (let round = 0; round < 60; round++) {
    const host = random.pick(hosts);
    now += random.below(20_000);
    filter(host, (store) => {
      for (let i = 0; i < 5; i++) {
        const triple = { client: `10.0.0.${random.below(6)}`, sender: `s${random.below(5)}`, recipient: 'r' };
        const id = Object.values(triple).join();
        store.remember(triple, now + i);
        firsts.set(id, Math.min(firsts.get(id) ?? now + i, now + i));
        const dice = random.below(4);
        if (dice === 0) store.defer(triple, now + i + 3);
        if (dice > 1) {
          store.pass(triple, now + i, true);
          passed.add(id);
          comeBacks.set(triple.client, (comeBacks.get(triple.client) ?? 0) + 1);
        }
      }
    });
    exports.push(await exported(host));
    // An old one, or this one, or one of another host, to anybody, perhaps again.
    if (random.chance(0.6)) await merge(random.pick(hosts), random.pick(exports));
  }
  // From here on nothing happens but that they send each other what they have.
  for (let round = 0; round < 3; round++)
    for (const to of hosts)
      for (const from of random.shuffle([...hosts])) await merge(to, await exported(from));
  for (const to of hosts) {
    const { created, changed } = await merge(to, await exported((to + 1) % 3));
    expect({ created, changed }).toEqual({ created: 0, changed: 0 });
  }
  const plain = (host: number) =>
    everything(host).map((entry) =>
      entry.kind === 'client' ? entry : { ...entry, wait: 0, deferrals: 0, offsets: [] },
    );
  expect(plain(1)).toEqual(plain(0));
  expect(plain(2)).toEqual(plain(0));
  for (const entry of everything(0)) {
    if (entry.kind === 'client') {
      expect([entry.client, entry.comeBacks]).toEqual([entry.client, comeBacks.get(entry.client) ?? 0]);
      continue;
    }
    const { client, sender, recipient } = entry;
    const id = [client, sender, recipient].join();
    expect([id, entry.firstSeen, entry.passed]).toEqual([id, firsts.get(id), passed.has(id)]);
  }
  for (const host of hosts) expect(verify(place(host), () => {})?.problems).toEqual([]);
});

const client = (comeBacks: number, origin: string, lastSeen = 1_000_000_000): Imported => ({
  kind: 'client',
  client: '10.0.0.1',
  comeBacks,
  lastSeen,
  origin,
});
const comeBacksOf = (host: number) =>
  everything(host).flatMap((entry) => (entry.kind === 'client' ? [entry.comeBacks] : []));

test('counts of one origin are repeated, counts of several add up, and the filter counts on', async () => {
  expect(await merge(0, [client(5, 'a'), client(3, 'b')])).toEqual({ ...NOTHING, created: 2 });
  expect(await merge(0, [client(5, 'a')])).toEqual({ ...NOTHING, unchanged: 1 });
  expect(comeBacksOf(0)).toEqual([8]);
  filter(0, (store) => {
    store.remember({ client: '10.0.0.1', sender: 's', recipient: 'r' }, 1_000_000_000);
    store.pass({ client: '10.0.0.1', sender: 's', recipient: 'r' }, 1_000_000_100, true);
  });
  expect(await merge(0, [client(7, 'a')])).toEqual({ ...NOTHING, changed: 1 });
  expect(comeBacksOf(0)).toEqual([11]);
  expect(
    (await exported(0))
      .filter(({ kind }) => kind === 'client')
      .map((one) => 'comeBacks' in one && one.comeBacks),
  ).toEqual([1, 7, 3]);
});

test('what comes of one triple several times is one change: with subnets, addresses have the same mail', async () => {
  const triple = (
    firstSeen: number,
    passed: boolean,
    sender = 's',
    lastSeen = firstSeen + 7200,
  ): Imported => ({
    kind: 'triple',
    client: '10.0.0.0/24',
    sender,
    recipient: 'r',
    firstSeen,
    lastSeen,
    passed,
    origin: 'a',
  });
  const all = [triple(1_000_009_000, false), triple(1_000_000_000, true), triple(1_000_005_000, false, 'S')];
  let calls = 0;
  const records = ofDatabase(place(0));
  const counting: Records = {
    ...records,
    edit: (work) =>
      records.edit((editor) =>
        work({
          ...editor,
          changeJointly(changes) {
            const some = [...changes];
            calls += some.length;
            return editor.changeJointly(some);
          },
        }),
      ),
  };
  const merged = await merging(counting, (merge) => merge([...all, triple(1_000_000_000, false, 'other')]));
  expect(calls).toBe(3); // the origin, and two triples
  expect(merged).toEqual({ ...NOTHING, created: 2, unchanged: 2 });
  expect(everything(0).filter((entry) => entry.kind === 'triple' && entry.sender !== 'other')).toMatchObject([
    { firstSeen: 1_000_000_000, passed: true, deferrals: 3 },
  ]);
  expect(await merge(0, all)).toEqual({ ...NOTHING, unchanged: 3 });
});

test('a client that was forgotten begins anew, and takes what is imported again', async () => {
  await merge(0, [client(50, 'a')]);
  const editor = openEditor(place(0));
  editor.change([{ name: { client: '10.0.0.1' }, change: () => 'forget' }]);
  editor.close();
  filter(0, (store) => {
    store.remember({ client: '10.0.0.1', sender: 's', recipient: 'r' }, 1_000_000_000);
    store.pass({ client: '10.0.0.1', sender: 's', recipient: 'r' }, 1_000_000_100, true);
  });
  expect(comeBacksOf(0)).toEqual([1]);
  await merge(0, [client(2, 'b')]);
  expect(comeBacksOf(0)).toEqual([3]);
  await merge(0, [client(50, 'a')]);
  expect(comeBacksOf(0)).toEqual([53]);
});

test('what an import brings of a client goes when the client does', async () => {
  await merge(0, [client(50, 'a'), { ...client(20, 'a'), client: '10.0.0.2', lastSeen: 1_003_000_000 }]);
  const count = () => {
    const names: string[] = [];
    for (const _ of scan(
      place(0),
      () => {},
      (name) => names.push(name),
    )!.entries);
    return names.filter((name) => name.startsWith('from '));
  };
  expect(count()).toEqual(['from 10.0.0.1', 'from 10.0.0.2']);
  const limits = { retryWindow: 0, maxAge: 86_400, maxWaiting: 0 };
  const store = storeAt(place(0), limits, () => {});
  store.tidy(1_003_000_100);
  store.tidy(1_003_000_200); // nobody has swept meanwhile
  store.close();
  expect(count()).toEqual(['from 10.0.0.2']);
});

test('an export brought into an empty database comes out of it as it was', async () => {
  filter(0, (store) => {
    const [waits, passes] = ['w', 'p'].map((sender) => ({ client: '10.0.0.1', sender, recipient: 'r' }));
    for (const triple of [waits!, passes!]) {
      store.remember(triple, 1_000_000_000);
      store.defer(triple, 1_000_000_030);
    }
    store.pass(passes!, 1_000_000_100, true);
    store.noteClient('10.0.0.2', 1_000_000_000);
  });
  await merge(0, [client(5, 'a')]);
  const sent = await exported(0);
  await merge(1, sent);
  // A host names itself where nobody else has counted.
  const anonymous = (records: Imported[]) =>
    records
      .map((one) => (one.kind === 'triple' || one.comeBacks === 0 ? { ...one, origin: '' } : one))
      .map((one) => JSON.stringify(one))
      .sort();
  expect(anonymous(await exported(1))).toEqual(anonymous(sent));
});

test('--since: only what was seen from then on', async () => {
  await merge(0, [client(5, 'a'), { ...client(5, 'a', 1_000_100_000), client: '10.0.0.2' }]);
  expect((await exported(0, 1_000_090_000)).map(({ client }) => client)).toEqual(['10.0.0.2']);
});
