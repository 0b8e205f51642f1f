// liblmdb's writes must never be the first to find that there is no space: what a transaction writes lies within what was
// taken for it before.
import { fstatSync, mkdirSync, truncateSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { KEY_AT, valueAt } from '../../../src/store/lmdb/instruction.ts';
import { openWriter } from '../../../src/store/lmdb/open.ts';
import { isCopying } from '../../../src/store/lmdb/space.ts';
import {
  APPEND,
  putRecord,
  removeRecord,
  transact,
  transactBatch,
} from '../../../src/store/lmdb/transaction.ts';
import { newTriple } from '../../../src/store/lmdb/triples.ts';
import { closeWriter, type Writer } from '../../../src/store/lmdb/writer.ts';
import { checkBeside, seekForPut } from '../../../src/store/pages/check.ts';
import { readHead } from '../../../src/store/pages/head.ts';
import * as key from '../../../src/store/records/key.ts';
import { ONCE_SIZE, TRIPLE_SIZE, writeTriple } from '../../../src/store/records/record.ts';
import { makeRandom } from '../../support/random.ts';
import { makeScratch } from '../../support/scratch.ts';

const scratch = makeScratch();
afterAll(scratch.remove);

function open(name: string): Writer {
  mkdirSync(path.join(scratch.path, name));
  return openWriter(path.join(scratch.path, name, 'greylist.mdb'));
}

const size = (writer: Writer) => fstatSync(writer.file.fd).size;

/** Writes the triple's key and record into the instruction; returns the lengths of both. */
function write({ instruction }: Writer, n: number, deferrals: number): [length: number, size: number] {
  const client = `10.${(n >> 16) & 255}.${(n >> 8) & 255}.${n & 255}`;
  const triple = { client, sender: `s${n}@example.org`, recipient: `${'r'.repeat(n % 50)}@example.net` };
  const length = key.writeTriple(instruction.key, 0, triple);
  const record = { ...newTriple(1000), deferrals, offsets: [30, 60, 90, 120].slice(0, deferrals) };
  return [length, writeTriple(instruction.bytes, KEY_AT, length, valueAt(length), record)];
}

test('what filters put and take away', () => {
  const writer = open('filters');
  const random = makeRandom(7);
  const there: number[] = [];
  for (let batch = 0; batch < 300; batch++) {
    const many = 1 + random.below(3000);
    transact(writer, (meta) => {
      for (let i = 0; i < many && writer.touched < 32; i++) {
        const n = batch % 3 === 0 ? batch * 1000 + i : random.below(200_000); // neighbours, or here and there
        const [length] = write(writer, n, 0);
        const at = seekForPut(writer.path, meta, writer.instruction.key, length, ONCE_SIZE);
        putRecord(writer, length, write(writer, n, at < 0 ? 0 : 1)[1]);
        there.push(n);
      }
      return true;
    });
    expect(size(writer)).toBeLessThanOrEqual(writer.file.taken);
    if (batch % 5 !== 4) continue;
    transact(writer, (meta) => {
      for (let i = 0; i < 50; i++) {
        const [length] = write(writer, random.pick(there), 0);
        const at = seekForPut(writer.path, meta, writer.instruction.key, length, TRIPLE_SIZE);
        if (at < 0) continue;
        checkBeside(writer.path, meta);
        removeRecord(writer, length);
      }
      return writer.touched > 0;
    });
    expect(size(writer)).toBeLessThanOrEqual(writer.file.taken);
  }
  closeWriter(writer);
});

test('what is saved from a damaged file, in any order', () => {
  const writer = open('saved');
  const random = makeRandom(7);
  for (let batch = 0; batch < 10; batch++) {
    transactBatch(writer, () => {
      for (let i = 0; i < 2000; i++) putRecord(writer, ...write(writer, random.below(2 ** 24), i % 4));
    });
    expect(size(writer)).toBeLessThanOrEqual(writer.file.taken);
  }
  closeWriter(writer);
});

test('a copy takes little more than it fills', () => {
  const writer = open('copied');
  const taken: [Buffer, number, number][] = [];
  for (let n = 0; n < 20_000; n++) {
    const [length, bytes] = write(writer, n, 0);
    taken.push([Buffer.from(writer.instruction.bytes), length, bytes]);
  }
  const keyOf = ([bytes, length]: [Buffer, number, number]) => bytes.subarray(KEY_AT, KEY_AT + length);
  taken.sort((a, b) => keyOf(a).compare(keyOf(b)));
  transactBatch(writer, () => {
    for (const [bytes, length, size] of taken) {
      bytes.copy(writer.instruction.bytes);
      putRecord(writer, length, size, APPEND);
    }
  });
  expect(size(writer)).toBeLessThanOrEqual(writer.file.taken);
  const { lastPage, pageSize } = readHead(writer.file);
  expect(writer.file.taken).toBeLessThan((lastPage + 1) * pageSize * 1.2);
  closeWriter(writer);
});

test.each(['greylist.mdb', 'greylist.mdb-lock'])(
  'holes in %s need space as well, as where a file system copies',
  (name) => {
    const own = path.join(scratch.path, `holes ${name}`);
    mkdirSync(own);
    const database = path.join(own, 'greylist.mdb');
    const before = isCopying(database);
    writeFileSync(path.join(own, name), Buffer.alloc(8192, 1));
    expect(isCopying(database)).toBe(before);
    truncateSync(path.join(own, name), 2 ** 20);
    expect(isCopying(database)).toBe(true);
  },
);
