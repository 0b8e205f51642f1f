// The head of the file, read while another process writes at full speed.
import path from 'node:path';
import { expect, test } from 'vitest';
import { closeFile, openFile, readHead } from '../../src/store/file.ts';
import { greylatch, startFilter } from '../support/filter.ts';
import { shortRequest } from '../support/requests.ts';
import { makeScratch } from '../support/scratch.ts';

test('a head that is read in the middle of a commit is never taken for a state', async () => {
  const scratch = makeScratch();
  const database = path.join(scratch.path, 'greylist.mdb');
  const filter = await startFilter(greylatch('--db', database, '--log', 'none'));
  await filter.ask(shortRequest('10.0.0.1', 'first@example.org', 'r@example.net'));
  // Two readers of their own: what one has taken for the state of a transaction, the other must find as well.
  const readers = [openFile(database)!, openFile(database)!] as const;
  const triples = 20_000;
  let answered = 0;
  for (let i = 0; i < triples; i += 500) {
    filter.send(
      Array.from({ length: 500 }, (_, j) =>
        shortRequest('10.0.0.2', `s${i + j}@example.org`, 'r@example.net'),
      ).join(''),
    );
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
  expect(readHead(readers[0]).main.entries).toBeGreaterThan(triples);
  for (const file of readers) closeFile(file);
  await filter.finish();
  scratch.remove();
});
