// The mark in the first page: which state is known to be on the disk, and how a file goes back to it after a power cut.
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openEditor } from '../../../src/store/admin/edit.ts';
import { openWriter } from '../../../src/store/lmdb/open.ts';
import { closeWriter } from '../../../src/store/lmdb/writer.ts';
import { closeFile, type DataFile, openFile } from '../../../src/store/pages/file.ts';
import {
  hasTreesOf,
  MARK_AT,
  MARK_BYTES,
  META_TREES,
  META_TXNID,
  metaTxn,
} from '../../../src/store/pages/format.ts';
import { readHead } from '../../../src/store/pages/head.ts';
import {
  isDoubtful,
  isKept,
  markedState,
  markedTxn,
  noteSafe,
  rollBack,
  safeTxn,
  writeMark,
  writeUnkept,
} from '../../../src/store/pages/mark.ts';
import { verify } from '../../../src/store/pages/verify.ts';
import { fnv1a } from '../../../src/store/records/fnv.ts';
import { useScratch } from '../../support/scratch.ts';
import { everything, fill, putAtOnce } from '../filled.ts';
import { cutPower } from '../unfinished.ts';

const scratch = useScratch('of each');
let file: DataFile;
const place = (name = 'greylist.mdb') => path.join(scratch.path, name);

/** A database with 300 records in the marked state, and 600 more in one that nobody has brought to the disk. */
beforeEach(() => {
  const editor = openEditor(place('running.mdb'));
  fill(editor, 0, 300);
  editor.close();
  const writer = openWriter(place('running.mdb'));
  putAtOnce(writer, 300, 900);
  copyFileSync(place('running.mdb'), place());
  closeWriter(writer);
  file = openFile(place())!;
});
afterEach(() => closeFile(file));

function change(work: (bytes: Buffer) => void): void {
  const bytes = readFileSync(place());
  work(bytes);
  writeFileSync(place(), bytes);
}
/** The place of the check in the mark, which is over all the rest of it. */
const CHECK = MARK_AT + 12;
const sign = (bytes: Buffer) =>
  bytes.writeUInt32LE(
    fnv1a(bytes, MARK_AT + 16, MARK_AT + MARK_BYTES, fnv1a(bytes, MARK_AT, CHECK)) >>> 0,
    CHECK,
  );

test('a state is marked, kept, and kept no longer; whoever has the file open sees it at once', () => {
  const meta = readHead(file);
  const other = openFile(place())!;
  expect(markedTxn(file)).toBeLessThan(meta.txnid);
  expect(isKept(file)).toBe(true);
  writeMark(file, file.head, meta, true);
  readHead(other);
  expect(markedState(other)).toEqual({ txnid: meta.txnid, lastPage: meta.lastPage });
  expect(isKept(other)).toBe(true);
  writeUnkept(file);
  readHead(other);
  expect([markedTxn(other), isKept(other)]).toEqual([meta.txnid, false]);
  writeMark(file, file.head, meta, false);
  readHead(other);
  expect([markedTxn(other), isKept(other)]).toEqual([meta.txnid, false]);
  closeFile(other);
  expect(verify(place(), () => {})?.problems).toEqual([]);
});

test('a mark is the same bytes in every version of greylatch', () => {
  const meta = readHead(file);
  for (const kept of [true, false]) {
    const head = Buffer.from(file.head);
    writeMark(file, head, meta, kept);
    const page = (meta.txnid & 1) * file.pageSize;
    const bytes = Buffer.alloc(MARK_AT + MARK_BYTES);
    bytes.write('GREYLTCH', MARK_AT);
    bytes.writeUInt16LE(1, MARK_AT + 8);
    bytes.writeUInt16LE(kept ? 1 : 0, MARK_AT + 10);
    bytes.writeBigUInt64LE(BigInt(meta.txnid), MARK_AT + 16);
    bytes.writeBigUInt64LE(BigInt(meta.lastPage), MARK_AT + 24);
    head.copy(bytes, MARK_AT + 32, page + META_TREES, page + META_TREES + 96);
    sign(bytes);
    const written = readFileSync(place()).subarray(MARK_AT, MARK_AT + MARK_BYTES);
    expect(written).toEqual(bytes.subarray(MARK_AT));
    // Whoever has written it knows it, from whichever head it was.
    expect([markedTxn(file), isKept(file)]).toEqual([meta.txnid, kept]);
  }
  // Another program's bytes, with a check as good as ours.
  change((bytes) => {
    bytes.write('GREYLTCX', MARK_AT);
    sign(bytes);
  });
  readHead(file);
  expect(markedTxn(file)).toBe(-1);
});

