// Flushes behind the replies, and what may happen meanwhile.
import { fstatSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { flushBehind, isUnsettled, mostHeld, owes } from '../../src/store/durable.ts';
import { openFile, readHead } from '../../src/store/file.ts';
import { isKept, markedTxn } from '../../src/store/mark.ts';
import { openWriter } from '../../src/store/open.ts';
import { closeWriter, transactBatch, type Writer } from '../../src/store/writer.ts';
import { makeScratch } from '../support/scratch.ts';
import { until } from '../support/until.ts';
import { putNumber } from './filled.ts';

let scratch: ReturnType<typeof makeScratch>;
let writer: Writer;
const database = () => path.join(scratch.path, 'greylist.mdb');

beforeEach(() => {
  scratch = makeScratch();
  writer = openWriter(database());
});
afterEach(() => {
  if (!writer.closed) closeWriter(writer);
  scratch.remove();
});

const commit = (number: number) => transactBatch(writer, () => putNumber(writer, number, number));

const flushed = () =>
  new Promise<void>((resolve, reject) =>
    flushBehind(writer, (error) => (error ? reject(error as Error) : resolve())),
  );

test('a flush marks the state that it has brought to the disk', async () => {
  for (let i = 1; i < 10; i++) commit(i);
  expect(owes(writer)).toBe(true);
  await flushed();
  const { txnid } = readHead(writer.file);
  expect({ marked: markedTxn(writer.file), kept: isKept(writer.file) }).toEqual({
    marked: txnid,
    kept: true,
  });
});

test('a storm overtakes a flush: the mark names the state, and says that it is not kept', async () => {
  commit(1);
  const { txnid } = readHead(writer.file);
  const done = flushed();
  for (let i = 0; i <= mostHeld(readHead(writer.file).lastPage); i++) commit(i);
  await done;
  readHead(writer.file);
  expect({ marked: markedTxn(writer.file), kept: isKept(writer.file) }).toEqual({
    marked: txnid,
    kept: false,
  });
  expect(isUnsettled(writer)).toBe(true);
  await flushed(); // when it has passed
  readHead(writer.file);
  expect(isKept(writer.file)).toBe(true);
});

test('everything may be closed while a flush is under way', async () => {
  commit(1);
  const { fd } = writer.file;
  flushBehind(writer, () => {
    throw new Error('nobody is there to be told');
  });
  closeWriter(writer);
  expect(fstatSync(fd).isFile()).toBe(true); // the disk still works on it
  await until(() => {
    try {
      fstatSync(fd);
      return false;
    } catch {
      return true;
    }
  });
  expect(openFile(database())).toBeDefined();
});
