// Three MX hosts and their engine, each in a network of its own: what the first has deferred passes at the others, a host
// whose link is down goes on by itself, and an engine that is killed costs no reply.
import { existsSync, writeFileSync } from 'node:fs';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Finding } from '../../src/admin/doctor/finding.ts';
import { journalPath } from '../../src/store/fleet/journal.ts';
import { tripleKey } from '../../src/store/fleet/key.ts';
import { type Clock, makeClock } from '../support/clock.ts';
import { greylatch, startPiped } from '../support/filter.ts';
import { suite } from '../support/needs.ts';
import { deferred, dunno } from '../support/requests.ts';
import { useScratch } from '../support/scratch.ts';
import { until } from '../support/until.ts';
import type { Engine, EngineOptions } from './engine.ts';
import { type Host, makeHosts, PATIENT, request } from './hosts.ts';
import { hasNamespaces, how, makeNetwork, type Network } from './network.ts';

suite(`three hosts ${how}`, ['redis', 'engineClock'], () => {
  const scratch = useScratch('of each');
  let clock: Clock;
  let network: Network;
  let engine: Engine;
  let closing: (() => Promise<void>)[] = [];
  let hosts: Host[];

  const start = async (options: EngineOptions = {}) => {
    engine = await network.engine({ ...options, env: clock.env });
  };
  beforeEach(async () => {
    clock = makeClock(scratch.path);
    network = await makeNetwork(scratch.path);
    hosts = network.sites.map(({ url, within }, i) => {
      const { make, close } = makeHosts(scratch.path, url, () => clock.env);
      closing.push(close);
      return make(`host${i + 1}`, url, within);
    });
    await start();
  });
  afterEach(async () => {
    await Promise.all(closing.map((close) => close()));
    closing = [];
    await engine.stop();
    network.close();
  });

  const triple = (n: number) => ({
    client: `10.1.${n >> 8}.${n & 255}`,
    sender: `s${n}@example.org`,
    recipient: 'r@example.net',
  });
  const logs = () => hosts.map((host) => host.log()).join('');

  test('a message that the first host has deferred passes at its first retry elsewhere after the delay', async () => {
    const [one, two, three] = await Promise.all(hosts.map((host) => host.start(...PATIENT)));
    for (const n of [1, 2]) expect(await one!.ask(request(n))).toBe(deferred);
    clock.move(60);
    expect(await two!.ask(request(1))).toBe(deferred);
    clock.move(1);
    expect(await two!.ask(request(1))).toBe(dunno);
    expect(await three!.ask(request(2))).toBe(dunno);
    expect(await one!.ask(request(2))).toBe(dunno);
    expect(logs()).toBe('');
  });

  test('a host whose link is down goes on answering; when it is up again, all agree', async () => {
    const third = hosts[2]!;
    const [one, two] = await Promise.all(hosts.slice(0, 2).map((host) => host.start(...PATIENT)));
    const lonely = await third.start('--store-timeout', '300ms');
    await until(async () => {
      await lonely.ask(request(9));
      return (await engine.admin.exists(tripleKey(triple(9)))) === 1; // a busy machine may be late at first
    }, logs);
    await until(() => !existsSync(journalPath(third.database)), logs);

    network.sites[2]!.cut();
    expect(await lonely.ask(request(1))).toBe(deferred);
    expect(await one!.ask(request(2))).toBe(deferred);
    for (let n = 20; n < 40; n++) expect(await lonely.ask(request(n))).toBe(deferred);
    clock.move(61);
    expect(await lonely.ask(request(1))).toBe(dunno);
    expect(await two!.ask(request(2))).toBe(dunno);
    expect(await two!.ask(request(3))).toBe(deferred);
    expect(await engine.admin.exists(tripleKey(triple(1)), tripleKey(triple(20)))).toBe(0);
    expect(third.log()).toMatch(/is away/);

    network.sites[2]!.mend();
    let n = 1000;
    await until(async () => {
      expect(await lonely.ask(request(n++))).toBe(deferred);
      return /is back/.test(third.log()) && !existsSync(journalPath(third.database));
    }, logs);
    // What it let in and what it deferred, the others know; and it knows what they did.
    for (const session of [one!, two!]) {
      expect(await session.ask(request(1))).toBe(dunno);
      expect(await session.ask(request(20))).toBe(dunno);
    }
    await until(async () => (await lonely.ask(request(2))) === dunno, logs);
    clock.move(61);
    for (const session of [one!, two!]) expect(await session.ask(request(3))).toBe(dunno);
    await until(async () => (await lonely.ask(request(3))) === dunno, logs);
  });

  test('an engine killed by kill -9 under load: every request has its reply, and all is known afterwards', async () => {
    const each = 100;
    await engine.stop();
    const keep = ['--appendonly', 'yes', '--appendfsync', 'always'];
    await start({ words: keep });
    const sessions = await Promise.all(hosts.flatMap((host) => [host.start(), host.start()]));
    let asked = 0;
    const load = sessions.map(async (session, i) => {
      for (let n = 0; n < each; n++) {
        asked++;
        expect(await session.ask(request(i * each + n))).toBe(deferred);
      }
    });
    await until(() => asked > each);
    await engine.kill();
    await Promise.all(load);
    await start({ words: keep });
    const all = Array.from({ length: sessions.length * each }, (_, n) => n);
    let extra = all.length;
    await until(async () => {
      const n = extra++;
      for (const session of sessions) expect(await session.ask(request(n))).toBe(deferred);
      const known = await engine.admin.exists(...all.map((n) => tripleKey(triple(n))));
      return known === all.length;
    }, logs);
  });

  // On loopback there is nothing to say.
  if (hasNamespaces)
    test.each([false, true])(
      'doctor: beyond this machine, plain text and no password are findings; a password file: %s',
      async (given) => {
        const { url, within } = network.sites[0]!;
        const file = `${scratch.path}/password`;
        writeFileSync(file, 'for nothing\n', { mode: 0o600 });
        const words = ['doctor', '--json', '--store', url, '--store-timeout', '20s'];
        if (given) words.push('--store-password-file', file);
        const run = startPiped([...within, ...greylatch(...words)], { env: clock.env });
        await run.finish();
        const { findings } = JSON.parse(run.everything()) as { findings: Finding[] };
        const found = findings.filter(({ check }) => check === 'store-tls' || check === 'store-password');
        expect(found.map(({ severity, where }) => [severity, where])).toEqual([
          ['error', '10.77.1.1:6379'],
          ['warning', '10.77.1.1:6379'],
        ]);
      },
    );
});
