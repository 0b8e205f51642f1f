// Changing many records, for the administrator's commands: in transactions so short that no filter waits for more than
// a few milliseconds, and each page checked before liblmdb touches it.
import { DamageError, MovedError } from './damage.ts';
import { checkBeforeWriting } from './doubt.ts';
import { flush, flushLast, keepOrGiveUp } from './durable.ts';
import type { Meta } from './format.ts';
import { KEY_AT, valueAt } from './instruction.ts';
import * as key from './key.ts';
import { pause } from './pause.ts';
import { checkPlace } from './place.ts';
import * as record from './record.ts';
import type { Entry } from './scan.ts';
import { checkBeside, seekChecked } from './tree.ts';
import { closeWriter, openWriter, putRecord, removeRecord, transact, type Writer } from './writer.ts';

/** Which record: a triple, or a client's own where sender and recipient are undefined. */
export interface Name {
  client: string;
  sender?: string | undefined;
  recipient?: string | undefined;
}

/**
 * What becomes of a record: the new one, 'forget', or undefined to leave it as it is. Is given what is on record at
 * that moment, undefined where nothing is.
 */
export type Change = (before: Entry | undefined) => Entry | 'forget' | undefined;

export interface Editor {
  /** Changes the records that are named, in batches. Returns how many were changed. */
  change(changes: Iterable<{ name: Name; change: Change }>): number;
  /** Everything on the disk, nothing open. */
  close(): void;
}

const BATCH = 100;
const TRIES = 5;

/** Opens the database at `path`, making it where there is none. Throws StoreError, or DamageError's message as is. */
export function openEditor(path: string): Editor {
  checkPlace(path);
  checkBeforeWriting(path);
  let writer = openWriter(path);

  function commit(batch: { name: Name; change: Change }[]): number {
    for (let tries = 1; ; tries++) {
      try {
        return commitOnce(writer, batch);
      } catch (error) {
        const passing = error instanceof DamageError || error instanceof MovedError;
        if (!passing || tries === TRIES) throw plain(error, path);
        pause(5);
        if (!(error instanceof MovedError)) continue;
        closeWriter(writer);
        writer = openWriter(path); // compacted, or restored, meanwhile
      }
    }
  }

  return {
    change(changes) {
      let changed = 0;
      // By name: a second change of a record has to find what the first has made of it.
      let batch = new Map<string, { name: Name; change: Change }>();
      const put = () => {
        changed += commit([...batch.values()]);
        batch = new Map();
      };
      for (const one of changes) {
        const { client, sender, recipient } = one.name;
        const id = JSON.stringify([client, sender, recipient]).toLowerCase();
        if (batch.has(id)) put();
        batch.set(id, one);
        if (batch.size === BATCH) put();
      }
      if (batch.size > 0) put();
      return changed;
    },
    close() {
      try {
        flush(writer); // while filters go on, so that little is left to do while they wait
        flushLast(writer);
      } catch (error) {
        if (!(error instanceof MovedError)) throw error; // then what we changed went along to the other file
      } finally {
        closeWriter(writer);
      }
    },
  };
}

function commitOnce(writer: Writer, batch: { name: Name; change: Change }[]): number {
  let changed = 0;
  const meta = transact(writer, (state) => {
    // Where each goes is found before the first is put: what liblmdb changes in this transaction is in its own
    // memory, and the pages on the disk, which we check, stay as they were.
    changed = 0;
    for (const { name, change } of batch) if (changeOne(writer, state, name, change)) changed++;
    return changed > 0;
  });
  keepOrGiveUp(writer, meta);
  return changed;
}

function plain(error: unknown, path: string): unknown {
  if (error instanceof DamageError)
    return new Error(
      `${path} ${error.message}; the filters set it aside at the next request, then try again`,
    );
  if (error instanceof MovedError) return new Error(`${path}: ${error.message}; try again`);
  return error;
}

function changeOne(writer: Writer, meta: Meta, name: Name, change: Change): boolean {
  const { path, instruction } = writer;
  const length = writeName(instruction.key, name);
  const at = seekChecked(path, meta, instruction.key, length);
  const after = change(at < 0 ? undefined : entryOf(path.pages, at, name));
  if (after === undefined || (after === 'forget' && at < 0)) return false;
  if (after === 'forget') {
    checkBeside(path, meta);
    return removeRecord(writer, length);
  }
  if (after.kind === 'triple') {
    record.writeTriple(instruction.bytes, KEY_AT, length, valueAt(length), after);
    return putRecord(writer, length, record.TRIPLE_SIZE);
  }
  record.writeClient(instruction.bytes, KEY_AT, length, valueAt(length), after);
  return putRecord(writer, length, record.CLIENT_SIZE);
}

function writeName(out: Uint8Array, { client, sender, recipient }: Name): number {
  if (sender === undefined || recipient === undefined) return key.writeClient(out, 0, client, false);
  return key.writeTriple(out, 0, { client, sender, recipient });
}

function entryOf(pages: Buffer, at: number, { client, sender, recipient }: Name): Entry {
  if (sender === undefined || recipient === undefined)
    return { kind: 'client', client, ...record.readClient(pages, at) };
  return { kind: 'triple', client, sender, recipient, ...record.readTriple(pages, at) };
}
