// The store's side of import, learn and export: merges what is imported into what is on record, and reads what is on record
// with the origin of each count. Merges may be repeated, and made in any order, with the same outcome.
import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import { type JointChange, MOST_TEXT } from '../store/admin/change.ts';
import type { Entry, TripleEntry } from '../store/admin/entry.ts';
import {
  type Counts,
  clientOf,
  countsOf,
  mergeCounts,
  ORIGIN,
  type Origins,
  originsName,
  readOrigins,
  totalOf,
} from '../store/records/origins.ts';
import { MOST_OFFSETS } from '../store/records/record.ts';
import { doesNotExist } from './database.ts';
import { lastOf } from './entry.ts';
import type { Imported, ImportedClient, ImportedTriple } from './import/record.ts';
import type { Merge, Merged } from './import/run.ts';
import type { Editor, Records } from './records.ts';

/** The longest time from first sight to last pass that a record can hold, in seconds (store/records/record.ts). */
const LONGEST = 0xffff * 3600;
const MOST_COUNT = 0xffffffff;

/** Calls `work` with the function that merges into these records; a database is made where there is none. */
export function merging<T>(records: Records, work: (merge: Merge) => Promise<T>): Promise<T> {
  return records.edit(async (editor) => {
    const self = await originOf(editor);
    return work((imported) => mergeAll(editor, imported, self));
  });
}

/** The origin of counts made by this database (or engine): made once and kept in it, whatever the host is called later. */
async function originOf(editor: Editor): Promise<string> {
  let origin = '';
  await editor.changeJointly([
    {
      names: [{ house: ORIGIN }],
      change([before]) {
        origin =
          before?.kind === 'house'
            ? before.text
            : `${hostname().toLowerCase()}-${randomBytes(4).toString('hex')}`;
        return [before === undefined ? { kind: 'house', text: origin } : undefined];
      },
    },
  ]);
  return origin;
}

async function mergeAll(editor: Editor, records: Iterable<Imported>, self: string): Promise<Merged> {
  // One for each change, which sets it anew if it is tried again because another process changed the record meanwhile.
  const outcomes: { what: keyof Merged; records: number }[] = [];
  function counted({ names, change }: JointChange, records: number): JointChange {
    const outcome = { what: 'unchanged' as keyof Merged, records };
    outcomes.push(outcome);
    return {
      names,
      change(before) {
        const after = change(before);
        const [own] = after;
        if (typeof own === 'object' && own.kind !== 'house' && editor.keeps?.(own) === false) {
          outcome.what = 'expired';
          return names.map(() => undefined);
        }
        const isNews = after.some((one) => one !== undefined);
        outcome.what = !isNews ? 'unchanged' : before[0] === undefined ? 'created' : 'changed';
        return after;
      },
    };
  }
  function* changes(): Generator<JointChange> {
    const clients = new Map<string, ImportedClient[]>();
    for (const record of records) {
      if (record.kind === 'triple') yield counted(tripleChange(record), 1);
      else if (clients.has(record.client)) clients.get(record.client)!.push(record);
      else clients.set(record.client, [record]);
    }
    for (const [client, all] of clients) yield counted(clientChange(client, all, self), all.length);
  }
  await editor.changeJointly(changes());
  const merged: Merged = { created: 0, changed: 0, unchanged: 0, expired: 0 };
  for (const { what, records } of outcomes) merged[what] += records;
  return merged;
}

function tripleChange(imported: ImportedTriple): JointChange {
  const { client, sender, recipient } = imported;
  return {
    names: [{ client, sender, recipient }],
    change: ([before]) => [mergeTriple(before as TripleEntry | undefined, imported)],
  };
}

/** Earliest first seen, latest last seen, passed if either passed; undefined: the import says nothing new. */
function mergeTriple(before: TripleEntry | undefined, imported: ImportedTriple): TripleEntry | undefined {
  const { client, sender, recipient, lastSeen } = imported;
  const passed = imported.passed || before?.passed === true;
  const lastPassed = Math.max(imported.passed ? lastSeen : 0, before?.lastPassed ?? 0);
  const earliest = Math.min(imported.firstSeen, before?.firstSeen ?? imported.firstSeen);
  const firstSeen = passed ? Math.max(earliest, lastPassed - LONGEST) : earliest;
  // The known times of further attempts, including a first sight of either that was not the first of both.
  const again = new Set([
    ...(before?.offsets ?? []).map((offset) => before!.firstSeen + offset),
    ...(before === undefined ? [] : [before.firstSeen]),
    imported.firstSeen,
    ...(imported.passed ? [] : [lastSeen]),
  ]);
  const merged: TripleEntry = {
    kind: 'triple',
    client,
    sender,
    recipient,
    firstSeen,
    passed,
    lastPassed: passed ? lastPassed : 0,
    wait: before?.wait ?? 0,
    deferrals: before?.deferrals ?? 1,
    offsets: [],
  };
  if (before === undefined) return { ...merged, ...attempts(again, firstSeen, 1) };
  const last = lastOf(before);
  const isNews =
    firstSeen < before.firstSeen ||
    passed !== before.passed ||
    lastPassed >= before.lastPassed + 3600 ||
    (!passed && lastSeen > last + (last - firstSeen) * COARSE);
  if (!isNews) return undefined;
  return { ...merged, ...attempts(again, firstSeen, before.deferrals) };
}

