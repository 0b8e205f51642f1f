// What can happen to the connection between a filter and its engine: whatever it is, the filter is back soon after it is over.
import { readdirSync } from 'node:fs';
import net from 'node:net';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { tripleKey } from '../../src/store/fleet/key.ts';
import { runProgram } from '../admin/live.ts';
import type { Session } from '../support/filter.ts';
import { suite } from '../support/needs.ts';
import { deferred } from '../support/requests.ts';
import { useScratch } from '../support/scratch.ts';
import { until } from '../support/until.ts';
import { type Engine, startEngine } from './engine.ts';
import { type Host, makeHosts, PATIENT, request } from './hosts.ts';
import { type Line, startLine } from './line.ts';

suite('a connection in trouble', ['redis'], () => {
  const scratch = useScratch('of each');
  let engine: Engine;
  let line: Line;
  let closing: (() => unknown)[];
  /** Nobody knows the triple of this number yet. */
  let next = 1;

  beforeEach(async () => {
    engine = await startEngine(scratch.path);
    line = await startLine(engine.port);
    closing = [line.close];
  });
  afterEach(async () => {
    for (const close of closing.reverse()) await close();
    await engine.stop();
  });

  const hostOn = (url: string): Host => {
    const { make, close } = makeHosts(scratch.path, url);
    closing.push(close);
    return make('host');
  };
  const hostOnLine = () => hostOn(`redis://127.0.0.1:${line.port}`);
  const known = async (n: number) => {
    const triple = {
      client: `10.1.${n >> 8}.${n & 255}`,
      sender: `s${n}@example.org`,
      recipient: 'r@example.net',
    };
    return (await engine.admin.exists(tripleKey(triple))) === 1;
  };
  /** Asks about what nobody knows, until the engine has decided one of them. */
  const back = async (session: Session, host: Host) => {
    await until(async () => {
      const n = next++;
      expect(await session.ask(request(n))).toBe(deferred);
      return known(n);
    }, host.log);
  };
  const timesAway = (host: Host) => host.log().match(/is away/g)?.length ?? 0;
  /** Waits until the engine has all that was decided without it, if anything was: a slow machine is late. */
  const nothingKept = (host: Host) =>
    until(() => readdirSync(host.directory).every((name) => !name.includes('.fleet')), host.log);
  const away = async (session: Session, host: Host) => {
    await until(async () => {
      expect(await session.ask(request(next++))).toBe(deferred);
      return host.log().includes('is away');
    }, host.log);
  };

  test('accepted, and then silent for ever: it is given up and made anew', async () => {
    const host = hostOnLine();
    const session = await host.start();
    await back(session, host);
    line.swallow();
    await away(session, host);
    await until(() => line.lost() > 0);
    line.mend();
    await back(session, host);
  });

  test('slow: only the first request waits for an engine whose answers come too late', async () => {
    const host = hostOnLine();
    const session = await host.start('--store-timeout', '300ms');
    await back(session, host);
    await nothingKept(host);
    const told = timesAway(host);
    await engine.admin.config('RESETSTAT');
    line.slow(600);
    const before = line.pieces();
    await until(async () => {
      expect(await session.ask(request(next++))).toBe(deferred);
      return line.pieces() >= before + 4;
    }, host.log);
    const said = await engine.admin.info('commandstats');
    // The decision, and maybe a look at the releases; the others are probes.
    expect(Number(/cmdstat_evalsha:calls=(\d+)/.exec(said)?.[1])).toBeLessThanOrEqual(2);
    expect(timesAway(host)).toBe(told + 1);
  });

  test.each([
    ['no verdict', ':0\r\n'],
    ['replies that nothing was asked for', '$-1\r\n$-1\r\n$-1\r\n'],
    ['the replies of another program', 'HTTP/1.1 400 Bad Request\r\n\r\n'],
    ['a list of more than can be', '*4294967299\r\n'],
  ])('%s: this host decides until it is mended', async (_, reply) => {
    const host = hostOnLine();
    const session = await host.start();
    await back(session, host);
    line.spoil(reply);
    await away(session, host);
    line.mend();
    await back(session, host);
  });

  test('what was wrong an hour ago is not why it is away now', async () => {
    const host = hostOnLine();
    const session = await host.start(...PATIENT);
    await engine.admin.config('SET', 'maxmemory', '1');
    await away(session, host);
    expect(host.log()).toMatch(/is away: the engine is full/);
    await engine.admin.config('SET', 'maxmemory', '0');
    await back(session, host);
    await until(() => host.log().includes('is back'));
    line.swallow();
    await until(async () => {
      await session.ask(request(next++));
      return timesAway(host) > 1;
    });
    expect(host.log().match(/the engine is full/g)).toHaveLength(1);
  });

  test('as soon as one filter has found the engine back, the others of its host ask it', async () => {
    const host = hostOnLine();
    const session = await host.start(...PATIENT);
    await back(session, host);
    line.refuse();
    await away(session, host);
    // From now on it tries only every few seconds.
    await until(() => line.lost() >= 4);
    line.mend();
    const other = await host.start(...PATIENT);
    await back(other, host);
    await nothingKept(host);
    const n = next++;
    expect(await session.ask(request(n))).toBe(deferred);
    expect(await known(n)).toBe(true);
    expect(timesAway(host)).toBe(1);
  });

  test('nobody answers in time: the log tells the reason as soon as it shows', async () => {
    const host = hostOn('redis+sentinel://127.0.0.1:1/mx');
    const session = await host.start();
    await until(async () => {
      expect(await session.ask(request(next++))).toBe(deferred);
      return host.log().includes('no Sentinel answers');
    }, host.log);
    expect(timesAway(host)).toBe(1);
  });

  test('a Sentinel that hangs: the next one is asked', async () => {
    line.swallow();
    const sentinel = await startSentinel(() => engine.port);
    closing.push(sentinel.close);
    const url = `redis+sentinel://127.0.0.1:${line.port},127.0.0.1:${sentinel.port}/mx`;
    const host = hostOn(url);
    await back(await host.start(), host);
    expect(await runProgram(['list', '--store', url])).toMatchObject({ status: 0, err: '' });
  });

  test('a Sentinel that tells of a failover just when it is asked for the master', async () => {
    const sentinel = await startSentinel(() => engine.port);
    closing.push(sentinel.close);
    const host = hostOn(`redis+sentinel://127.0.0.1:${sentinel.port}/mx`);
    const session = await host.start();
    await back(session, host);
    await until(() => sentinel.listeners() > 0);
    const asked = sentinel.tell();
    await engine.admin.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
    await asked;
    await back(session, host);
  });
});

