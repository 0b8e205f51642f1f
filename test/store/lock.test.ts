// The lock file, as other processes may leave it.
import { spawnSync } from 'node:child_process';
import { closeSync, openSync, readSync, writeSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { greylatch, startFilter } from '../support/filter.ts';
import { deferred, shortRequest } from '../support/requests.ts';
import { makeScratch } from '../support/scratch.ts';

const LAST_TXN = 8; // where LMDB's lock file names the last transaction

/** As mdb_env_open() of lmdb 3.5 does when others commit while it reads the database. */
function setBack(lock: string, transactions: bigint): void {
  const fd = openSync(lock, 'r+');
  const word = Buffer.alloc(8);
  readSync(fd, word, 0, 8, LAST_TXN);
  word.writeBigUInt64LE(word.readBigUInt64LE() - transactions);
  writeSync(fd, word, 0, 8, LAST_TXN);
  closeSync(fd);
}

test.each([1n, 2n, 3n])('a last transaction that is set back by %d undoes nothing', async (transactions) => {
  const scratch = makeScratch();
  const database = path.join(scratch.path, 'greylist.mdb');
  const words = greylatch('--db', database, '--log', `file:${scratch.path}/log`);
  const filters = await Promise.all([startFilter(words), startFilter(words)]);
  const request = (n: number) => shortRequest('192.0.2.1', `s${n}@example.org`, 'r@example.net');
  const triples = 60;
  for (let n = 0; n < triples; n++) {
    expect(await filters[n % 2]!.ask(request(n))).toBe(deferred);
    if (n % 5 === 4) setBack(`${database}-lock`, transactions);
  }
  for (const filter of filters) expect(await filter.finish()).toMatchObject({ code: 0 });
  const [node, ...verify] = greylatch('verify', '--db', database, '--json');
  const { stdout } = spawnSync(node!, verify, { encoding: 'utf8' });
  expect(JSON.parse(stdout)).toMatchObject({ sound: true, waiting: triples, passed: 0 });
  scratch.remove();
});
