// A storm in one process beside others that have just stored something and are asked no more: the file must not grow by
// what they hold on to.
import path from 'node:path';
import { expect, test } from 'vitest';
import { verify } from '../../src/store/pages/verify.ts';
import { greylatch, type Session, startFilter } from '../support/filter.ts';
import { makeRandom } from '../support/random.ts';
import { deferred, shortRequest } from '../support/requests.ts';
import { testScratch } from '../support/scratch.ts';

const OLD = 10_000;
const STORM = 30_000;
const BURST = 50;

/** Triples that lie all over the database. */
const request = (n: number) => {
  const address = (n * 2_654_435_761) % 2 ** 32;
  const client = [24, 16, 8, 0].map((bits) => Math.floor(address / 2 ** bits) % 256).join('.');
  return shortRequest(client, `sender-${n}@example.org`, 'recipient@example.net');
};

async function ask(filter: Session, numbers: number[]): Promise<void> {
  for (let at = 0; at < numbers.length; at += BURST) {
    const burst = numbers.slice(at, at + BURST);
    filter.send(burst.map(request).join(''));
    expect(new Set(await filter.replies(burst.length))).toEqual(new Set([deferred]));
  }
}

test('a storm in one process uses the pages that it has freed', async () => {
  const scratch = testScratch();
  const db = path.join(scratch.path, 'greylist.mdb');
  const filters = await Promise.all(
    Array.from({ length: 16 }, () => startFilter(greylatch('--db', db, '--log', 'none'))),
  );
  const random = makeRandom(20);
  let stored = 0;
  /** Three in ten are new triples, the others come back too early, which is noted. */
  const mix = (count: number) =>
    Array.from({ length: count }, () =>
      stored < OLD || random.below(10) < 3 ? stored++ : random.below(OLD),
    );
  await ask(filters[0]!, mix(OLD));
  await Promise.all(filters.map((filter) => ask(filter, mix(1500))));
  await ask(filters[0]!, mix(STORM));
  for (const filter of filters) await filter.finish();
  const { branches, leaves, free, waiting } = verify(db, () => {})!;
  expect(waiting).toBe(stored);
  // A megabyte is held for the disk, and as much again while it works; all that was freed since is 8 to 30 times this.
  expect(free).toBeLessThan(5 * (branches + leaves));
});
