// greylatch backup and restore, beside running filters.
import { mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { scan } from '../../src/store/admin/scan.ts';
import { verify } from '../../src/store/pages/verify.ts';
import { deferred, dunno } from '../support/requests.ts';
import { runProgram, tripleAt, useLive } from './live.ts';

const live = useLive('of all');

const backup = () => path.join(live.directory, 'backup');

test('a backup is one whole state, sound, and its owner’s alone', async () => {
  await live.more(20);
  const before = live.answered();
  const { status, out, err } = await live.run('backup', backup(), '--json');
  expect({ status, err }).toEqual({ status: 0, err: '' });
  expect(JSON.parse(out)).toMatchObject({ file: backup(), size: statSync(backup()).size });
  const verdict = verify(backup(), () => {})!;
  expect(verdict).toMatchObject({ problems: [], free: 0, lost: 0, passed: 6000, clients: 200 });
  expect(verdict.waiting).toBeGreaterThanOrEqual(14_000 + before);
  const told = (await runProgram(['verify', '--db', backup()])).out;
  expect(told).toMatch(
    /: sound\n {2}\d\d,\d{3} triples waiting, 6,000 passed, 200 clients with come-backs\n/,
  );
  expect(told).toMatch(
    /^ {2}[\d,]+,\d{3} bytes in pages of 4,096: \d{3} with records, \d+ above them, 0 free$/m,
  );
  expect(statSync(backup()).mode & 0o777).toBe(0o600);
  expect(readdirSync(live.directory).filter((name) => name.startsWith('backup'))).toEqual(['backup']);
});

test('restored, it is what the filters go on with; the database of before is kept', async () => {
  const { client, sender, recipient } = tripleAt(10, live.now);
  expect((await live.run('forget', '--client', '10.0.0.0/24', '--yes')).status).toBe(0);
  expect(await live.ask(client, sender, recipient)).toBe(deferred);
  const { status, out, err } = await live.run('restore', backup(), '--json');
  expect({ status, err }).toEqual({ status: 0, err: '' });
  const { aside, records } = JSON.parse(out);
  expect(records).toBeGreaterThanOrEqual(20_200);
  while ((await live.ask(client, sender, recipient)) !== dunno) await sleep(50); // noticed within a second
  await live.more(20);
  const of = (file: string) => [...scan(file)!.entries].filter((entry) => entry.client === client).length;
  expect([of(aside), of(live.db)]).toEqual([1, 2]); // as new, and as it was, with a come-back now
  const salvaged = await runProgram(['salvage', aside, '--into', live.db, '--json']);
  expect(salvaged).toMatchObject({ status: 0, err: '' });
  expect(JSON.parse(salvaged.out)).toMatchObject({
    damaged: aside,
    into: live.db,
    pages: expect.any(Number),
  });
  expect(of(live.db)).toBe(2); // what was restored stays
});

test('what is no backup, or cannot be written, is one line, and all stays as it is', async () => {
  const letter = path.join(live.directory, 'letter');
  writeFileSync(letter, 'Dear administrator,\n'.repeat(1000));
  for (const words of [
    ['restore', letter],
    ['restore', path.join(live.directory, 'none')],
    ['restore', live.db],
    ['backup', live.db],
    ['backup', '/nonexistent/x'],
    ['backup'],
  ]) {
    const { status, out, err } = await live.run(...words);
    expect({ words, status, out }).toEqual({ words, status: 2, out: '' });
    expect(err).toMatch(/^greylatch: .+\n$/);
  }
  expect((await live.run('restore', '-')).err).toBe(
    'greylatch: - does not exist, or is empty; name a backup\n',
  );
  const refused = (where: string, advice: string) =>
    expect(runProgram(['backup', where, '--db', live.db])).resolves.toEqual({
      status: 2,
      out: '',
      err: advice,
    });
  const within = path.join(live.directory, 'backups');
  mkdirSync(within);
  await refused(within, `greylatch: ${within} is a directory; name another file\n`);
  await refused(
    '/nonexistent/x',
    expect.stringMatching(
      /cannot write \/nonexistent\/x: .*; name a file in a directory that exists and is yours\n$/,
    ),
  );
  expect((await live.run('restore', within)).err).toBe(`greylatch: ${within} is not a file; name a backup\n`);
  const link = path.join(live.directory, 'latest');
  symlinkSync(backup(), link);
  expect((await live.run('restore', link)).err).toBe(
    `greylatch: ${link} is a symbolic link; name the file that it leads to\n`,
  );
  expect((await runProgram(['salvage', letter, '--into', link])).err).toBe(
    `greylatch: ${link} is a symbolic link; name the file that it leads to with --into\n`,
  );
  const onto = async (db: string) => (await runProgram(['restore', backup(), '--db', db])).err;
  const stays =
    'nothing shows that it ever was a database, so it stays as it is: name another file with --db';
  expect(await onto(letter)).toBe(`greylatch: ${letter} is no database; ${stays}, or move it away\n`);
  expect(readFileSync(letter, 'utf8')).toMatch(/^Dear administrator/);
  expect(await onto(within)).toBe(`greylatch: ${within} is a directory; ${stays}, or move it away\n`);
  const lost = path.join(letter, 'g.mdb');
  const noDirectory = `greylatch: cannot use ${lost}: a part of the path is not a directory\n`;
  expect(await onto(lost)).toBe(noDirectory);
  expect((await runProgram(['salvage', backup(), '--into', lost])).err).toBe(noDirectory);
  await live.stop('forgotten');
  expect(readdirSync(live.directory).filter((name) => name.includes('.new-'))).toEqual([]);
});
