// The head of the file, read while another process writes at full speed, or after somebody has begun anew in it.
import { readFileSync, truncateSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { openEditor } from '../../../src/store/admin/edit.ts';
import { closeFile, openFile, readHead } from '../../../src/store/pages/file.ts';
import {
  META_LAST_PAGE,
  META_MAIN,
  META_TREES,
  TREE_DEPTH,
  TREE_ENTRIES,
  TREE_ROOT,
} from '../../../src/store/pages/format.ts';
import { greylatch, startFilter } from '../../support/filter.ts';
import { dunno, shortRequest } from '../../support/requests.ts';
import { makeScratch } from '../../support/scratch.ts';
import { fill } from '../filled.ts';

test('a head that is read in the middle of a commit is never taken for a state', async () => {
  const scratch = makeScratch();
  const database = path.join(scratch.path, 'greylist.mdb');
  const options = ['--delay', '0', '--auto-whitelist', '1000000'];
  const filter = await startFilter(greylatch('--db', database, '--log', 'none', ...options));
  const request = shortRequest('10.0.0.1', 's@example.org', 'r@example.net');
  while ((await filter.ask(request)) !== dunno); // from now on each is a come-back, and a commit
  // Two readers of their own: what one has taken for the state of a transaction, the other must find as well.
  const readers = [openFile(database)!, openFile(database)!] as const;
  const { txnid } = readHead(readers[0]);
  const requests = 20_000;
  let answered = 0;
  for (let i = 0; i < requests; i += 500) {
    filter.send(request.repeat(500));
    const replies = filter.replies(500).then(() => {
      answered += 500;
    });
    while (answered < i + 500) {
      for (let n = 0; n < 500; n++) {
        const [a, b] = [readHead(readers[0]), readHead(readers[1])];
        if (a.txnid === b.txnid) expect(a).toEqual(b);
      }
      await new Promise(setImmediate);
    }
    await replies;
  }
  expect(readHead(readers[0]).txnid).toBeGreaterThanOrEqual(txnid + requests);
  for (const file of readers) closeFile(file);
  await filter.finish();
  scratch.remove();
});

test('a state with the number of another, in a file that was emptied meanwhile, is noticed', async () => {
  const scratch = makeScratch();
  const store = async (name: string, senders: number) => {
    const database = path.join(scratch.path, name);
    const filter = await startFilter(greylatch('--db', database, '--log', 'none'));
    // All in one transaction, whenever it comes.
    filter.send(
      Array.from({ length: senders }, (_, i) =>
        shortRequest('10.0.0.1', `s${i}@example.org`, 'r@example.net'),
      ).join(''),
    );
    await filter.replies(senders);
    await filter.finish();
    return database;
  };
  const [database, another] = [await store('greylist.mdb', 3), await store('another.mdb', 4)];
  const reader = openFile(database)!;
  const { txnid, main } = readHead(reader);
  expect(main.entries).toBe(3);
  truncateSync(database);
  writeFileSync(database, readFileSync(another));
  expect(() => readHead(reader)).toThrow('begun anew');
  const anew = openFile(database)!;
  expect(readHead(anew)).toMatchObject({ txnid, main: { entries: 4 } });
  // As many records, the same number, and yet another state.
  const bytes = readFileSync(database);
  for (const at of [
    META_LAST_PAGE,
    META_TREES + TREE_DEPTH,
    META_MAIN + TREE_ENTRIES,
    META_MAIN + TREE_ROOT,
  ]) {
    const other = Buffer.from(bytes);
    for (const meta of [0, anew.pageSize]) other[meta + at]! ^= 1;
    writeFileSync(database, other);
    expect(() => readHead(anew)).toThrow('begun anew');
  }
  for (const file of [reader, anew]) closeFile(file);
  scratch.remove();
});

test('meta pages in the place of each other are damage, though each is sound: liblmdb would take the older one', () => {
  const scratch = makeScratch();
  const database = path.join(scratch.path, 'greylist.mdb');
  const editor = openEditor(database);
  fill(editor, 0, 10);
  editor.close();
  const file = openFile(database)!;
  expect(readHead(file).main.entries).toBeGreaterThan(0);
  const bytes = readFileSync(database);
  const swapped = Buffer.concat([bytes.subarray(4096, 8192), bytes.subarray(0, 4096), bytes.subarray(8192)]);
  writeFileSync(database, swapped);
  expect(() => readHead(file)).toThrow(/its meta pages in the place of each other/);
  closeFile(file);
  scratch.remove();
});
