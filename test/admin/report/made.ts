// Records as a filter would have left them: spam that never comes back, servers that do after their usual intervals,
// pools that come from another address each time. What a seed makes, it makes again.
import { newGathering } from '../../../src/admin/report/gather.ts';
import { openEditor } from '../../../src/store/admin/edit.ts';
import type { Entry, TripleEntry } from '../../../src/store/admin/entry.ts';
import { MAX_KEY, writeClient, writeTriple } from '../../../src/store/records/key.ts';
import { makeRandom } from '../../support/random.ts';

const DAY = 86_400;
const RETRIES = [[300], [30, 300], [60, 902], [20, 45, 1200], [600, 1800], [900], [301], [1800, 5400], [70]];

/** The facts of a report at `now` on a week, with the filters' usual settings, except that no client expires. */
export function gathered(now: number, entries: Iterable<Entry>) {
  const { take, facts } = newGathering({
    now,
    since: now - 7 * DAY,
    delay: 60,
    retryWindow: 2 * DAY,
    maxAge: 0,
    autoWhitelist: 10,
  });
  for (const entry of entries) take(entry);
  return facts();
}

/** A triple that waits, or with `wait` one that passed. */
export function triple(changes: Partial<TripleEntry>): TripleEntry {
  const wait = changes.wait ?? 0;
  const firstSeen = changes.firstSeen ?? 1_764_000_000;
  return {
    kind: 'triple',
    client: '192.0.2.1',
    sender: 'ann@example.org',
    recipient: 'bob@example.net',
    firstSeen,
    passed: wait > 0,
    lastPassed: wait > 0 ? firstSeen + wait : 0,
    wait,
    deferrals: 1 + (changes.offsets?.length ?? 0),
    offsets: [],
    ...changes,
  };
}

/** About `count` records of the last eight days before `now` (seconds since the epoch). */
export function* made(count: number, now: number, seed = 1): Generator<Entry> {
  const random = makeRandom(seed);
  const address = () =>
    `${1 + random.below(220)}.${random.below(256)}.${random.below(256)}.${random.below(256)}`;
  for (let n = 0; n < count; n++) {
    const recipient = `user${random.below(400)}@example.net`;
    // More of it by day, and a spam run now and then.
    const firstSeen = now - Math.floor(8 * DAY * random.next() ** 1.3);
    const kind = random.next();
    if (kind < 0.6) {
      const old = firstSeen < now - 2.2 * DAY;
      const client = old ? '203.0.113.9' : address();
      const hammers = random.chance(0.08);
      if (!old)
        yield triple({
          client,
          sender: `offer${n}@spam${random.below(9000)}.example`,
          recipient,
          firstSeen,
          offsets: hammers ? [5, 21, 44] : [],
        });
    } else if (kind < 0.93) {
      const server = random.below(3000);
      const [first, ...more] = random.pick(RETRIES);
      const times = [first!, ...more].map((seconds) => seconds + random.below(9));
      const at = times.findIndex((seconds) => seconds > 60);
      yield triple({
        client:
          server % 9 === 0 ? `2001:db8:${server.toString(16)}::25` : `198.51.${server >> 6}.${server & 63}`,
        sender: `person${n}@company${server}.example`,
        recipient,
        firstSeen,
        wait: times[at]!,
        offsets: times.slice(0, at),
      });
    } else if (kind < 0.95) {
      const pool = random.below(20);
      const sender = `person${n}@bigpool${pool % 4}.example`;
      const moves = 1 + random.below(4);
      let at = firstSeen - moves * 1500;
      for (let i = 0; i <= moves; i++, at += 700 + random.below(900)) {
        const last = i === moves;
        // Some pools are a subnet, others are all over the place.
        const client = `203.${pool % 3 === 0 ? 0 : i}.${pool}.${(i * 37 + n) % 250}`;
        yield triple({ client, sender, recipient, firstSeen: at, wait: last ? 400 + random.below(900) : 0 });
      }
    } else {
      const client = `198.51.${random.below(50)}.${random.below(64)}`;
      yield { kind: 'client', client, comeBacks: 1 + random.below(14), lastSeen: firstSeen };
    }
  }
}

/** Writes entries into the database at `path`: in the order of their keys, or each would cost a page of its own. */
export function fill(path: string, entries: Iterable<Entry>): void {
  const bytes = Buffer.alloc(MAX_KEY);
  const keyed = Array.from(entries, (entry) => {
    const end =
      entry.kind === 'client' ? writeClient(bytes, 0, entry.client, false) : writeTriple(bytes, 0, entry);
    return { key: bytes.toString('latin1', 0, end), name: entry, change: () => entry };
  });
  keyed.sort((a, b) => (a.key < b.key ? -1 : 1));
  const editor = openEditor(path);
  try {
    editor.change(keyed);
  } finally {
    editor.close();
  }
}
