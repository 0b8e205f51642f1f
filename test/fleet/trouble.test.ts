// The engine away, slow, full, closed, or wrong: mail gets an answer, the log says so once, and afterwards all agree.
import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, renameSync, utimesSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { journalPath, note } from '../../src/store/fleet/journal.ts';
import { clientKey, houseKey, tripleKey } from '../../src/store/fleet/key.ts';
import { RELEASES, writeReleases } from '../../src/store/releases.ts';
import { type Clock, makeClock } from '../support/clock.ts';
import type { Session } from '../support/filter.ts';
import { suite } from '../support/needs.ts';
import { deferred, dunno } from '../support/requests.ts';
import { useScratch } from '../support/scratch.ts';
import { until } from '../support/until.ts';
import { type Engine, type EngineOptions, startEngine } from './engine.ts';
import { type Host, makeHosts, PATIENT, request } from './hosts.ts';
import { startLine } from './line.ts';

suite('an engine in trouble', ['redis', 'engineClock'], () => {
  const scratch = useScratch('of each');
  let clock: Clock;
  let engine: Engine;
  let hosts: ReturnType<typeof makeHosts>;

  const start = async (options: EngineOptions = {}) => {
    engine = await startEngine(scratch.path, { ...options, env: clock.env });
    hosts ??= makeHosts(scratch.path, `redis://127.0.0.1:${engine.port}`, () => clock.env);
  };
  beforeEach(() => {
    clock = makeClock(scratch.path);
  });
  afterEach(async () => {
    await hosts?.close();
    hosts = undefined as never;
    await engine.stop();
  });

  const lines = (host: Host, pattern: RegExp) =>
    host
      .log()
      .split('\n')
      .filter((line) => pattern.test(line));
  /** Asks about what nobody knows, until the engine has answered again. */
  const back = async (host: Host, session: Session) => {
    let n = 10_000;
    await until(async () => {
      await session.ask(request(n++));
      return lines(host, /is back/).length > 0 && !existsSync(journalPath(host.database));
    }, host.log);
  };
  const triple = (n: number) => ({
    client: `10.1.${n >> 8}.${n & 255}`,
    sender: `s${n}@example.org`,
    recipient: 'r@example.net',
  });

  test('killed and started again, empty: what was decided meanwhile is merged, and all hosts agree', async () => {
    await start();
    const one = hosts.make('one');
    const two = hosts.make('two');
    const session = await one.start(...PATIENT);
    const other = await two.start(...PATIENT);
    expect(await session.ask(request(1))).toBe(deferred);
    clock.move(61);
    expect(await session.ask(request(1))).toBe(dunno);
    await engine.kill();
    // Known from the engine, and new: this host decides both.
    expect(await session.ask(request(1))).toBe(dunno);
    expect(await session.ask(request(2))).toBe(deferred);
    expect(await session.ask(request(3))).toBe(deferred);
    clock.move(61);
    expect(await session.ask(request(3))).toBe(dunno);
    expect(lines(one, /is away/)).toHaveLength(1);
    await start({ port: engine.port });
    await back(one, session);
    expect(lines(one, /is away/)).toHaveLength(1);
    expect(lines(one, /is back/)).toHaveLength(1);
    await until(async () => (await engine.admin.exists(tripleKey(triple(3)))) === 1);
    const comeBacks = await engine.admin.getBuffer(clientKey(triple(3).client));
    expect(comeBacks?.readUInt32LE(1)).toBe(1);
    // First seen by the first, during the outage. The second's connection broke as well, and it has to notice.
    await until(async () => (await other.ask(request(2))) === dunno);
    expect(await other.ask(request(3))).toBe(dunno);
  });

  test('killed: whom this host has let in often enough is on its own auto-whitelist as well', async () => {
    await start();
    const session = await hosts.make('one').start(...PATIENT, '--auto-whitelist', '2');
    expect(await session.ask(request(1))).toBe(deferred);
    expect(await session.ask(request(2))).toBe(deferred);
    clock.move(61);
    for (let n = 0; n < 3; n++) expect(await session.ask(request(1))).toBe(dunno);
    expect(await session.ask(request(2))).toBe(dunno);
    await engine.kill();
    expect(await session.ask(request(1, 'never seen@example.net'))).toBe(dunno);
    expect(await session.ask(request(2, 'never seen@example.net'))).toBe(deferred);
  });

  test('one host is cut off for a minute: it goes on answering, the others together, and then all agree', async () => {
    await start();
    const line = await startLine(engine.port);
    const one = hosts.make('one', `redis://127.0.0.1:${line.port}`);
    try {
      const lonely = await one.start('--store-timeout', '300ms');
      const other = await hosts.make('two').start(...PATIENT);
      await until(
        async () => (await lonely.ask(request(9))) === deferred && (await engine.admin.dbsize()) > 0,
      );
      line.cut();
      expect(await lonely.ask(request(1))).toBe(deferred);
      expect(await other.ask(request(2))).toBe(deferred);
      expect(await lonely.ask(request(3))).toBe(deferred);
      clock.move(61);
      expect(await lonely.ask(request(3))).toBe(dunno);
      expect(await engine.admin.exists(tripleKey(triple(1)), tripleKey(triple(3)))).toBe(0);
      line.mend();
      await back(one, lonely);
      expect(await other.ask(request(1))).toBe(dunno);
      expect(await other.ask(request(3))).toBe(dunno);
      await until(async () => (await lonely.ask(request(2))) === dunno);
    } finally {
      line.close();
    }
  });

  test('what a filter took that is gone now is handed over by one that runs, with no trouble meanwhile', async () => {
    await start();
    const one = hosts.make('one');
    const session = await one.start(...PATIENT);
    expect(await session.ask(request(1))).toBe(deferred);
    const journal = journalPath(one.database);
    const left = `${journal}.1`;
    note(journal, { ...triple(2), firstSeen: clock.now() - 100, passed: 0, comeBack: false });
    renameSync(journal, left);
    utimesSync(left, 1, 1);
    clock.move(6);
    await until(async () => {
      await session.ask(request(1));
      return !existsSync(left) && (await engine.admin.exists(tripleKey(triple(2)))) === 1;
    }, one.log);
  });

  test('a filter that ends while it hands over leaves the rest to the next one, at once', async () => {
    await start();
    const one = hosts.make('one');
    const journal = journalPath(one.database);
    const session = await one.start(...PATIENT);
    note(journal, { ...triple(2), firstSeen: clock.now(), passed: 0, comeBack: false });
    expect(await session.ask(request(1))).toBe(deferred);
    // It has it for a second at least: see GRACE in merge.ts.
    await until(() => existsSync(`${journal}.${session.pid}`));
    await session.finish();
    const next = await one.start(...PATIENT);
    expect(await next.ask(request(1))).toBe(deferred);
    await until(() => lines(one, /is back/).length > 0, one.log);
  });

  test('a directory in the place of the journal: the engine is asked, and the next journal is handed over', async () => {
    await start();
    const one = hosts.make('one');
    mkdirSync(journalPath(one.database));
    const session = await one.start(...PATIENT);
    // Somebody looks after a journal every five seconds.
    await until(async () => {
      clock.move(6);
      await session.ask(request(1));
      return lines(one, /cannot read/).length > 0;
    }, one.log);
    expect(await session.ask(request(2))).toBe(deferred);
    expect(await engine.admin.exists(tripleKey(triple(2)))).toBe(1);
    expect(lines(one, /away/)).toHaveLength(0);
    note(journalPath(one.database), { ...triple(3), firstSeen: clock.now(), passed: 0, comeBack: false });
    await until(async () => {
      clock.move(6);
      await session.ask(request(2));
      return (await engine.admin.exists(tripleKey(triple(3)))) === 1;
    }, one.log);
    expect(lines(one, /cannot read/)).toHaveLength(1);
  });

  test('a database that cannot be used, while the engine is well: it decides, and its releases count', async () => {
    await start();
    const one = hosts.make('one');
    mkdirSync(one.database);
    const session = await one.start(...PATIENT);
    expect(await session.ask(request(1))).toBe(deferred);
    const release = { until: clock.now() + 3600, sender: 's1@example.org' };
    await engine.admin.set(houseKey(RELEASES), Buffer.from(writeReleases([release]), 'latin1'));
    await until(async () => (await session.ask(request(1))) === dunno, one.log);
    expect(await session.ask(request(2))).toBe(deferred);
    // It is on record as passed.
    await until(async () => (await engine.admin.getBuffer(tripleKey(triple(1))))!.readUInt32LE(6) > 0);
    clock.move(61);
    expect(await session.ask(request(2))).toBe(dunno);
  });

  test('neither the engine nor the database: the log tells of both', async () => {
    await start();
    const one = hosts.make('one', 'redis://127.0.0.1:1');
    mkdirSync(one.database);
    const session = await one.start(...PATIENT);
    expect(await session.ask(request(1))).toBe(dunno);
    expect(lines(one, /is away: nobody listens there/)).toHaveLength(1);
    expect(lines(one, /mail gets --on-error=dunno/)).toHaveLength(1);
  });

  test('--dry-run stores nothing, and yet says that the engine is away', async () => {
    await start();
    const one = hosts.make('one', 'redis://127.0.0.1:1');
    const session = await one.start(...PATIENT, '--dry-run');
    for (const n of [1, 2]) expect(await session.ask(request(n))).toBe(dunno);
    expect(lines(one, /is away: nobody listens there/)).toHaveLength(1);
  });

  test('NOSCRIPT, after a restart or SCRIPT FLUSH, is not noticed', async () => {
    await start();
    const one = hosts.make('one');
    const session = await one.start(...PATIENT);
    expect(await session.ask(request(1))).toBe(deferred);
    await engine.admin.script('FLUSH');
    clock.move(61);
    expect(await session.ask(request(1))).toBe(dunno);
    expect(one.log()).toBe('');
  });

  test('a key of ours that holds something else: this one is decided here, the others there', async () => {
    await start();
    const one = hosts.make('one');
    const session = await one.start(...PATIENT);
    await engine.admin.lpush(tripleKey(triple(1)), 'x');
    expect(await session.ask(request(1))).toBe(deferred);
    expect(await session.ask(request(2))).toBe(deferred);
    expect(await engine.admin.exists(tripleKey(triple(2)))).toBe(1);
    clock.move(61);
    expect(await session.ask(request(1))).toBe(dunno);
    expect(lines(one, /holds something else/)).toHaveLength(2); // a minute lies between
    expect(lines(one, /away/)).toHaveLength(0);
  });

  for (const [what, trouble, mend, words] of [
    ['full (OOM)', ['maxmemory', '1'], ['maxmemory', '0'], /full/],
    ['a replica, read-only', 'REPLICAOF 127.0.0.1 1', 'REPLICAOF NO ONE', /replica/],
    ['given a password', ['requirepass', 'secret'], ['requirepass', ''], /is away/],
    ['stopped, so that it does not answer', 'SIGSTOP', 'SIGCONT', /no answer|timed|is away/],
  ] as const) {
    test(`${what}: this host decides until it is mended`, async () => {
      await start({ words: ['--replica-serve-stale-data', 'yes'] });
      const one = hosts.make('one');
      const session = await one.start('--store-timeout', what.startsWith('stopped') ? '300ms' : '5s');
      expect(await session.ask(request(1))).toBe(deferred);
      const make = async (step: typeof trouble | typeof mend) => {
        if (step === 'SIGSTOP' || step === 'SIGCONT') engine.signal(step);
        else if (typeof step === 'string')
          await engine.admin.call(...(step.split(' ') as [string, ...string[]]));
        else await engine.admin.config('SET', ...(step as readonly [string, string]));
      };
      await make(trouble);
      if (what.startsWith('given')) {
        // Who is in stays in.
        await engine.admin.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
      }
      await until(async () => {
        await session.ask(request(2));
        return lines(one, /is away/).length > 0;
      }, one.log);
      expect(await session.ask(request(1))).toBe(deferred);
      expect(lines(one, /is away/)[0]).toMatch(words);
      await make(mend);
      await back(one, session);
      clock.move(61);
      expect(await session.ask(request(2))).toBe(dunno);
    });
  }

  test('a password from a file nobody else reads; a file that others read is not used', async () => {
    await start({ words: ['--requirepass', 'secret'], password: 'secret' });
    const file = path.join(scratch.path, 'password');
    writeFileSync(file, 'secret\n', { mode: 0o600 });
    const one = hosts.make('one');
    const session = await one.start(...PATIENT, '--store-password-file', file);
    expect(await session.ask(request(1))).toBe(deferred);
    expect(await engine.admin.dbsize()).toBe(1);
    expect(one.log()).toBe('');
    chmodSync(file, 0o644);
    const careless = await one.start(...PATIENT, '--store-password-file', file);
    expect(await careless.ask(request(2))).toBe(deferred);
    expect(one.log()).toMatch(/can be read by others.*chmod 600/);
    expect(await engine.admin.exists(tripleKey(triple(2)))).toBe(0);
    // That another one is without the engine as well does not say why.
    const second = await one.start(...PATIENT, '--store-password-file', `${file}.none`);
    expect(await second.ask(request(4))).toBe(deferred);
    expect(one.log()).toContain('password.none: it does not exist');
    // It was decided here; who has the password hands it over.
    chmodSync(file, 0o600);
    const careful = await one.start(...PATIENT, '--store-password-file', file);
    expect(await careful.ask(request(3))).toBe(deferred);
    await until(async () => (await engine.admin.exists(tripleKey(triple(2)))) === 1, one.log);
  });

  test('a password file that is mended after the start: the filter asks the engine from then on', async () => {
    await start({ words: ['--requirepass', 'secret'], password: 'secret' });
    const file = path.join(scratch.path, 'password');
    const host = hosts.make('one');
    const session = await host.start(...PATIENT, '--store-password-file', file);
    expect(await session.ask(request(1))).toBe(deferred);
    expect(host.log()).toContain('password: it does not exist');
    writeFileSync(file, 'secret\n', { mode: 0o600 });
    let n = 1;
    await until(async () => {
      clock.move(6); // it looks every five seconds
      await session.ask(request(++n));
      return lines(host, /is back/).length > 0;
    }, host.log);
    expect(await engine.admin.exists(tripleKey(triple(1)))).toBe(1);
  });

  test('a wrong password, and none', async () => {
    await start({ words: ['--requirepass', 'secret'], password: 'secret' });
    const file = path.join(scratch.path, 'password');
    writeFileSync(file, 'wrong\n', { mode: 0o600 });
    for (const [name, options] of [
      ['wrong', ['--store-password-file', file]],
      ['none', []],
    ] as const) {
      const host = hosts.make(name);
      const session = await host.start('--store-timeout', '5s', ...options);
      expect(await session.ask(request(1))).toBe(deferred);
      clock.move(61);
      expect(await session.ask(request(1))).toBe(dunno);
      expect(lines(host, /is away: the engine refuses the password/)).toHaveLength(1);
    }
    expect(await engine.admin.dbsize()).toBe(0);
  });

  /** A filter that has logged in with what is in its file; then the engine's password becomes another one. */
  async function changePassword() {
    await start({ words: ['--requirepass', 'secret'], password: 'secret' });
    const file = path.join(scratch.path, 'password');
    writeFileSync(file, 'secret\n', { mode: 0o600 });
    const host = hosts.make('one');
    const session = await host.start(...PATIENT, '--store-password-file', file);
    expect(await session.ask(request(1))).toBe(deferred);
    await engine.admin.config('SET', 'requirepass', 'other');
    await engine.admin.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
    return { file, host, session };
  }

  test('a password that is changed while filters run: the log says why the engine does not come back', async () => {
    const { host, session } = await changePassword();
    let n = 1;
    await until(async () => {
      expect(await session.ask(request(++n))).toBe(deferred);
      return lines(host, /refuses the password; look at --store-password-file/).length > 0;
    }, host.log);
    for (let more = 0; more < 5; more++) await session.ask(request(++n));
    expect(lines(host, /refuses the password/)).toHaveLength(1);
    expect(lines(host, /is away/)).toHaveLength(1);
  });

  test('a password that is changed, and in its file too: running filters log in again', async () => {
    const { file, host, session } = await changePassword();
    let n = 1;
    await until(async () => {
      await session.ask(request(++n));
      return lines(host, /refuses the password/).length > 0;
    }, host.log);
    writeFileSync(file, 'other\n');
    await back(host, session);
    expect(await engine.admin.exists(tripleKey(triple(2)))).toBe(1);
  });

  test('a pipe in the place of the password file keeps no mail waiting', async () => {
    await start();
    const host = hosts.make('one');
    const pipe = path.join(scratch.path, 'pipe');
    execFileSync('mkfifo', ['-m', '600', pipe]);
    const session = await host.start('--store-password-file', pipe);
    expect(await session.ask(request(1))).toBe(deferred);
    expect(host.log()).toContain(`cannot read ${pipe}: it is not a file`);
  });

  test('a database that cannot be selected: nothing goes to another one', async () => {
    await start();
    const host = hosts.make('one');
    const session = await host.start(
      '--store-timeout',
      '5s',
      '--store',
      `redis://127.0.0.1:${engine.port}/99`,
    );
    expect(await session.ask(request(1))).toBe(deferred);
    clock.move(61);
    expect(await session.ask(request(1))).toBe(dunno);
    expect(lines(host, /is away: the engine has no such database/)).toHaveLength(1);
    expect(await engine.admin.dbsize()).toBe(0);
  });
});
