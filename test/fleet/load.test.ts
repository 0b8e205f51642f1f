// Many filters on one engine that dies by kill -9 while all of them ask: no request without a reply, none lost.
import { expect, test } from 'vitest';
import { suite } from '../support/needs.ts';
import { deferred } from '../support/requests.ts';
import { testScratch } from '../support/scratch.ts';
import { until } from '../support/until.ts';
import { startEngine } from './engine.ts';
import { makeHosts, request } from './hosts.ts';

const EACH = 150;

suite('an engine killed under load', ['redis'], () => {
  test('every request has its reply, and afterwards the engine knows every triple', async () => {
    const scratch = testScratch();
    let engine = await startEngine(scratch.path, {
      words: ['--appendonly', 'yes', '--appendfsync', 'always'],
    });
    const { make, close } = makeHosts(scratch.path, `redis://127.0.0.1:${engine.port}`);
    try {
      const hosts = [make('one'), make('two'), make('three')];
      const sessions = await Promise.all(hosts.flatMap((host) => [host.start(), host.start()]));
      let asked = 0;
      const load = sessions.map(async (session, i) => {
        for (let n = 0; n < EACH; n++) {
          asked++;
          expect(await session.ask(request(i * EACH + n))).toBe(deferred);
        }
      });
      await until(() => asked > EACH);
      await engine.kill();
      await Promise.all(load);
      engine = await startEngine(scratch.path, { port: engine.port, words: ['--appendonly', 'yes'] });
      let extra = 0;
      await until(
        async () => {
          const n = sessions.length * EACH + extra++;
          await Promise.all(sessions.map((session) => session.ask(request(n))));
          return (await engine.admin.dbsize()) >= n;
        },
        () => hosts.map((host) => host.log()).join(''),
      );
    } finally {
      await close();
      await engine.stop();
    }
  }, 120_000);
});
