// The store's side of import and learn: merges what they bring into what is on record. Merges may be repeated, and made in any
// order, with the same outcome.
import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import { type JointChange, MOST_TEXT, recordId } from '../store/admin/change.ts';
import type { TripleEntry } from '../store/admin/entry.ts';
import {
  type Counts,
  countsOf,
  mergeCounts,
  ORIGIN,
  type Origins,
  originsName,
  readOrigins,
  totalOf,
} from '../store/records/origins.ts';
import { MOST_OFFSETS } from '../store/records/record.ts';
import { lastOf } from './entry.ts';
import { type Imported, type ImportedClient, type ImportedTriple, MOST } from './import/record.ts';
import { type Merge, type Merged, NOTHING } from './import/run.ts';
import type { Editor, Records } from './records.ts';

/** The longest time from first sight to last pass that a record can hold, in seconds (store/records/record.ts). */
const LONGEST = 0xffff * 3600;

/** Calls `work` with the function that merges into these records; a database is made where there is none. */
export function merging<T>(records: Records, work: (merge: Merge) => Promise<T>): Promise<T> {
  return records.edit(async (editor) => {
    const self = await originOf(editor);
    return work((imported) => mergeAll(editor, imported, self));
  });
}

/** The origin of counts made by this database (or engine): made once and kept in it, whatever the host is called later. */
export async function originOf(editor: Editor): Promise<string> {
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

async function mergeAll(editor: Editor, imported: Iterable<Imported>, self: string): Promise<Merged> {
  // One for each change, which sets it anew if it is tried again because another process changed the record meanwhile.
  const outcomes: { what: keyof Merged; records: number; more: number }[] = [];
  function* changes(): Generator<JointChange> {
    for (const { names, change, records, more } of stepsOf(imported, self)) {
      const outcome = { what: 'unchanged' as keyof Merged, records, more };
      outcomes.push(outcome);
      yield {
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
  }
  await editor.changeJointly(changes());
  const merged: Merged = { ...NOTHING };
  for (const { what, records, more } of outcomes) {
    merged[what] += records;
    merged[what === 'expired' ? 'expired' : 'unchanged'] += more;
  }
  return merged;
}

/** A change for `records` that are imported, and `more` that come to the same one. */
type Step = JointChange & { records: number; more: number };

/**
 * One for all that is of one triple, or of one client: an editor commits before it changes a record once more, and the addresses
 * of a subnet have the same mail.
 */
function* stepsOf(imported: Iterable<Imported>, self: string): Generator<Step> {
  const clients = new Map<string, ImportedClient[]>();
  const triples = new Map<string, ImportedTriple[]>();
  for (const record of imported) {
    if (record.kind === 'triple') add(triples, recordId(record), record);
    else add(clients, record.client, record);
  }
  for (const all of triples.values()) yield { ...tripleChange(all), records: 1, more: all.length - 1 };
  for (const [client, all] of clients)
    yield { ...clientChange(client, all, self), records: all.length, more: 0 };
}

function add<T>(lists: Map<string, T[]>, id: string, item: T): void {
  const list = lists.get(id);
  if (list === undefined) lists.set(id, [item]);
  else list.push(item);
}

function tripleChange(all: readonly ImportedTriple[]): JointChange {
  const { client, sender, recipient } = all[0]!;
  return {
    names: [{ client, sender, recipient }],
    change([before]) {
      let known = before as TripleEntry | undefined;
      let news: TripleEntry | undefined;
      for (const one of all) {
        news = mergeTriple(known, one) ?? news;
        known = news ?? known;
      }
      return [news];
    },
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
      const total = Math.min(MOST, totalOf(counts));
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
