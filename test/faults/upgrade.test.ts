// npm replaces the package's files under running filters, which load LMDB only when they first need it.
import { execFileSync } from 'node:child_process';
import { readFileSync, renameSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { copyFilter } from '../e2e/copy.ts';
import { startFilter } from '../support/filter.ts';
import { policyRequest } from '../support/requests.ts';
import { useScratch } from '../support/scratch.ts';
import { until } from '../support/until.ts';

const scratch = useScratch('of all');

test('mail gets its answers while the files are away, the log says what is missing, and all is noted afterwards', async () => {
  const place = path.join(scratch.path, 'greylatch');
  const database = path.join(scratch.path, 'greylist.mdb');
  const log = path.join(scratch.path, 'log');
  const program = copyFilter(place);
  const options = ['--db', database, '--log', `file:${log}`, '--delay', '0'];
  const session = await startFilter([process.execPath, program, ...options]);
  const ask = async (recipient: string) => {
    session.send(policyRequest({ recipient }));
    return (await session.replies(1))[0];
  };
  expect(await ask('a@example.org')).toContain('defer_if_permit');
  renameSync(place, `${place}.old`);
  await until(async () => (await ask('a@example.org')) === 'action=dunno');
  expect(await ask('b@example.org')).toContain('defer_if_permit');
  await until(() => readFileSync(log, 'utf8').includes('LMDB'));
  expect(readFileSync(log, 'utf8')).toMatch(
    /cannot load LMDB: files of greylatch are missing; if it is not just being upgraded/,
  );
  expect(readFileSync(log, 'utf8')).not.toContain('Require stack');
  renameSync(`${place}.old`, place);
  await until(async () => (await ask('b@example.org')) === 'action=dunno');
  expect((await session.finish()).code).toBe(0);
  const list = execFileSync(process.execPath, [program, 'list', '--db', database, '--json'], {
    encoding: 'utf8',
  });
  expect(list).toMatch(/"recipient":"b@example.org",.*"passed":true/);
});
