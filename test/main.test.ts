// What main.ts ties together: settings that the store has to be given, messages of the store's that have to reach the log,
// and the two ends of a filter. In the built program, for nothing else loads main.ts.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { scan } from '../src/store/admin/scan.ts';
import { verify } from '../src/store/pages/verify.ts';
import { makeClock } from './support/clock.ts';
import { greylatch, startFilter } from './support/filter.ts';
import { suite } from './support/needs.ts';
import { deferred, dunno, shortRequest } from './support/requests.ts';
import { useScratch } from './support/scratch.ts';
import { until } from './support/until.ts';

const scratch = useScratch('of each');

const db = () => path.join(scratch.path, 'greylist.mdb');
const logFile = () => path.join(scratch.path, 'log');
const request = (client = '192.0.2.1') => shortRequest(client, 'ann@example.com', 'bob@example.net');

const command = (...options: string[]) =>
  greylatch('--db', db(), '--log', `file:${logFile()}`, '--auto-whitelist', '0', ...options);

suite('with a clock in the hand', ['faketime'], () => {
  test('--retry-window is for what waits, --max-age for what has passed', async () => {
    const clock = makeClock(scratch.path);
    const windows = ['--retry-window', '100', '--max-age', '10d'];
    const filter = await startFilter(command(...windows), { env: clock.env });
    const after = (seconds: number) => {
      clock.move(seconds);
      return filter.ask(request());
    };
    expect(await after(0)).toBe(deferred);
    expect(await after(101)).toBe(deferred);
    expect(await after(61)).toBe(dunno);
    expect(await after(9 * 86_400)).toBe(dunno);
    expect(await after(12 * 86_400)).toBe(deferred);
    expect(await filter.finish()).toMatchObject({ code: 0, rest: '' });
  });

  test('at its end it stores what is queued, and early retries that are noted', async () => {
    const clock = makeClock(scratch.path);
    const filter = await startFilter(command(), { env: clock.env });
    expect(await filter.ask(request())).toBe(deferred);
    clock.move(30);
    expect(await filter.ask(request())).toBe(deferred);
    expect(await filter.finish()).toMatchObject({ code: 0, rest: '' });
    expect([...scan(db())!.entries]).toMatchObject([
      { kind: 'triple', firstSeen: clock.now() - 30, deferrals: 2 },
    ]);
  });

  test('what matched in a list is stored while the filter runs, once a minute', async () => {
    const clock = makeClock(scratch.path);
    const list = path.join(scratch.path, 'clients');
    writeFileSync(list, '192.0.2.1\n');
    const filter = await startFilter(command('--whitelist-clients', list), { env: clock.env });
    expect(await filter.ask(request())).toBe(dunno);
    clock.move(61);
    await until(() => existsSync(db()) && readFileSync(db(), 'latin1').includes('{"count":1,'));
    expect(await filter.finish()).toMatchObject({ code: 0, rest: '' });
  });
});

test('--max-waiting is a bound, and that old triples go for new ones is told', async () => {
  const filter = await startFilter(command('--max-waiting', '16'));
  for (let i = 0; i < 40; i++) expect(await filter.ask(request(`10.${i}.0.1`))).toBe(deferred);
  expect(await filter.finish()).toMatchObject({ code: 0, rest: '' });
  expect(verify(db(), () => {})!.waiting).toBeLessThanOrEqual(16);
  expect(readFileSync(logFile(), 'utf8')).toMatch(
    /^\S+ greylatch\[\d+\]: warning: too many triples wait \(--max-waiting 16, [^\n]*\n$/,
  );
});

test('a fault of its own ends it with status 1 and a message at level crit, and sends nothing', async () => {
  const fault = path.join(scratch.path, 'fault.cjs');
  writeFileSync(fault, `setTimeout(() => { throw new Error('out of nowhere'); });`);
  const [node, ...words] = command();
  const filter = await startFilter([node!, '--require', fault, ...words]);
  // The first request is answered before any timer has its turn.
  expect(await filter.ask(request())).toBe(deferred);
  expect(await filter.ended).toMatchObject({ code: 1, signal: null, rest: '' });
  expect(readFileSync(logFile(), 'utf8')).toMatch(/: crit: Error: out of nowhere\\x0a/);
});

test('by hand, messages go to the standard error that one looks at, unless --log says where', () => {
  const said = (...options: string[]) => {
    const [node, ...words] = greylatch('--db', db(), ...options);
    const { status, stdout, stderr } = spawnSync(node!, words, {
      input: `a line without a name\n${request()}`,
      encoding: 'utf8',
    });
    expect({ options, status, stdout }).toEqual({ options, status: 0, stdout: `${deferred}\n\n` });
    return stderr;
  };
  expect(said()).toMatch(/^greylatch\[\d+\]: warning: ignoring garbage: a line without a name\n$/);
  expect(said('--log', 'syslog')).toBe('');
  expect(said('--log', `file:${logFile()}`)).toBe('');
  expect(readFileSync(logFile(), 'utf8')).toMatch(/: warning: ignoring garbage: a line without a name\n$/);
});

test('under spawn(8), where standard error is silent, messages for it go to syslog', async () => {
  const heard = path.join(scratch.path, 'heard');
  const daemon = path.join(scratch.path, 'daemon.cjs'); // in the place of a syslog daemon, which a machine may lack
  writeFileSync(
    daemon,
    `const Module = require('node:module'), { _load } = Module;
    class DgramSocket {
      on() {}
      close() {}
      sendTo(data, from, length, to, done) {
        require('node:fs').appendFileSync(${JSON.stringify(heard)}, to + ' ' + data + '\\n');
        done();
      }
    }
    Module._load = (id, ...rest) => (id === 'node-unix-socket' ? { DgramSocket } : _load(id, ...rest));`,
  );
  const [node, ...words] = greylatch('--db', db(), '--log', 'stderr');
  const filter = await startFilter([node!, '--require', daemon, ...words]);
  expect(await filter.ask(`a line without a name\n${request()}`)).toBe(deferred);
  expect(await filter.finish()).toMatchObject({ code: 0, rest: '' });
  expect(readFileSync(heard, 'utf8')).toMatch(
    /^\/dev\/log <20>.* greylatch\[\d+\]: ignoring garbage: a line without a name\n$/,
  );
});