/** Speaks as much of a Sentinel's language as a client needs. */
async function startSentinel(master: () => number) {
  const sockets = new Set<net.Socket>();
  const listening = new Set<net.Socket>();
  let telling: (() => void) | undefined;
  const words = (...list: string[]) =>
    `*${list.length}\r\n${list.map((word) => `$${word.length}\r\n${word}\r\n`).join('')}`;
  const server = net.createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {}).on('close', () => sockets.delete(socket) && listening.delete(socket));
    socket.on('data', (data) => {
      const text = data.toString().toLowerCase();
      const count = text.match(/\*\d+\r\n/g)!.length;
      if (text.includes('subscribe')) {
        listening.add(socket);
        socket.write('*3\r\n$9\r\nsubscribe\r\n$14\r\n+switch-master\r\n:1\r\n');
      } else if (text.includes('get-master-addr-by-name')) {
        const answer = () => socket.write(words('127.0.0.1', `${master()}`));
        if (telling === undefined) return answer();
        for (const each of listening) each.write(words('message', '+switch-master', 'mx'));
        setTimeout(answer, 200);
        telling();
        telling = undefined;
      } else if (text.includes('sentinels')) socket.write('*0\r\n');
      else socket.write('+OK\r\n'.repeat(count));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as net.AddressInfo).port,
    listeners: () => listening.size,
    /** The next who asks for the master is kept waiting, while all that listen are told of a failover. */
    tell: () =>
      new Promise<void>((resolve) => {
        telling = resolve;
      }),
    close: () => {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}