test('no byte of the mark can be another, or there is none', () => {
  for (const at of [0, 5, 8, 10, 12, 16, 24, 32, MARK_BYTES - 1]) {
    const flip = () =>
      change((bytes) => {
        bytes[MARK_AT + at]! ^= 0x40;
      });
    flip();
    readHead(file);
    expect([at, markedTxn(file), isKept(file)]).toEqual([at, -1, false]);
    flip();
    readHead(file);
    expect(markedTxn(file)).toBeGreaterThan(0);
  }
});

test('the mark of a newer greylatch is left alone, and the database with it', () => {
  const records = everything(place());
  change((bytes) => {
    bytes.writeUInt16LE(2, MARK_AT + 8);
    sign(bytes);
  });
  cutPower(place());
  const before = readFileSync(place());
  expect(isDoubtful(file, readHead(file))).toBe(false);
  expect(markedTxn(file)).toBe(-2);
  expect(() => openWriter(place())).toThrow('was written by a newer greylatch');
  expect(readFileSync(place()).equals(before)).toBe(true);
  expect(everything(place())).toEqual(records);
});

test('only a state of another boot is doubtful, and only where the mark does not vouch for it', () => {
  const meta = readHead(file);
  expect(isDoubtful(file, meta)).toBe(false); // whoever crashed, the machine is up since
  cutPower(place());
  const cut = openFile(place())!;
  expect(isDoubtful(cut, readHead(cut))).toBe(true);
  writeMark(cut, cut.head, meta, true);
  expect(isDoubtful(cut, readHead(cut))).toBe(false);
  writeUnkept(cut); // its pages may have been used again
  expect(isDoubtful(cut, readHead(cut))).toBe(true);
  change((bytes) => bytes.fill(0, MARK_AT, MARK_AT + MARK_BYTES));
  expect(isDoubtful(cut, readHead(cut))).toBe(true); // within the first second of the file
  closeFile(cut);
});

test('where a boot is not known, to the writer or to us, no state is doubtful', () => {
  cutPower(place());
  const cut = openFile(place())!;
  const meta = readHead(cut);
  expect(isDoubtful(cut, meta)).toBe(true);
  expect(isDoubtful(cut, { ...meta, bootId: 0 })).toBe(false);
  closeFile(cut);
});

test('how far back a power cut leads at most is told beside the mark, and believed no further than the mark goes', () => {
  const meta = readHead(file);
  const other = openFile(place())!;
  writeMark(file, file.head, meta, true);
  const safe = () => {
    readHead(other);
    return safeTxn(other);
  };
  const beside = () => Number(readFileSync(place()).readBigUInt64LE(MARK_AT + MARK_BYTES));
  change((bytes) => bytes.fill(0, MARK_AT + MARK_BYTES, MARK_AT + MARK_BYTES + 8));
  readHead(file);
  expect(safe()).toBe(0);
  noteSafe(file, meta.txnid - 1);
  expect(safe()).toBe(meta.txnid - 1);
  noteSafe(file, meta.txnid);
  expect([safe(), beside()]).toEqual([meta.txnid, meta.txnid]);
  noteSafe(file, meta.txnid - 1); // nothing new
  expect(safe()).toBe(meta.txnid);
  // The next one is safe only where the marked one is not kept.
  noteSafe(file, meta.txnid + 1);
  expect([safe(), beside()]).toEqual([0, meta.txnid + 1]);
  writeUnkept(file);
  expect(safe()).toBe(meta.txnid + 1);
  noteSafe(file, meta.txnid + 2);
  expect(safe()).toBe(0);
  // What is known is not written again.
  writeUnkept(file);
  noteSafe(file, meta.txnid);
  expect(safe()).toBe(meta.txnid);
  change((bytes) => bytes.writeBigUInt64LE(BigInt(meta.txnid + 1), MARK_AT + MARK_BYTES));
  readHead(file);
  noteSafe(file, meta.txnid);
  expect(safe()).toBe(meta.txnid + 1);
  closeFile(other);
});

