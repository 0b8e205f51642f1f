// Three hosts and one engine: what one has seen, all know.
import { readdirSync } from 'node:fs';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { scan } from '../../src/store/admin/scan.ts';
import { runProgram } from '../admin/live.ts';
import { type Clock, makeClock } from '../support/clock.ts';
import { suite } from '../support/needs.ts';
import { deferred, dunno } from '../support/requests.ts';
import { useScratch } from '../support/scratch.ts';
import { type Engine, startEngine } from './engine.ts';
import { makeHosts, PATIENT, request } from './hosts.ts';

suite('one engine', ['redis', 'engineClock'], () => {
  const scratch = useScratch('of each');
  let clock: Clock;
  let engine: Engine;
  let hosts: ReturnType<typeof makeHosts>;

  beforeEach(async () => {
    clock = makeClock(scratch.path);
    engine = await startEngine(scratch.path, { env: clock.env });
    hosts = makeHosts(scratch.path, `redis://127.0.0.1:${engine.port}`, () => clock.env);
  });
  afterEach(async () => {
    await hosts.close();
    await engine.stop();
  });

  test('a mail that the first host has deferred passes at its first retry elsewhere after the delay', async () => {
    const [one, two, three] = await Promise.all(
      ['one', 'two', 'three'].map((name) => hosts.make(name).start(...PATIENT)),
    );
    expect(await one!.ask(request(1))).toBe(deferred);
    clock.move(60);
    expect(await two!.ask(request(1))).toBe(deferred);
    clock.move(1);
    expect(await three!.ask(request(1))).toBe(dunno);
    expect(await two!.ask(request(1))).toBe(dunno);
    expect(await one!.ask(request(2))).toBe(deferred);
  });

  test('hosts whose clocks differ by minutes defer nobody longer for it, and let nobody in early', async () => {
    const early = { ...clock.env, FAKETIME_TIMESTAMP_FILE: `${scratch.path}/early/clock` };
    const host = hosts.make('one');
    const ahead = makeHosts(scratch.path, `redis://127.0.0.1:${engine.port}`, () => early);
    const other = ahead.make('early');
    const fast = makeClock(other.directory, clock.now() + 600);
    try {
      const one = await host.start(...PATIENT);
      const two = await other.start(...PATIENT);
      const move = (seconds: number) => {
        clock.move(seconds);
        fast.move(seconds);
      };
      expect(await one.ask(request(1))).toBe(deferred);
      expect(await two.ask(request(2))).toBe(deferred);
      move(60);
      expect(await two.ask(request(1))).toBe(deferred);
      expect(await one.ask(request(2))).toBe(deferred);
      move(1);
      expect(await two.ask(request(1))).toBe(dunno);
      expect(await one.ask(request(2))).toBe(dunno);
    } finally {
      await ahead.close();
    }
  });

  test('expiry is the engine’s own: the retry window for what waits, max age for what passed', async () => {
    const session = await hosts.make('one').start(...PATIENT, '--retry-window', '1h', '--max-age', '10d');
    await session.ask(request(1));
    await session.ask(request(2));
    expect(await engine.admin.dbsize()).toBe(2);
    clock.move(61);
    expect(await session.ask(request(1))).toBe(dunno);
    clock.move(3600);
    expect(await session.ask(request(2))).toBe(deferred); // it starts anew
    expect(await session.ask(request(1))).toBe(dunno);
    clock.move(3602);
    expect(await engine.admin.exists(...(await engine.admin.keysBuffer('*')))).toBe(2); // the triple and its client
    clock.move(11 * 86_400 + 1);
    expect(await session.ask(request(1))).toBe(deferred);
  });

  test('--header tells the delay, --dry-run stores nothing, --auto-whitelist counts over all hosts', async () => {
    const one = await hosts.make('one').start(...PATIENT, '--header', '--auto-whitelist', '2');
    const two = await hosts.make('two').start(...PATIENT, '--auto-whitelist', '2');
    const three = hosts.make('three');
    const dry = await three.start(...PATIENT, '--dry-run');
    expect(await dry.ask(request(1))).toBe(dunno);
    expect(readdirSync(three.directory).filter((name) => name.startsWith('greylist'))).toEqual([]);
    expect(await engine.admin.dbsize()).toBe(0);
    await one.ask(request(1, 'a@example.net'));
    await one.ask(request(1, 'b@example.net'));
    await one.ask(request(1, 'c@example.net'));
    clock.move(75);
    expect(await one.ask(request(1, 'a@example.net'))).toMatch(/delayed 75 seconds/);
    expect(await two.ask(request(1, 'b@example.net'))).toBe(dunno);
    expect(await two.ask(request(1, 'd@example.net'))).toBe(deferred); // two come-backs
    expect(await one.ask(request(1, 'b@example.net'))).toBe(dunno);
    expect(await two.ask(request(1, 'e@example.net'))).toBe(dunno); // three
  });

  test('a release of this host alone holds here; what the engine has decided is on record here too', async () => {
    const host = hosts.make('one');
    const words = ['release', '--recipient', 'bob@example.net', '--db', host.database];
    expect(await runProgram(words)).toMatchObject({ status: 0, err: '' });
    const session = await host.start(...PATIENT);
    expect(await session.ask(request(1, 'bob@example.net'))).toBe(dunno);
    expect(await session.ask(request(2))).toBe(deferred);
    expect(await session.finish()).toMatchObject({ code: 0, rest: '' });
    const triples = [...scan(host.database)!.entries].filter(({ kind }) => kind === 'triple');
    expect(triples).toMatchObject([
      { recipient: 'bob@example.net', passed: true },
      { recipient: 'r@example.net', passed: false },
    ]);
  });
});
