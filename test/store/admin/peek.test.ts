// What `why` looks up: what a filter would find at that moment, wherever it is kept.
import { copyFileSync, existsSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { peek } from '../../../src/store/admin/peek.ts';
import { queuePath } from '../../../src/store/queue/read.ts';
import { testScratch } from '../../support/scratch.ts';
import { storeAt as open } from '../opened.ts';

const T = 1_764_000_000;
const TRIPLE = { client: '192.0.2.1', sender: 'a@example.org', recipient: 'b@example.net' };

test('what is queued is found where the filter was killed before it made the database', () => {
  const scratch = testScratch();
  const [alive, killed] = [path.join(scratch.path, 'a.mdb'), path.join(scratch.path, 'k.mdb')];
  const first = open(alive);
  first.look(TRIPLE, T); // what nobody knows goes into the queue
  first.remember(TRIPLE, T);
  copyFileSync(queuePath(alive), queuePath(killed));
  first.close();
  expect(existsSync(killed)).toBe(false);
  expect(peek(killed, TRIPLE)).toMatchObject({ missing: true, triple: { firstSeen: T, passed: false } });
  expect(peek(killed, { ...TRIPLE, sender: '' }).triple).toBeUndefined();
  expect(existsSync(killed)).toBe(false);
  const next = open(killed);
  expect(next.look(TRIPLE, T + 100).firstSeen).toBe(T);
  next.close();
});