test('the marked state is that of an even transaction or of an odd one', () => {
  const parities = new Set<number>();
  for (const more of [900, 901, 902]) {
    const writer = openWriter(place('running.mdb'));
    if (more === 901) putAtOnce(writer, 1000, 1001);
    const { main, txnid, lastPage } = readHead(writer.file);
    writeMark(writer.file, writer.file.head, readHead(writer.file), true);
    putAtOnce(writer, more, more + 1);
    putAtOnce(writer, 2000, 2100);
    copyFileSync(place('running.mdb'), place('cut.mdb'));
    closeWriter(writer);
    const cut = openFile(place('cut.mdb'))!;
    const newest = readHead(cut);
    parities.add(txnid & 1);
    expect(markedState(cut)).toEqual({ txnid, lastPage });
    rollBack(cut, newest);
    const back = readHead(cut);
    expect(back).toMatchObject({ txnid: newest.txnid, lastPage, main });
    expect([0, cut.pageSize].map((at) => hasTreesOf(cut.head, at, back))).toEqual([true, true]);
    // LMDB looks for an even transaction in the first meta page, and writes the next one over the other.
    const numbers = [0, cut.pageSize].map((at) => metaTxn(cut.head, at));
    expect(numbers.sort()).toEqual([newest.txnid - 1, newest.txnid].sort());
    expect(metaTxn(cut.head, (newest.txnid & 1) * cut.pageSize)).toBe(newest.txnid);
    closeFile(cut);
  }
  expect(parities.size).toBe(2);
});

test('a file goes back to the marked state, under a number that no process takes for an older one', () => {
  const { txnid } = readHead(file);
  const marked = markedState(file);
  cutPower(place());
  const cut = openFile(place())!;
  rollBack(cut, readHead(cut));
  const back = readHead(cut);
  expect(back).toMatchObject({ txnid, lastPage: marked.lastPage, main: { entries: 300 } });
  // Both meta pages have it: the next transaction writes over one of them.
  expect([0, cut.pageSize].map((at) => hasTreesOf(cut.head, at, back))).toEqual([true, true]);
  expect(isDoubtful(cut, back)).toBe(false); // from now on it is of this boot
  closeFile(cut);
  const { problems, waiting } = verify(place(), () => {})!;
  expect({ problems, waiting }).toEqual({ problems: [], waiting: 300 });
});

test('a meta page that the power cut has left older than the one before the newest gets the number of that', () => {
  const { txnid } = readHead(file);
  const older = ((txnid + 1) & 1) * file.pageSize;
  change((bytes) => bytes.writeBigUInt64LE(BigInt(txnid - 3), older + META_TXNID));
  const cut = openFile(place())!;
  rollBack(cut, readHead(cut));
  readHead(cut);
  expect([metaTxn(cut.head, older), metaTxn(cut.head, file.pageSize - older)]).toEqual([txnid - 1, txnid]);
  closeFile(cut);
});

test('whoever opens it after a power cut has it go back, and goes on from there', () => {
  cutPower(place());
  closeWriter(openWriter(place()));
  expect(everything(place())).toHaveLength(300);
  const editor = openEditor(place());
  fill(editor, 300, 600);
  editor.close();
  const { problems, waiting } = verify(place(), () => {})!;
  expect({ problems, waiting }).toEqual({ problems: [], waiting: 600 });
});
