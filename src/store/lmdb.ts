// The store on LMDB: which records a look-up reads and which a change writes. How the file is kept usable is
// the keeper's business.
import type { Triple } from '../greylist/request.ts';
import type { Meta } from './format.ts';
import { KEY_AT, valueAt } from './instruction.ts';
import { type KeeperOptions, newKeeper } from './keeper.ts';
import * as key from './key.ts';
import * as record from './record.ts';
import type { Sighting, Store } from './store.ts';
import { descend, descendChecked, findRecord, type Path } from './tree.ts';
import { putRecord, type Writer } from './writer.ts';

const NOTHING: Sighting = { comeBacks: 0, firstSeen: 0, passed: false };

export function openStore(options: KeeperOptions): Store {
  const keeper = newKeeper(options);
  const wanted = Buffer.allocUnsafeSlow(key.MAX_KEY);

  function lookNow(triple: Triple): Sighting {
    const state = keeper.look();
    if (state === undefined) return NOTHING;
    const { path, meta } = state;
    const at = seek(path, meta, wanted, key.writeTriple(wanted, 0, triple));
    const firstSeen = at < 0 ? 0 : record.mainNumber(path.pages, at);
    const passed = at >= 0 && record.hasPassed(path.pages, at);
    // The client's own record is nearly always on the same page, which is then not read again.
    const clientAt = seek(path, meta, wanted, key.writeClient(wanted, 0, triple.client, false));
    return { comeBacks: clientAt < 0 ? 0 : record.mainNumber(path.pages, clientAt), firstSeen, passed };
  }

  function rememberNow(triple: Triple, now: number): number {
    let first = now;
    keeper.change((writer, meta) => {
      const length = key.writeTriple(writer.instruction.key, 0, triple);
      const at = seekChecked(writer.path, meta, writer.instruction.key, length);
      const stored = at < 0 ? Number.POSITIVE_INFINITY : record.mainNumber(writer.path.pages, at);
      if (stored <= now) {
        first = stored;
        return false;
      }
      putTriple(writer, length, { firstSeen: now, passed: false, lastPassed: 0 });
      return true;
    });
    return first;
  }

  return {
    look: (triple) => keeper.settle(() => lookNow(triple)),
    remember: (triple, now) => keeper.settle(() => rememberNow(triple, now)),
    pass: (triple, now, comeBack) =>
      keeper.settle(() =>
        keeper.change((writer, meta) => {
          const noted = notePassed(writer, meta, triple, now);
          if (comeBack) countComeBack(writer, meta, triple, now);
          return comeBack || noted;
        }),
      ),
    close: keeper.close,
  };
}

/** Where the record of `wanted` lies in `path.pages`; -1: nowhere. Pages that the path has are not read again. */
function seek(path: Path, meta: Meta, wanted: Uint8Array, length: number): number {
  descend(path, meta, wanted, length);
  return findRecord(path, wanted, length);
}

/** As `seek`, for a record that is about to be put. */
function seekChecked(path: Path, meta: Meta, wanted: Uint8Array, length: number): number {
  descendChecked(path, meta, wanted, length);
  return findRecord(path, wanted, length);
}

/** Returns whether there was anything to note. */
function notePassed(writer: Writer, meta: Meta, triple: Triple, now: number): boolean {
  const { path, instruction } = writer;
  const length = key.writeTriple(instruction.key, 0, triple);
  const at = seekChecked(path, meta, instruction.key, length);
  if (at < 0 || record.hasPassed(path.pages, at)) return false;
  putTriple(writer, length, { firstSeen: record.mainNumber(path.pages, at), passed: true, lastPassed: now });
  return true;
}

function countComeBack(writer: Writer, meta: Meta, triple: Triple, now: number): void {
  const { path, instruction } = writer;
  const length = key.writeClient(instruction.key, 0, triple.client, false);
  const at = seekChecked(path, meta, instruction.key, length);
  const comeBacks = (at < 0 ? 0 : record.mainNumber(path.pages, at)) + 1;
  record.writeClient(instruction.bytes, KEY_AT, length, valueAt(length), { comeBacks, lastSeen: now });
  putRecord(writer, length, record.RECORD_SIZE);
}

function putTriple(writer: Writer, length: number, triple: record.TripleRecord): void {
  record.writeTriple(writer.instruction.bytes, KEY_AT, length, valueAt(length), triple);
  putRecord(writer, length, record.RECORD_SIZE);
}
