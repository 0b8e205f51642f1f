// The programs themselves, as Debian has them: what they store comes through db_dump, or sqlite3, into an import.
import { spawn, spawnSync } from 'node:child_process';
import { chmodSync } from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readBerkeley } from '../../../src/admin/import/berkeley.ts';
import type { Found } from '../../../src/admin/import/record.ts';
import { readSqlgreyCsv, readSqlgreySql } from '../../../src/admin/import/sqlgrey.ts';
import { originalCommand } from '../../oracle/original.ts';
import { postgrey, suite } from '../../support/needs.ts';
import { policyRequest, shortRequest } from '../../support/requests.ts';
import { useScratch } from '../../support/scratch.ts';
import { until } from '../../support/until.ts';
import { problems, readAll } from './reading.ts';

function run(command: string, args: string[], input = ''): Buffer {
  const done = spawnSync(command, args, { input: Buffer.from(input, 'latin1') });
  if (done.status !== 0) throw new Error(`${command}: ${done.stderr}`);
  return done.stdout;
}

const clients = (found: Found[]) => found.flatMap((one) => (one.kind === 'client' ? [one] : []));
const triples = (found: Found[]) => found.flatMap((one) => (one.kind === 'triple' ? [one] : []));

const ADDRESSES: [client: string, sender: string, recipient: string][] = [
  ['192.0.2.1', '', 'bob@example.net'],
  ['192.0.2.1', 'a/b@example.org', 'c/d@example.net'],
  ['192.0.2.1', 'j\xf6rg\\@example.org', 'bob@example.net'],
  ['2001:db8::25', 'Ann@Example.org', 'bob@example.net'],
];

suite("greylist.pl's own database", ['greylistPl', 'perl', 'dbDump'], () => {
  const scratch = useScratch('of all');

  test.each([{ options: ['-p'] }, { options: [] }])(
    'db_dump $options: every triple, first seen when it was',
    async ({ options }) => {
      const [perl, script] = originalCommand(scratch.path) as [string, string];
      const before = Math.floor(Date.now() / 1000);
      run(perl, [script], ADDRESSES.map((triple) => shortRequest(...triple)).join(''));
      const after = Math.floor(Date.now() / 1000);
      const found = await readAll(
        readBerkeley,
        run('db_dump', [...options, path.join(scratch.path, 'greylist.db')]),
      );
      const lower = ADDRESSES.map(([client, ...pair]) => [client, ...pair.map((text) => text.toLowerCase())]);
      expect(
        triples(found)
          .map(({ client, sender, recipient }) => [client, sender, recipient])
          .sort(),
      ).toEqual(lower.sort());
      for (const { firstSeen, passed } of triples(found)) {
        expect(passed).toBe(false);
        expect(firstSeen).toBeGreaterThanOrEqual(before - 60); // the second run finds what the first has stored
        expect(firstSeen).toBeLessThanOrEqual(after);
      }
      expect(problems(found)).toEqual([]);
    },
  );
});

suite("postgrey's own databases", ['postgrey', 'dbDump', 'root'], () => {
  const scratch = useScratch('of all', 'greylatch-postgrey-');
  const socket = path.join(scratch.path, 'socket');
  let daemon: ReturnType<typeof spawn>;
  beforeAll(async () => {
    chmodSync(scratch.path, 0o700);
    daemon = spawn(postgrey, [`--unix=${socket}`, `--dbdir=${scratch.path}`, '--user=root', '--group=root'], {
      stdio: 'ignore',
    });
    await until(accepts); // its file is there a little before the daemon listens
  });
  afterAll(async () => {
    if (daemon.exitCode === null && daemon.kill())
      await new Promise((resolve) => daemon.once('exit', resolve));
  });

  const accepts = () =>
    new Promise<boolean>((resolve) => {
      const tried = net.connect(socket);
      tried.on('error', () => resolve(false));
      tried.on('connect', () => resolve(true)).on('connect', () => tried.destroy());
    });

  /** postgrey's own tests tell it the time in the same way. */
  async function ask(time: number): Promise<void> {
    const connection = net.connect(socket);
    let replies = '';
    connection.setEncoding('latin1').on('data', (text) => {
      replies += text;
    });
    for (const [client_address, sender, recipient] of ADDRESSES) {
      const client_name = 'mail.example.org';
      const about = { client_address, client_name, sender, recipient, policy_test_time: `${time}` };
      connection.write(policyRequest(about), 'latin1');
    }
    await until(() => replies.split('\n\n').length > ADDRESSES.length);
    connection.destroy();
  }

  test('every triple with its times and its network, every client with its count', async () => {
    const first = 1_764_000_000;
    await ask(first);
    await ask(first + 400);
    // Without -h, db_dump does not see what is still in the daemon's memory: here, all of it.
    const of = (name: string) => readAll(readBerkeley, run('db_dump', ['-h', scratch.path, name]));
    const found = triples(await of('postgrey.db'));
    expect(found.map(({ client, sender, recipient }) => [client, sender, recipient]).sort()).toEqual(
      [
        ['192.0.2.0/24', '', 'bob@example.net'],
        ['192.0.2.0/24', 'a/b@example.org', 'c/d@example.net'],
        ['192.0.2.0/24', 'j\xf6rg\\@example.org', 'bob@example.net'],
        ['2001:db8::/64', 'ann@example.org', 'bob@example.net'],
      ].sort(),
    );
    for (const one of found)
      expect(one).toMatchObject({ firstSeen: first, lastSeen: first + 400, passed: true });
    expect(clients(await of('postgrey_clients.db'))).toMatchObject([
      { client: '192.0.2.1', comeBacks: 1, lastSeen: first + 400 },
      { client: '2001:db8::25', comeBacks: 1, lastSeen: first + 400 },
    ]);
  });
});

suite('SQLite', ['sqlite3'], () => {
  const scratch = useScratch('of all');

  test('its .dump and its CSV bring the same bytes', async () => {
    const file = path.join(scratch.path, 'sqlgrey.db');
    const quoted = (text: string) => `'${text.replaceAll("'", "''")}'`;
    const names = ['a', "o'b", '"', 'a,b', '\\', 'j\xf6', '', ';', '),(', "''"];
    const rows = names.map(
      (name) => `(${quoted(name)},'example.org','192.0.2.1','bob@example.net',1764000000)`,
    );
    const schema = 'CREATE TABLE connect (sender_name, sender_domain, src, rcpt, first_seen);';
    run('sqlite3', [file], `${schema} INSERT INTO connect VALUES ${rows.join(',')};`);
    const dump = await readAll(readSqlgreySql, run('sqlite3', [file, '.dump']));
    const csv = await readAll(
      readSqlgreyCsv,
      run('sqlite3', ['-header', '-csv', file, 'SELECT * FROM connect']),
    );
    const senders = names.map((name) => `${name}@example.org`);
    expect(triples(dump).map(({ sender }) => sender)).toEqual(senders);
    expect(triples(csv).map(({ sender }) => sender)).toEqual(senders);
    expect([...problems(dump), ...problems(csv)]).toEqual([]);
  });
});
