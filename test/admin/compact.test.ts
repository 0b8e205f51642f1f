// greylatch purge and compact, beside running filters, and as root for another user.
import { chownSync, readdirSync, statSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { suite } from '../support/needs.ts';
import { runProgram, useLive } from './live.ts';

const live = useLive('of each');

test('what has expired goes, the file shrinks, the filters go on, and nothing is lost', async () => {
  await live.more(20);
  const purged = await live.run('purge', '--json');
  expect(purged).toMatchObject({ status: 0, err: '' });
  expect(JSON.parse(purged.out)).toEqual({ records: 2000 });
  expect((await live.run('purge')).out).toBe('0 expired records forgotten\n');
  await live.more(20);
  const { size } = statSync(live.db);
  for (let round = 0; round < 3; round++) {
    const { status, out, err } = await live.run('compact', '--json');
    expect({ status, err }).toEqual({ status: 0, err: '' });
    expect(JSON.parse(out).after).toBeLessThan(size);
    await live.more(20);
  }
  const answered = live.answered();
  const found = JSON.parse((await live.run('status', '--json')).out);
  expect(found).toMatchObject({
    triples: { passed: 6000, expired: 0 },
    clients: { whitelisted: 50, counted: 150 },
  });
  expect(found.triples.waiting).toBeGreaterThanOrEqual(12_000 + answered);
  await live.stop();
  expect(readdirSync(live.directory).sort()).toEqual([
    'greylist.mdb',
    'greylist.mdb-lock',
    'greylist.mdb-queue',
  ]);
});

test('purge with other windows takes what they leave', async () => {
  expect((await live.run('purge', '--retry-window', '30m', '--max-age', '1s')).out).toBe(
    '14,000 expired records forgotten\n',
  );
  await live.stop();
});

test('without a database: one line, and none is made', async () => {
  const none = path.join(live.directory, 'none.mdb');
  for (const command of ['purge', 'compact']) {
    const { status, out, err } = await runProgram([command, '--db', none]);
    expect({ status, out }).toEqual({ status: 2, out: '' });
    expect(err).toMatch(/^greylatch: .*does not exist.*\n$/);
  }
  expect(statSync(none, { throwIfNoEntry: false })).toBeUndefined();
});

suite('as root', ['root'], () => {
  test('the user of the filters keeps what is theirs', async () => {
    await live.stop();
    const nobody = 65534;
    const files = [live.db, `${live.db}-lock`, `${live.db}-queue`];
    for (const name of [live.directory, ...files]) chownSync(name, nobody, nobody);
    const backup = path.join(live.directory, 'backup');
    for (const words of [
      ['backup', backup],
      ['compact'],
      ['purge'],
      ['restore', backup],
      ['release', '--client', '::1'],
      ['status'],
      ['forget', '--client', '::1'],
      ['learn', '/dev/null'],
    ]) {
      const { status, err } = await live.run(...words);
      expect({ words, status, err }).toEqual({ words, status: 0, err: '' });
      const owners = readdirSync(live.directory)
        .filter((name) => name !== 'log')
        .map((name) => `${name} ${statSync(path.join(live.directory, name)).uid}`);
      expect(owners.filter((owner) => !owner.endsWith(` ${nobody}`))).toEqual([]);
      expect(statSync(live.db).mode & 0o777).toBe(0o600);
    }
  });
});
