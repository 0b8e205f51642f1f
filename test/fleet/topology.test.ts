// Other ways to an engine: a socket, TLS, Sentinels with a failover, a Cluster of three.
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, type TestContext, test } from 'vitest';
import { runProgram } from '../admin/live.ts';
import { suite } from '../support/needs.ts';
import { deferred } from '../support/requests.ts';
import { makeScratch } from '../support/scratch.ts';
import { until } from '../support/until.ts';
import { startCluster } from './cluster.ts';
import { type Engine, type EngineOptions, freePort, startEngine } from './engine.ts';
import { makeHosts, PATIENT, request } from './hosts.ts';

/** What a test has to itself, for all run at once: most of their time they wait for engines to find each other. */
function setUp({ onTestFinished }: TestContext) {
  const scratch = makeScratch();
  const engines: Engine[] = [];
  let close = async () => {};
  onTestFinished(async () => {
    await close();
    await Promise.all(engines.map((engine) => engine.stop()));
    scratch.remove();
  });
  return {
    file: (name: string) => path.join(scratch.path, name),
    async start(name: string, options: EngineOptions = {}) {
      const directory = path.join(scratch.path, name);
      mkdirSync(directory, { mode: 0o700, recursive: true });
      const engine = await startEngine(directory, options);
      engines.push(engine);
      return engine;
    },
    /** A host; that of before ends. */
    async hostOn(url: string) {
      await close();
      const hosts = makeHosts(scratch.path, url);
      close = hosts.close;
      return hosts.make('host');
    },
  };
}

