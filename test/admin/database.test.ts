// How commands word what keeps them from this host's own database.
import path from 'node:path';
import { expect, test } from 'vitest';
import { doesNotExist } from '../../src/admin/database.ts';
import { newQueue } from '../../src/store/queue/queue.ts';
import { MAX_KEY, writeTriple } from '../../src/store/records/key.ts';
import { testScratch } from '../support/scratch.ts';

test('a database that is not there, and one that is about to be made of what filters have queued', () => {
  const db = path.join(testScratch().path, 'greylist.mdb');
  expect(doesNotExist(db).message).toMatch(/does not exist, or is empty; name the database with --db$/);
  const queue = newQueue(db, false);
  const key = Buffer.alloc(MAX_KEY);
  queue.add(key, writeTriple(key, 0, { client: '192.0.2.1', sender: 's@x', recipient: 'r@y' }), 1000);
  queue.close();
  expect(doesNotExist(db).message).toMatch(/is not there yet: .*; try again$/);
});
