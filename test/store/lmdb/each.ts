// A database of its own for each test of a file, open for changes.
import path from 'node:path';
import { afterEach, beforeEach } from 'vitest';
import { openWriter } from '../../../src/store/lmdb/open.ts';
import { transactBatch } from '../../../src/store/lmdb/transaction.ts';
import { closeWriter, type Writer } from '../../../src/store/lmdb/writer.ts';
import type { Meta } from '../../../src/store/pages/format.ts';
import { type Scratch, testScratch } from '../../support/scratch.ts';
import { unmock } from '../../support/unmock.ts';
import { putNumber } from '../filled.ts';

export let scratch: Scratch;
export let writer: Writer;

/** To be called once in a test file; what the tests have mocked ends with each. */
export function openForEach(): void {
  beforeEach(() => {
    scratch = testScratch();
    writer = openWriter(database());
  });
  afterEach(() => {
    unmock();
    if (!writer.closed) closeWriter(writer);
  });
}

export function database(): string {
  return path.join(scratch.path, 'greylist.mdb');
}

/** One commit, of the record with this number. */
export function commit(number: number): Meta {
  return transactBatch(writer, () => putNumber(writer, number, number));
}