suite('ways to an engine', ['redis', 'openssl'], () => {
  /** The commands there, where so many triples wait; records of two keys, and those of the house, among them. */
  const administer = async (url: string, waiting: unknown) => {
    const run = async (words: string[], input = '') => {
      const { status, out, err } = await runProgram([...words, '--store', url], input);
      expect({ words, status, err }).toEqual({ words, status: 0, err: '' });
      return out;
    };
    const counts = [1, 2, 3].map((n) =>
      JSON.stringify({
        ...{ v: 1, kind: 'client', client: `192.0.2.${n}`, comeBacks: 20, origin: 'mx9' },
        lastSeen: Math.floor(Date.now() / 1000),
      }),
    );
    expect(await run(['import', '-'], counts.join('\n'))).toContain('3 new, 0 changed');
    expect(await run(['import', '-'], counts.join('\n'))).toContain('0 new, 0 changed');
    expect(await run(['release', '--sender', '@shop.example'])).toMatch(/^0 waiting triples released/);
    expect(JSON.parse(await run(['status', '--json']))).toMatchObject({
      triples: { waiting },
      clients: { whitelisted: 3 },
      sound: true,
    });
    expect((await run(['export'])).match(/"origin":"mx9"/g)).toHaveLength(3);
  };

  test.concurrent('a unix socket, and a database of its own', async (context) => {
    const { file, start, hostOn } = setUp(context);
    const socket = file('socket');
    const engine = await start('one', { socket });
    const host = await hostOn(`redis+unix://${socket}?db=3`);
    const session = await host.start(...PATIENT);
    expect(await session.ask(request(1))).toBe(deferred);
    await engine.admin.select(3);
    expect(await engine.admin.dbsize()).toBe(1);
    expect(host.log()).toBe('');
  });

  test.concurrent('TLS: whoever the authority has signed is believed, nobody else; the files may be replaced', async (context) => {
    const { file, start, hostOn } = setUp(context);
    const openssl = (line: string, ...options: string[]) =>
      execFileSync('openssl', [...line.split(' '), ...options], { stdio: 'ignore' });
    const demand = 'req -newkey rsa:2048 -nodes';
    for (const name of ['ca', 'other'])
      openssl(
        `${demand} -x509 -days 9 -subj /CN=${name}`,
        '-keyout',
        file(`${name}.key`),
        '-out',
        file(`${name}.pem`),
      );
    openssl(`${demand} -subj /CN=localhost`, '-keyout', file('key'), '-out', file('csr'));
    writeFileSync(file('ext'), 'subjectAltName=DNS:localhost,IP:127.0.0.1\n');
    openssl(
      'x509 -req -days 9 -CAcreateserial',
      ...['-in', file('csr'), '-CA', file('ca.pem'), '-CAkey', file('ca.key')],
      ...['-extfile', file('ext'), '-out', file('pem')],
    );
    const port = await freePort();
    const engine = await start('tls', {
      port,
      words: [
        ...['--port', '0', '--tls-port', `${port}`, '--tls-auth-clients', 'no'],
        ...[
          '--tls-cert-file',
          file('pem'),
          '--tls-key-file',
          file('key'),
          '--tls-ca-cert-file',
          file('ca.pem'),
        ],
      ],
      tls: { ca: readFileSync(file('ca.pem'), 'utf8') },
    });
    const host = await hostOn(`rediss://127.0.0.1:${port}?ca=${file('ca.pem')}`);
    const session = await host.start(...PATIENT);
    expect(await session.ask(request(1))).toBe(deferred);
    expect(await engine.admin.dbsize()).toBe(1);
    expect(host.log()).toBe('');
    await administer(`rediss://127.0.0.1:${port}?ca=${file('ca.pem')}`, 1);
    await engine.admin.flushall();
    const wary = await hostOn(`rediss://127.0.0.1:${port}?ca=${file('other.pem')}`);
    // The same directory: the journal and the log are the host's.
    const other = await wary.start(...PATIENT);
    expect(await other.ask(request(2))).toBe(deferred);
    expect(wary.log()).toMatch(/is away: .*(certificate|signature)/);
    expect(await engine.admin.dbsize()).toBe(0);
    // Replaced while the filter runs.
    copyFileSync(file('ca.pem'), file('other.pem'));
    let n = 3;
    await until(async () => {
      expect(await other.ask(request(n++))).toBe(deferred);
      return /is back/.test(wary.log());
    }, wary.log);
  });

  test.concurrent('Sentinels: a failover under load costs no reply, and the new master knows what the old one did', async (context) => {
    const { file, start, hostOn } = setUp(context);
    // A replica gets its copy at once, not after five seconds.
    const master = await start('master', { words: ['--repl-diskless-sync-delay', '0'] });
    const replica = await start('replica', { words: ['--replicaof', `127.0.0.1 ${master.port}`] });
    await until(async () => (await replica.admin.info('replication')).includes('master_link_status:up'));
    const sentinels = await Promise.all(
      [1, 2, 3].map(async (n) => {
        const port = await freePort();
        const configuration = file(`sentinel${n}.conf`);
        writeFileSync(
          configuration,
          `port ${port}\nbind 127.0.0.1\ndir ${file('')}\nsentinel monitor mx 127.0.0.1 ${master.port} 2\nsentinel down-after-milliseconds mx 1000\nsentinel failover-timeout mx 5000\n`,
        );
        const sentinel = await start(`sentinel${n}`, { port, configuration, program: 'sentinel' });
        // They look at the others every ten and every two seconds otherwise.
        await sentinel.admin.call('SENTINEL', 'DEBUG', 'info-period', '500', 'publish-period', '200');
        return sentinel;
      }),
    );
    await until(async () => {
      const [first] = sentinels;
      const all = JSON.stringify(await first!.admin.call('SENTINEL', 'MASTER', 'mx'));
      return /"num-slaves","1"/.test(all) && /"num-other-sentinels","2"/.test(all);
    });
    const list = sentinels.map(({ port }) => `127.0.0.1:${port}`).join(',');
    const host = await hostOn(`redis+sentinel://${list}/mx`);
    const session = await host.start(...PATIENT);
    expect(await session.ask(request(1))).toBe(deferred);
    await until(async () => (await replica.admin.dbsize()) === 1);
    await master.kill();
    let n = 2;
    await until(async () => {
      expect(await session.ask(request(n++))).toBe(deferred); // the journal is handed over by and by
      return /is back/.test(host.log());
    }, host.log);
    expect(await replica.admin.dbsize()).toBeGreaterThanOrEqual(2);
    await administer(`redis+sentinel://${list}/mx`, expect.any(Number));
    expect(host.log().match(/is away/g)).toHaveLength(1);
  });

  test.concurrent('a Cluster of three: the keys of a decision lie together, the clients are spread', async (context) => {
    const { start, hostOn } = setUp(context);
    const [nodes, restart] = await startCluster(start);
    const [first] = nodes;
    const host = await hostOn(`redis+cluster://127.0.0.1:${first!.port}`);
    const session = await host.start(...PATIENT, '--delay', '0');
    for (let n = 0; n < 60; n++) expect(await session.ask(request(n))).toBe(deferred);
    const sizes = await Promise.all(nodes.map((node) => node.admin.dbsize()));
    expect(sizes.reduce((a, b) => a + b)).toBe(60);
    for (const size of sizes) expect(size).toBeGreaterThan(5);
    expect(host.log()).toBe('');
    await administer(`redis+cluster://127.0.0.1:${first!.port}`, 60);
    // One node is gone, and with it a third of the slots: mail gets its answers.
    await nodes[2]!.kill();
    for (let n = 60; n < 90; n++) expect(await session.ask(request(n))).toBe(deferred);
    expect(host.log()).toMatch(/is away/);
    await restart(2);
    let n = 90;
    await until(
      async () => {
        expect(await session.ask(request(n++))).toBe(deferred);
        return /is back/.test(host.log());
      },
      () => host.log(),
    );
  });

  test.concurrent('a Cluster whose password is changed: the log says why it is away, and filters log in again', async (context) => {
    const { file: place, start, hostOn } = setUp(context);
    const words = ['--requirepass', 'secret', '--masterauth', 'secret'];
    const [nodes] = await startCluster(start, { words, password: 'secret' });
    const file = place('password');
    writeFileSync(file, 'secret\n', { mode: 0o600 });
    const host = await hostOn(`redis+cluster://127.0.0.1:${nodes[0]!.port}`);
    const session = await host.start(...PATIENT, '--store-password-file', file);
    let n = 0;
    const askUntil = (pattern: RegExp) =>
      until(async () => {
        expect(await session.ask(request(n++))).toBe(deferred);
        return pattern.test(host.log());
      }, host.log);
    // Enough for each node to have a connection.
    while (n < 30) expect(await session.ask(request(n++))).toBe(deferred);
    expect(host.log()).toBe('');
    for (const { admin } of nodes) {
      await admin.config('SET', 'requirepass', 'other');
      await admin.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
    }
    await askUntil(/refuses the password/);
    writeFileSync(file, 'other\n');
    await askUntil(/is back/);
  });
});