/** How exactly offsets are kept, as a part of the offset (store/records/coarse.ts). */
const COARSE = 0.05;

function attempts(times: ReadonlySet<number>, firstSeen: number, deferrals: number) {
  const all = [...times].filter((time) => time > firstSeen).sort((a, b) => a - b);
  const offsets = all.map((time) => time - firstSeen);
  const kept =
    offsets.length <= MOST_OFFSETS ? offsets : [...offsets.slice(0, MOST_OFFSETS - 1), offsets.at(-1)!];
  return { offsets: kept, deferrals: Math.max(deferrals, 1 + kept.length) };
}

function clientChange(client: string, all: readonly ImportedClient[], self: string): JointChange {
  return {
    names: [{ client }, { house: originsName(client) }],
    change([before, house]) {
      const known = before?.kind === 'client' ? before : undefined;
      const origins = house?.kind === 'house' ? readOrigins(house.text) : undefined;
      const old = countsOf(known?.comeBacks ?? 0, origins);
      let counts: Counts = old;
      let lastSeen = known?.lastSeen ?? 0;
      for (const one of all) {
        counts = mergeCounts(counts, one.origin, one.comeBacks, self);
        lastSeen = Math.max(lastSeen, one.lastSeen);
      }
      const total = Math.min(MOST_COUNT, totalOf(counts));
      const day = (seconds: number) => Math.floor(seconds / 86_400);
      const isNews =
        known === undefined ||
        JSON.stringify(counts) !== JSON.stringify(old) ||
        day(lastSeen) > day(known.lastSeen);
      if (!isNews) return [undefined, undefined];
      const text = JSON.stringify({ total, ...counts, lastSeen } satisfies Origins);
      if (text.length > MOST_TEXT) throw new Error(`${client}: counts of too many origins; see --origin`);
      const foreign = Object.keys(counts.from).length > 0;
      return [
        { kind: 'client', client, comeBacks: total, lastSeen },
        foreign ? { kind: 'house', text } : house === undefined ? undefined : 'forget',
      ];
    },
  };
}

/**
 * What is on record and was seen at `since` or later, piece by piece, for export: each count with its origin.
 * `onPassedOver`: as in `Hooks`.
 */
export async function* recordsOf(
  records: Records,
  since: number,
  onPassedOver?: () => void,
): AsyncGenerator<Iterable<Imported>> {
  if (!records.isThere()) throw doesNotExist(records.name);
  const self = await records.edit(originOf);
  const origins = new Map<string, Origins>();
  const onOrigins = (name: string, text: string) => {
    const client = clientOf(name);
    const read = client === undefined ? undefined : readOrigins(text);
    if (read !== undefined) origins.set(client!, read);
  };
  for await (const piece of records.read('exporting', { onOrigins, onPassedOver })) {
    function* all() {
      for (const entry of piece) yield* exported(entry, origins, self, since);
    }
    yield all();
  }
}

function* exported(
  entry: Entry,
  origins: ReadonlyMap<string, Origins>,
  self: string,
  since: number,
): Generator<Imported> {
  const { client } = entry;
  const lastSeen = entry.kind === 'triple' ? lastOf(entry) : entry.lastSeen;
  // Times are kept to the hour or the day: what may have been seen since then is exported too.
  const coarse = entry.kind === 'client' ? 86_400 : entry.passed ? 3600 : 1;
  if (lastSeen + coarse <= since) return;
  if (entry.kind === 'triple') {
    const { kind, sender, recipient, firstSeen, passed } = entry;
    yield { kind, client, sender, recipient, firstSeen, lastSeen, passed, origin: self };
    return;
  }
  const { own, from } = countsOf(entry.comeBacks, origins.get(client));
  for (const [origin, comeBacks] of [[self, own] as const, ...Object.entries(from)]) {
    if (comeBacks > 0 || origin === self) yield { kind: 'client', client, comeBacks, lastSeen, origin };
  }
}
