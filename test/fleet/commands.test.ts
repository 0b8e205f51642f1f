// The administrator's commands on the engine that several hosts share, beside filters that use it.
import { execFileSync, spawn } from 'node:child_process';
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { openEditor } from '../../src/store/admin/edit.ts';
import type { Entry } from '../../src/store/admin/entry.ts';
import { scan } from '../../src/store/admin/scan.ts';
import { clientKey, tripleKey } from '../../src/store/fleet/key.ts';
import { runProgram } from '../admin/live.ts';
import { suite } from '../support/needs.ts';
import { deferred, dunno, shortRequest } from '../support/requests.ts';
import { useScratch } from '../support/scratch.ts';
import { until } from '../support/until.ts';
import { type Engine, type EngineOptions, startEngine } from './engine.ts';
import { makeHosts, PATIENT, request } from './hosts.ts';

const HOUR = 3600;
const DAY = 86_400;
const now = Math.floor(Date.now() / 1000);

suite('commands with --store', ['redis'], () => {
  const scratch = useScratch('of each');
  let engine: Engine;
  let url: string;
  let hosts: ReturnType<typeof makeHosts>;

  const start = async (options: EngineOptions = {}) => {
    engine = await startEngine(scratch.path, options);
    url = `redis://127.0.0.1:${engine.port}`;
    hosts = makeHosts(scratch.path, url);
  };
  afterEach(async () => {
    await hosts.close();
    await engine.stop();
  });

  const place = (name: string) => path.join(scratch.path, name);
  /** Runs the command on the engine; what it says is taken for JSON where it is asked to be. */
  const run = (command: string, ...words: string[]) =>
    runProgram([command, '--db', place('none.mdb'), '--store', url, ...words]);
  const well = async (command: string, ...words: string[]) => {
    const { status, out, err } = await run(command, ...words);
    expect({ command, status, err }).toEqual({ command, status: 0, err: '' });
    return out;
  };
  const lines = (out: string) =>
    out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));

  const triple = (n: number, more: Partial<Extract<Entry, { kind: 'triple' }>> = {}) => ({
    kind: 'triple' as const,
    client: n % 3 === 0 ? `2001:db8::${n.toString(16)}` : `10.0.${n >> 8}.${n & 255}`,
    sender: n % 5 === 0 ? '' : `j\xf6rg${n}@example.org`,
    recipient: `r${n % 7}@example.net`,
    firstSeen: now - HOUR - n,
    passed: n % 2 === 0,
    lastPassed: n % 2 === 0 ? now - HOUR - n : 0,
    wait: 0,
    deferrals: 1,
    offsets: [],
    ...more,
  });
  const fill = (db: string, entries: Entry[]) => {
    const editor = openEditor(db);
    editor.change(entries.map((entry) => ({ name: { ...entry }, change: () => entry })));
    editor.close();
  };
  /** What an export tells of triples, and of clients by who has counted. */
  const known = (out: string) =>
    lines(out)
      .map(({ kind, origin, ...rest }) => JSON.stringify('comeBacks' in rest ? { origin, ...rest } : rest))
      .filter((line) => !line.includes('"comeBacks":0'))
      .sort();
  const plain = (db: string) =>
    [...scan(db)!.entries].map((entry) =>
      entry.kind === 'client' ? entry : { ...entry, wait: 0, deferrals: 0, offsets: [] },
    );

  test('export from LMDB, import into the engine, and back again: nothing is lost, and nothing counts twice', async () => {
    await start();
    const db = place('greylist.mdb');
    const entries: Entry[] = Array.from({ length: 1500 }, (_, n) => triple(n));
    for (let n = 0; n < 1500; n += 10)
      entries.push({
        kind: 'client',
        client: triple(n).client,
        comeBacks: 1 + (n % 30),
        lastSeen: now - (now % DAY),
      });
    fill(db, entries);
    // One more host has counted some of them.
    const other = place('other.json');
    const counts = { client: triple(10).client, comeBacks: 7, lastSeen: now - (now % DAY), origin: 'mx9' };
    writeFileSync(other, `${JSON.stringify({ v: 1, kind: 'client', ...counts })}\n`);
    expect((await runProgram(['import', '--db', db, other])).status).toBe(0);

    const before = (await runProgram(['export', '--db', db])).out;
    expect(lines(before).length).toBeGreaterThan(1650);
    writeFileSync(place('before'), before, 'latin1');
    expect(JSON.parse(await well('import', '--json', place('before')))).toMatchObject({
      triples: 1500,
      changed: 0,
      unchanged: 0,
      expired: 0,
      problems: [],
    });
    const there = await well('export', '--format', 'csv');
    writeFileSync(place('there'), there, 'latin1');
    expect(known(await well('export'))).toEqual(known(before));
    expect(JSON.parse(await well('import', '--json', place('before')))).toMatchObject({
      created: 0,
      changed: 0,
    });

    const back = place('back.mdb');
    expect((await runProgram(['import', '--db', back, place('there')])).status).toBe(0);
    expect(plain(back)).toEqual(plain(db));
    // And the engine takes nothing twice from there either.
    writeFileSync(place('again'), (await runProgram(['export', '--db', back])).out, 'latin1');
    await well('import', place('again'));
    expect(known(await well('export'))).toEqual(known(before));
  });

  test('what filters have decided on the engine goes into LMDB; what is too old stays out of the engine', async () => {
    await start();
    const session = await hosts.make('one').start(...PATIENT, '--delay', '0');
    for (let n = 0; n < 50; n++) expect(await session.ask(request(n))).toBe(deferred);
    await until(async () => (await session.ask(request(7))) === dunno);
    const db = place('own.mdb');
    writeFileSync(place('export'), await well('export'), 'latin1');
    expect((await runProgram(['import', '--db', db, place('export')])).status).toBe(0);
    const found = plain(db);
    expect(found).toHaveLength(51);
    expect(found.filter((entry) => entry.kind === 'client' || entry.passed)).toMatchObject([
      { kind: 'client', client: '10.1.0.7', comeBacks: 1 },
      { kind: 'triple', client: '10.1.0.7', passed: true },
    ]);

    fill(place('old.mdb'), [
      triple(1, { firstSeen: now - 3 * DAY }),
      triple(2, { firstSeen: now - 80 * DAY, lastPassed: now - 70 * DAY }),
      triple(3),
    ]);
    writeFileSync(place('old'), (await runProgram(['export', '--db', place('old.mdb')])).out, 'latin1');
    expect(await well('import', place('old'))).toMatch(
      /1 new, 0 changed, 0 known already\n {2}2 left out: too old by --retry-window or --max-age\n$/,
    );
    expect(JSON.parse(await well('import', '--json', '--retry-window', '0', place('old')))).toMatchObject({
      created: 1,
      unchanged: 1,
      expired: 1,
    });
    const [waiting, passed] = await Promise.all([
      engine.admin.pttl(tripleKey(triple(1))),
      engine.admin.pttl(tripleKey(request7())),
    ]);
    expect(waiting).toBe(-1);
    expect(passed).toBeGreaterThan(35 * DAY * 1000);
  });
  const request7 = () => ({ client: '10.1.0.7', sender: 's7@example.org', recipient: 'r@example.net' });

  test('status, report, tune, list and lists audit look at it', async () => {
    await start();
    const passed = triple(4, { firstSeen: now - 2 * HOUR, wait: 300, lastPassed: now - HOUR });
    fill(place('greylist.mdb'), [triple(1), triple(3), passed]);
    writeFileSync(place('in'), (await runProgram(['export', '--db', place('greylist.mdb')])).out, 'latin1');
    await well('import', place('in'));
    const session = await hosts.make('one').start(...PATIENT);
    const other = await hosts.make('two').start(...PATIENT);
    for (let n = 0; n < 20; n++) expect(await session.ask(request(n))).toBe(deferred);
    await other.ask(request(1));

    expect(JSON.parse(await well('status', '--json'))).toMatchObject({
      store: `127.0.0.1:${engine.port}`,
      nodes: [{ role: 'master', filters: 2, maxMemory: 0 }],
      triples: { waiting: 22, passed: 1, expired: 0 },
      clients: { whitelisted: 0 },
      oldest: passed.firstSeen,
      journal: 0,
      sound: true,
      problems: [],
    });
    writeFileSync(place('none.mdb.fleet.1'), 'x'.repeat(57)); // what a filter is at, or left
    expect(await well('status')).toContain('this host  has 57 bytes of decisions to hand over');
    expect(await well('status')).toMatch(
      /^filters +2 connected\nstate +sound\ntriples +22 waiting, 1 passed/m,
    );
    const metrics = await well('status', '--prometheus', '-');
    expect(metrics).toContain('greylatch_triples{state="waiting"} 22\n');
    expect(metrics).toContain(`greylatch_store_filters{node="127.0.0.1:${engine.port}"} 2\n`);

    expect(JSON.parse(await well('report', '--json'))).toMatchObject({
      db: `127.0.0.1:${engine.port}`,
      triples: { seen: 23, passed: 1, undecided: 22 },
    });
    const page = place('report.html');
    expect(await well('report', '--html', page)).toBe('');
    expect(readFileSync(page, 'utf8')).toContain(`127.0.0.1:${engine.port}`);
    expect(JSON.parse(await well('tune', '--json'))).toMatchObject({ clientKey: 'address' });
    expect(await well('tune')).toContain('greylatch tune');

    const listed = lines(await well('list', '--client', '10.1.0.0/24', '--limit', '5', '--json'));
    expect(listed).toHaveLength(5);
    expect(listed[0]).toMatchObject({ kind: 'triple', recipient: 'r@example.net', passed: false });
    expect(await well('list', '--state', 'passed')).toContain('j\\xf6rg4@example.org');
    writeFileSync(place('white'), 'example.org\n');
    expect(await well('lists', 'audit', '--whitelist-clients', place('white'))).toContain('example.org');
  });

  test('why, release and forget: all hosts do as they say, also with mail that was never seen', async () => {
    await start();
    const session = await hosts.make('one').start(...PATIENT);
    const other = await hosts.make('two').start(...PATIENT);
    for (let n = 0; n < 12; n++) expect(await session.ask(request(n))).toBe(deferred);
    const one = ['--client', '10.1.0.3', '--sender', 's3@example.org', '--recipient', 'r@example.net'];
    expect(JSON.parse(await well('why', ...one, '--json'))).toMatchObject({
      verdict: 'too early',
      record: { passed: false, deferrals: 1 },
    });
    expect(JSON.parse(await well('release', ...one, '--json'))).toMatchObject({ records: 1 });
    expect(await other.ask(request(3))).toBe(dunno);
    expect(JSON.parse(await well('why', ...one, '--json'))).toMatchObject({ verdict: 'old enough' });
    expect(await other.ask(request(4))).toBe(deferred);

    const refused = await run('release', '--client', '10.1.*');
    expect(refused).toMatchObject({ status: 2, out: '' });
    expect(refused.err).toMatch(/^greylatch: this would release 11 triples .*--yes.*\n$/);
    // Never seen: hosts look once in a second what was released.
    await well('release', '--sender', '@shop.example', '--for', '10m');
    const unseen = (n: number) => shortRequest('192.0.2.9', `${n}@shop.example`, 'bob@example.net');
    let n = 0;
    for (const host of [session, other]) await until(async () => (await host.ask(unseen(n++))) === dunno);
    expect(await other.ask(unseen(n++))).toBe(dunno);
    await until(async () => {
      const value = await engine.admin.getBuffer(
        tripleKey({ client: '192.0.2.9', sender: `${n - 1}@shop.example`, recipient: 'bob@example.net' }),
      );
      return value?.readUInt32LE(6) !== 0; // it counts as passed on the engine too
    });
    expect(
      JSON.parse(
        await well(
          'why',
          '--client',
          '192.0.2.9',
          '--sender',
          'x@shop.example',
          '--recipient',
          'b@c',
          '--json',
        ),
      ),
    ).toMatchObject({ verdict: 'new', action: 'dunno', release: { sender: '@shop.example' } });

    expect(await well('forget', '--sender', '@shop.example', '--yes')).toMatch(/1 release taken back\n$/);
    await until(async () => (await session.ask(unseen(n++))) === deferred);
    expect(await well('forget', '--client', '*', '--yes')).toMatch(/^\d+ records deleted, 1 release taken/);
    expect(lines(await well('status', '--json'))[0].triples).toEqual({ waiting: 0, passed: 0, expired: 0 });
    expect(await session.ask(request(5))).toBe(deferred);
  });

  test('learn whitelists for all hosts; purge is for shorter windows than the filters have', async () => {
    await start();
    const session = await hosts.make('one').start(...PATIENT);
    const stamp = new Date().toISOString().slice(0, 19);
    writeFileSync(
      place('mail.log'),
      [
        `${stamp}Z mx postfix/smtpd[1]: 4F0ABCDEF1: client=mail.example.org[198.51.100.99]`,
        `${stamp}Z mx postfix/smtp[2]: 4F0ABCDEF1: to=<b@example.net>, relay=x[10.0.0.1]:25, delay=1, dsn=2.0.0, status=sent (250 ok)`,
        `${stamp}Z mx postfix/qmgr[3]: 4F0ABCDEF1: removed\n`,
      ].join('\n'),
    );
    for (let i = 0; i < 2; i++) await well('learn', place('mail.log'));
    expect(lines(await well('list', '--state', 'whitelisted', '--json'))).toMatchObject([
      { client: '198.51.100.99', comeBacks: 11 },
    ]);
    expect(await session.ask(shortRequest('198.51.100.99', 'new@example.org', 'b@example.net'))).toBe(dunno);

    fill(place('greylist.mdb'), [triple(1, { firstSeen: now - 5 * HOUR }), triple(3)]);
    writeFileSync(place('in'), (await runProgram(['export', '--db', place('greylist.mdb')])).out, 'latin1');
    await well('import', place('in'));
    expect(await well('purge')).toBe('0 expired records forgotten\n');
    expect(await well('purge', '--retry-window', '4h')).toBe('1 expired record forgotten\n');
    expect(await engine.admin.exists(tripleKey(triple(3)), clientKey('198.51.100.99'))).toBe(2);
  });

  test('what makes no sense on an engine is refused, with what to do instead', async () => {
    await start();
    for (const [words, instead] of [
      [['compact'], /activedefrag/],
      [['verify'], /greylatch status --store/],
      [['backup', place('b')], /greylatch export --store/],
      [['restore', place('b')], /greylatch import --store/],
      [['salvage', place('b'), '--into', place('c')], /greylatch import --store/],
    ] as const) {
      const { status, out, err } = await runProgram([...words, '--store', url]);
      expect({ words, status, out }).toEqual({ words, status: 2, out: '' });
      expect(err).toMatch(/^greylatch: [^\n]+\n$/);
      expect(err).toMatch(instead);
    }
  });

  test('an engine that cannot be used: one line that says what to do, and status 2', async () => {
    await start({ words: ['--requirepass', 'secret'], password: 'secret' });
    const file = place('password');
    const refused = async (pattern: RegExp, ...words: string[]) => {
      const { status, out, err } = await run('list', ...words);
      expect({ words, status, out }).toEqual({ words, status: 2, out: '' });
      expect(err).toMatch(/^greylatch: [^\n]+\n$/);
      expect(err).toMatch(pattern);
    };
    await refused(/refuses the password; look at --store-password-file/);
    writeFileSync(file, 'wrong\n', { mode: 0o600 });
    await refused(/refuses the password/, '--store-password-file', file);
    writeFileSync(file, 'secret\n');
    expect(await well('list', '--store-password-file', file)).toBe('0 triples\n');
    chmodSync(file, 0o644);
    await refused(/chmod 600/, '--store-password-file', file);
    chmodSync(file, 0o600);
    execFileSync('mkfifo', ['-m', '600', place('pipe')]);
    spawn('sh', ['-c', `echo secret > ${place('pipe')}`], { stdio: 'ignore' });
    expect(await well('list', '--store-password-file', place('pipe'))).toBe('0 triples\n');
    await refused(/not the address of a store/, '--store', 'http://example.org');
    await refused(/no such file|does not exist/i, '--store-password-file', place('nowhere/password'));

    engine.signal('SIGSTOP');
    await refused(/no answer/, '--store-password-file', file);
    engine.signal('SIGCONT');
    await engine.admin.config('SET', 'requirepass', '');
    expect(await well('list', '--store-password-file', file)).toBe('0 triples\n'); // not needed any more: no word of it
    await engine.kill();
    await refused(/nobody listens there/);
  });

  test('a key of ours that holds something else is told of, and harms no other', async () => {
    await start();
    await engine.admin.lpush(tripleKey(triple(1)), 'x');
    await engine.admin.set(tripleKey(triple(2)), 'not a record');
    fill(place('greylist.mdb'), [triple(3)]);
    writeFileSync(place('in'), (await runProgram(['export', '--db', place('greylist.mdb')])).out, 'latin1');
    await well('import', place('in'));
    const { status, out } = await run('status', '--json');
    expect(status).toBe(1);
    expect(JSON.parse(out)).toMatchObject({ sound: false, triples: { waiting: 1 } });
    expect(JSON.parse(out).problems).toHaveLength(2);
    for (const command of ['tune', 'list', 'export'])
      expect(await run(command)).toMatchObject({
        status: command === 'export' ? 1 : 0,
        err: 'greylatch: 2 keys were passed over that hold something else; see greylatch status --store\n',
      });
    expect((await run('list')).out).toContain('1 triple\n');
    fill(place('one.mdb'), [triple(1)]);
    writeFileSync(place('one'), (await runProgram(['export', '--db', place('one.mdb')])).out, 'latin1');
    const { status: no, err } = await run('import', place('one'));
    expect(no).toBe(2);
    expect(err).toMatch(/^greylatch: .*a key of ours holds something else; delete it[^\n]*\n$/);
    await engine.admin.lpush('gl.release', 'x');
    expect(await run('status')).toMatchObject({
      status: 2,
      err: expect.stringContaining('the key gl.release holds something else; delete it'),
    });
  });
});
