// MX hosts that share an engine: each has a database, a log and filters of its own.
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { sweepAfter } from '../support/clock.ts';
import { greylatch, type Session, startFilter } from '../support/filter.ts';
import { shortRequest } from '../support/requests.ts';

export interface Host {
  readonly directory: string;
  readonly database: string;
  /** One more filter on it. */
  start(...options: string[]): Promise<Session>;
  /** What its filters have logged so far. */
  log(): string;
}

/** Long enough for a busy machine; what may time out says so itself. */
export const PATIENT = ['--store-timeout', '20s'];

export function makeHosts(scratch: string, url: string, env: () => Record<string, string> = () => ({})) {
  const sessions: Session[] = [];
  /** `within` goes before the commands of its filters, and runs them elsewhere (see network.ts). */
  const make = (name: string, own: string = url, within: string[] = []): Host => {
    const directory = path.join(scratch, name);
    mkdirSync(directory, { mode: 0o700, recursive: true });
    const database = path.join(directory, 'greylist.mdb');
    const log = path.join(directory, 'log');
    return {
      directory,
      database,
      log: () => (existsSync(log) ? readFileSync(log, 'utf8') : ''),
      async start(...options) {
        const session = await startFilter(
          [...within, ...greylatch('--db', database, '--store', own, '--log', `file:${log}`, ...options)],
          { env: env() },
        );
        sessions.push(session);
        return session;
      },
    };
  };
  const close = async () => {
    await Promise.all(sessions.map((session) => session.finish().catch(() => session.kill('SIGKILL'))));
    for (const session of sessions) sweepAfter(session.pid);
  };
  return { make, close };
}

export const request = (n: number, recipient = 'r@example.net') =>
  shortRequest(`10.1.${n >> 8}.${n & 255}`, `s${n}@example.org`, recipient);
