// A redis-server of the test's own, on loopback or a socket in a scratch directory, and what can happen to it.
// GREYLATCH_ENGINE=valkey-server has the tests run on that.
import { type ChildProcess, spawn } from 'node:child_process';
import net from 'node:net';
import { Redis } from 'ioredis';
import { sweepAfter } from '../support/clock.ts';
import { engine } from '../support/needs.ts';
import { until } from '../support/until.ts';

export interface Engine {
  readonly port: number;
  readonly pid: number;
  /** A client of the test's own, for looking and for making trouble. */
  readonly admin: Redis;
  signal(signal: NodeJS.Signals): void;
  /** kill -9. */
  kill(): Promise<void>;
  stop(): Promise<void>;
}

export interface EngineOptions {
  /** Words of the command line, as in redis.conf: '--maxmemory', '3mb'. */
  words?: string[];
  env?: Record<string, string>;
  /** Takes the place of one that is gone. */
  port?: number;
  /** A unix socket instead of a port. */
  socket?: string;
  /** For the test's own client. */
  password?: string;
  tls?: { ca: string };
  program?: 'redis-server' | 'sentinel';
  configuration?: string;
  /** Words in front of the command, which run it elsewhere (see network.ts). */
  within?: string[];
}

export async function freePort(): Promise<number> {
  const server = net.createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as net.AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

export async function startEngine(directory: string, options: EngineOptions = {}): Promise<Engine> {
  const { words = [], env = {}, socket, configuration } = options;
  // Debian's is linked with jemalloc, which asks for the time before libfaketime is ready; libc's malloc does not.
  const preload = env.LD_PRELOAD === undefined ? {} : { LD_PRELOAD: `${env.LD_PRELOAD} libc.so.6` };
  const port = socket === undefined ? (options.port ?? (await freePort())) : 0;
  const plain = words.includes('--tls-port') || configuration !== undefined ? [] : ['--port', `${port}`];
  const [program = '', ...before] = [...(options.within ?? []), engine];
  const child = spawn(
    program,
    [
      ...before,
      ...(configuration === undefined ? [] : [configuration]),
      ...plain,
      ...(socket === undefined ? [] : ['--unixsocket', socket]),
      ...(configuration === undefined ? ['--bind', '127.0.0.1', '--dir', directory, '--save', ''] : []),
      ...(options.program === 'sentinel' ? ['--sentinel'] : []),
      ...words,
    ],
    { stdio: ['ignore', 'pipe', 'pipe'], env: { PATH: process.env.PATH ?? '', ...env, ...preload } },
  );
  let said = '';
  child.stdout.on('data', (chunk) => {
    said = (said + chunk).slice(-4000);
  });
  child.stderr.on('data', (chunk) => {
    said = (said + chunk).slice(-4000);
  });
  const where = socket === undefined ? { host: '127.0.0.1', port } : { path: socket };
  const admin = new Redis({
    ...where,
    ...(options.password === undefined ? {} : { password: options.password }),
    ...(options.tls === undefined ? {} : { tls: options.tls }),
    lazyConnect: true,
    maxRetriesPerRequest: 1000,
    retryStrategy: () => 50,
  });
  admin.on('error', () => {});
  await until(
    async () => {
      if (child.exitCode !== null) throw new Error(`${engine} ended: ${said}`);
      return (
        (await admin.ping().catch((error: Error) => error.message)) !== undefined && admin.status === 'ready'
      );
    },
    () => said,
  );
  const stop = async (signal: NodeJS.Signals) => {
    admin.disconnect();
    await end(child, signal);
    if (child.pid !== undefined) sweepAfter(child.pid);
  };
  return {
    port,
    pid: child.pid!,
    admin,
    signal: (signal) => void child.kill(signal),
    kill: () => stop('SIGKILL'),
    stop: () => stop('SIGKILL'),
  };
}

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise((resolve) => child.once('exit', resolve));
  child.kill(signal);
  await gone;
}
