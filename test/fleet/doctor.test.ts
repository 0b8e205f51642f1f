// greylatch doctor --store at a real engine: silent where all is well, and each fault that is planted is found. Where the
// advice is a command for the engine, it is run, and the finding has to be gone.
import { chmodSync, copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, expect, test } from 'vitest';
import type { Finding } from '../../src/admin/doctor/finding.ts';
import { runProgram } from '../admin/live.ts';
import { makeClock } from '../support/clock.ts';
import { suite } from '../support/needs.ts';
import { project } from '../support/project.ts';
import { useScratch } from '../support/scratch.ts';
import { until } from '../support/until.ts';
import { type Engine, type EngineOptions, startEngine } from './engine.ts';
import { type Host, makeHosts, PATIENT, request } from './hosts.ts';
import { startLine } from './line.ts';

/** As the README says. */
const WELL = ['--appendonly', 'yes', '--maxmemory', '100mb', '--maxmemory-policy', 'volatile-ttl'];

interface Report {
  status: number | null;
  findings: Finding[];
}

suite('greylatch doctor --store', ['redis', 'faketime'], () => {
  const scratch = useScratch('of each');
  let engine: Engine;
  let url: string;
  const start = async (options: EngineOptions = {}) => {
    engine = await startEngine(scratch.path, { words: WELL, ...options });
    url = `redis://127.0.0.1:${engine.port}`;
  };
  afterEach(async () => {
    await engine.stop();
  });

  const doctor = async (...words: string[]): Promise<Report> => doctorIn({}, ...words);
  const doctorIn = async (env: Record<string, string>, ...words: string[]): Promise<Report> => {
    // A busy machine may answer late; where the time is the fault, it is given.
    const { status, out, err } = await runProgram(
      [...['doctor', '--json', '--store', url, '--store-timeout', '20s'], ...words],
      '',
      env,
    );
    expect(err).toBe('');
    const { findings, well } = JSON.parse(out);
    expect(well).toBe(status === 0);
    return { status, findings };
  };
  const amiss = ({ findings }: Report) =>
    findings.filter(({ severity }) => severity === 'warning' || severity === 'error');
  /** The only thing amiss is this one, and there is advice. */
  const only = (report: Report, severity: Finding['severity'], check: string, what: RegExp): Finding => {
    expect(amiss(report).map((one) => [one.severity, one.check])).toEqual([[severity, check]]);
    const [finding] = amiss(report);
    expect(finding!.what).toMatch(what);
    expect(finding!.mend).toBeTruthy();
    expect(report.status).toBe(1);
    return finding!;
  };
  const set = (name: string, value: string) => engine.admin.config('SET', name, value);
  /** Carries out `redis-cli CONFIG SET …` of the advice. */
  const mended = async ({ mend }: Finding) => {
    const [, name, value] = /^redis-cli -h 127\.0\.0\.1 -p \d+ CONFIG SET (\S+) (\S+) &&/.exec(mend!)!;
    await set(name!, value!);
    expect(amiss(await doctor())).toEqual([]);
  };

  test('set up as the README says, all is well', async () => {
    await start();
    const report = await doctor();
    expect(report.status).toBe(0);
    expect(report.findings.map(({ severity, check }) => [severity, check])).toEqual([
      ['ok', 'store'],
      ['note', 'store-eviction'],
    ]);
    expect(report.findings[0]!.what).toMatch(
      /^answers: (redis|valkey) \d+\.\d+\S*, \d+\.\d ms a round trip$/,
    );
    const { status, out } = await runProgram(['doctor', '--store', url, '--store-timeout', '20s']);
    expect(status).toBe(0);
    expect(out).toMatch(
      new RegExp(`^The store 127.0.0.1:${engine.port}\\n\\nok .*\\n[^]*All is well: 0 errors, 0 warnings`),
    );
    await until(async () => (await engine.admin.dbsize()) === 0); // the probe has gone
  });

  test('what it keeps, what it forgets, and how much there may be', async () => {
    await start();
    await set('appendonly', 'no');
    await mended(only(await doctor(), 'warning', 'store-persistence', /keeps nothing on its disk/));
    await set('appendonly', 'no');
    await set('save', '3600 1');
    only(await doctor(), 'warning', 'store-persistence', /keeps snapshots only/);
    await set('appendonly', 'yes');
    await set('save', '');
    await set('maxmemory-policy', 'allkeys-lru');
    await mended(only(await doctor(), 'error', 'store-eviction', /may forget anything/));
    await set('maxmemory-policy', 'volatile-random');
    await mended(only(await doctor(), 'warning', 'store-eviction', /whatever volatile-random chooses/));
    await set('maxmemory', '0');
    await mended(only(await doctor(), 'warning', 'store-memory', /has no bound/));
    await set('maxmemory-policy', 'noeviction');
    expect((await doctor()).findings.map(({ check }) => check)).toEqual(['store']);
    // So much that a connection more or less does not count.
    const ballast = "for i = 1, 2000 do redis.call('SET', KEYS[1] .. i, string.rep('x', 10000)) end";
    await engine.admin.eval(ballast, 1, 'ballast');
    const used = Number(/^used_memory:(\d+)/m.exec(await engine.admin.info('memory'))![1]);
    await set('maxmemory', `${Math.ceil(used * 1.05)}`);
    await mended(only(await doctor(), 'warning', 'store-memory', /takes nothing new/));
    await set('maxmemory', '1');
    const full = amiss(await doctor());
    expect(full.map(({ severity, check }) => [severity, check])).toEqual([
      ['warning', 'store-memory'],
      ['error', 'store-use'],
    ]);
    expect(full[1]!.what).toMatch(/the engine is full; raise its maxmemory/);
  });

  test('a disk that it cannot write to', async () => {
    const directory = path.join(scratch.path, 'gone');
    mkdirSync(directory);
    await start({ words: [...WELL, '--dir', directory] });
    rmSync(directory, { recursive: true });
    await engine.admin.bgsave();
    await until(async () => (await engine.admin.info('persistence')).includes('rdb_last_bgsave_status:err'));
    only(await doctor(), 'error', 'store-disk', /could not write to its disk/);
  });

  test('a replica; and one whose user may not do what a filter does', async () => {
    await start();
    const allow = (...rights: string[]) => engine.admin.call('ACL', 'SETUSER', 'weak', ...rights);
    await allow(...'on >word ~gl* +get +del +exists +time +eval +evalsha'.split(' '));
    const file = path.join(scratch.path, 'password');
    writeFileSync(file, 'word\n', { mode: 0o600 });
    url = `redis://weak@127.0.0.1:${engine.port}`;
    const user = ['--store-password-file', file];
    only(await doctor(...user), 'error', 'store-use', /the engine's access list forbids it/);
    await allow('+set');
    const { findings } = await doctor(...user);
    expect(findings.map(({ severity, check }) => [severity, check])).toEqual([
      ['ok', 'store'],
      ['note', 'store-info'],
    ]);
    await allow('+scan');
    for (const command of ['status', 'export', 'release'])
      expect(
        await runProgram([
          ...[command, '--store', url, ...user, '--db', path.join(scratch.path, 'none.mdb')],
          ...(command === 'release' ? ['--sender', 'a@example.org'] : []),
        ]),
      ).toMatchObject({ status: 0, err: '' });
    await allow('-exists');
    only(await doctor(...user), 'error', 'store', /the engine's access list forbids it/);
    url = `redis://127.0.0.1:${engine.port}`;
    await engine.admin.call('REPLICAOF', '127.0.0.1', '1');
    only(await doctor(), 'error', 'store-role', /is no master \(slave\)/);
    const here = ['--store', url, '--db', path.join(scratch.path, 'none.mdb')];
    expect(await runProgram(['status', ...here])).toMatchObject({
      status: 0,
      out: expect.stringContaining(', slave'),
    });
    expect(await runProgram(['release', ...here, '--sender', 'a@example.org'])).toMatchObject({
      status: 2,
      err: expect.stringContaining('the engine is a replica'),
    });
  });

  test('two hosts that hash by different secrets are told of, until both have the same', async () => {
    await start();
    const hosts = makeHosts(scratch.path, url);
    const [one, two] = [hosts.make('one'), hosts.make('two')];
    const ask = async (host: Host) => {
      const session = await host.start('--privacy', ...PATIENT);
      await session.ask(request(1));
      return session;
    };
    try {
      const [, other] = [await ask(one), await ask(two)];
      only(await doctor(), 'warning', 'store-keys', /privacy=\w{8}; \S+privacy=\w{8}$/);
      expect((await other.finish()).code).toBe(0);
      copyFileSync(`${one.database}.secret`, `${two.database}.secret`);
      await ask(two);
      await until(async () => amiss(await doctor()).length === 0); // the engine may see its end a moment later
    } finally {
      await hosts.close();
    }
  });

  test('the user that the README makes may do what filters and commands do, and is asked nothing else', async () => {
    await start();
    const readme = readFileSync(path.join(project, 'README.md'), 'utf8');
    const lines = [...readme.matchAll(/^ {4}ACL (SETUSER greylatch .*)$/gm)].map(([, words]) => words!);
    expect(lines).toHaveLength(2);
    for (const line of lines) await engine.admin.call('ACL', ...line.replace('PASSWORD', 'word').split(' '));
    const file = path.join(scratch.path, 'password');
    writeFileSync(file, 'word\n', { mode: 0o600 });
    url = `redis://greylatch@127.0.0.1:${engine.port}/0`;
    const user = ['--store-password-file', file];
    const { findings } = await doctor(...user);
    expect(findings.map(({ severity, check }) => [severity, check])).toEqual([
      ['ok', 'store'],
      ['note', 'store-eviction'],
    ]);
    const here = ['--store', url, ...user, '--db', path.join(scratch.path, 'none.mdb')];
    for (const command of ['status', 'export', 'purge'])
      expect(await runProgram([command, ...here])).toMatchObject({ status: 0, err: '' });
    expect(await engine.admin.call('ACL', 'LOG')).toEqual([]);
  });

  test('commands that filters do without may be renamed, as CONFIG often is', async () => {
    const away = ['CONFIG', 'CLIENT', 'DBSIZE'].flatMap((name) => ['--rename-command', name, '']);
    await start({ words: [...WELL, ...away] });
    expect(amiss(await doctor())).toEqual([]);
    const { status, out, err } = await runProgram(['status', '--store', url]);
    expect({ status, err }).toEqual({ status: 0, err: '' });
    expect(out).toContain('sound');
  });

  test('passwords and their file', async () => {
    await start({ words: [...WELL, '--requirepass', 'secret'], password: 'secret' });
    const file = path.join(scratch.path, 'password');
    const words = ['--store-password-file', file];
    only(await doctor(), 'error', 'store', /the engine refuses the password/);
    only(await doctor(...words), 'error', 'password-file', /does not exist/);
    writeFileSync(file, 'wrong\n', { mode: 0o600 });
    const refused = only(await doctor(...words), 'error', 'store', /the engine refuses the password/);
    // Without it the engine would refuse the command as well.
    expect(refused.mend).toContain('redis-cli --askpass -h 127.0.0.1 ');
    writeFileSync(file, 'secret\n');
    expect(amiss(await doctor(...words))).toEqual([]);
    chmodSync(file, 0o640);
    only(await doctor(...words), 'error', 'password-file', /others than its owner may use it: .*mode 0640/);
  });

  test('not there; slow; and of another time', async () => {
    const clock = makeClock(scratch.path, Math.floor(Date.now() / 1000) - 600);
    await start();
    only(await doctorIn(clock.env), 'warning', 'store-clock', / min( \d+ s)? ahead of that of this host/);
    await engine.stop();
    only(await doctor(), 'error', 'store', /nobody listens there/);
    await start();
    const line = await startLine(engine.port, 60);
    try {
      url = `redis://127.0.0.1:${line.port}`;
      only(
        await doctor('--store-timeout', '25ms'),
        'error',
        'store-latency',
        /a round trip takes \d+ ms, and a request waits for 25 ms/,
      );
    } finally {
      line.close();
    }
    const { status, out, err } = await runProgram(['doctor', '--store', 'http://example.org']);
    expect({ status, out }).toEqual({ status: 2, out: '' });
    expect(err).toMatch(/^greylatch: --store: not the address of a store[^\n]*\n$/);
  });
});
