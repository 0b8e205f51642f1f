// Where messages go: each place gets its lines, and none, however it fares, is waited for.
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readFileSync, rmSync, statSync } from 'node:fs';
import path from 'node:path';
import { DgramSocket } from 'node-unix-socket';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { Log } from '../../src/log/log.ts';
import { openSyslog, openTarget } from '../../src/log/targets.ts';
import { openFiles } from '../support/files.ts';
import { project } from '../support/project.ts';
import { useScratch } from '../support/scratch.ts';
import { until } from '../support/until.ts';

const scratch = useScratch('of all');

test('a file gets a line with the time, and nobody else may read it', async () => {
  const file = path.join(scratch.path, 'log');
  const log = openTarget(`file:${file}`);
  log.write('crit', 'found');
  expect(existsSync(file)).toBe(true);
  expect(readFileSync(file, 'utf8')).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z greylatch\[\d+\]: crit: found\n$/);
  log.write('info', 'more');
  expect(readFileSync(file, 'utf8')).toMatch(/: crit: found\n\S+ greylatch\[\d+\]: more\n$/);
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(await closes(log)).toBe(true);
});

test.each([
  ['crit', 18, new Date(2026, 0, 5, 3, 4, 9), 'Jan  5 03:04:09'],
  ['err', 19, new Date(2026, 11, 25, 23, 59, 58), 'Dec 25 23:59:58'],
  ['warning', 20, new Date(2027, 4, 10, 12, 0, 30), 'May 10 12:00:30'],
  ['info', 22, new Date(2027, 7, 31, 0, 10, 0), 'Aug 31 00:10:00'],
] as const)(
  'syslog gets a datagram with facility mail, the time, the identity and the process: %s',
  async (level, priority, date, stamp) => {
    const place = path.join(scratch.path, `log.${level}`);
    const server = new DgramSocket();
    const arrived = new Promise<string>((resolve) =>
      server.on('data', (data: Buffer) => resolve(data.toString())),
    );
    server.bind(place);
    vi.useFakeTimers({ toFake: ['Date'], now: date });
    const log = openSyslog(place);
    log.write(level, 'hello');
    vi.useRealTimers();
    await new Promise<void>((resolve) => log.close(resolve));
    expect(await arrived).toBe(`<${priority}>${stamp} greylatch[${process.pid}]: hello`);
    server.close();
  },
);

/** Whether the log calls back at its end, within a time that only one which hangs would miss. */
function closes(log: Log): Promise<boolean> {
  return new Promise((resolve) => {
    const patience = setTimeout(() => resolve(false), 10_000);
    log.close(() => {
      clearTimeout(patience);
      resolve(true);
    });
  });
}

test('syslog that nobody listens to is silence, and the end does not wait for it', async () => {
  const log = openSyslog(path.join(scratch.path, 'nobody'));
  expect(() => log.write('warning', 'hello')).not.toThrow();
  expect(await closes(log)).toBe(true);
});

describe('one that listens and does not read', () => {
  const received = path.join(scratch.path, 'received');
  const place = path.join(scratch.path, 'stalled.socket');
  let daemon: ChildProcess;
  beforeEach(async () => {
    const code = `const socket = new (require('node-unix-socket').DgramSocket)();
      socket.on('data', (data) => require('fs').appendFileSync(${JSON.stringify(received)}, data + '\\n'));
      socket.bind(${JSON.stringify(place)});
      setInterval(() => {}, 1000)`;
    daemon = spawn(process.execPath, ['-e', code], { cwd: project });
    await until(() => existsSync(place));
    daemon.kill('SIGSTOP');
  });
  afterEach(() => {
    daemon.kill('SIGKILL');
    rmSync(place, { force: true });
    rmSync(received, { force: true });
  });
  const lines = () => (existsSync(received) ? readFileSync(received, 'utf8').trim().split('\n') : []);

  test('is not waited for at the end', async () => {
    const log = openSyslog(place);
    // More than the kernel keeps for it (net.unix.max_dgram_qlen).
    for (let n = 0; n < 2000; n++) log.write('warning', 'hello');
    expect(await closes(log)).toBe(true);
  });

  test('has the last message, if it reads again within the time that the end waits', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout'] }); // that time does not pass
    try {
      const log = openSyslog(place);
      for (let n = 0; n < 900; n++) log.write('warning', 'hello');
      log.write('crit', 'the last');
      const closed = new Promise<void>((resolve) => log.close(resolve));
      daemon.kill('SIGCONT');
      await closed;
      await until(() => lines().at(-1)?.endsWith('the last'));
    } finally {
      vi.useRealTimers();
    }
  });

  test('does not fill the memory, and hears how much it has missed', async () => {
    const log = openSyslog(place, 60_000);
    for (let n = 0; n < 5000; n++) log.write('warning', 'hello');
    daemon.kill('SIGCONT');
    await until(() => lines().length > 1000);
    log.write('warning', 'the last');
    await until(() => lines().at(-1)?.endsWith('the last'));
    const before = lines().length - 2;
    expect(before).toBeLessThan(5000);
    expect(lines().at(-2)).toContain(
      `: ${5000 - before} messages before this one are lost: ${place} did not`,
    );
    expect(await closes(log)).toBe(true);
  });

  test('is not asked again and again', async () => {
    const before = sockets();
    const log = openSyslog(place, 10);
    for (let n = 0; n < 2000; n++) log.write('warning', 'hello');
    expect(sockets()).toBe(before + 1);
    await until(() => sockets() === before);
    log.write('warning', 'hello');
    expect(sockets()).toBe(before);
    expect(await closes(log)).toBe(true);
  });
});

/** How many sockets this process has open. */
function sockets(): number {
  return openFiles().filter((name) => name.startsWith('socket:')).length;
}
