// Fifty filters at once on one database, under one clock that the test moves.
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect } from 'vitest';
import { type Clock, makeClock, sweepAfter } from '../support/clock.ts';
import { greylatch, type Session, startFilter } from '../support/filter.ts';
import { makeScratch } from '../support/scratch.ts';

export const crowdSize = 50;

export interface Crowd {
  clock: Clock;
  members: Session[];
  /** One more filter on the same database. */
  join(): Promise<Session>;
  /** Sends all requests to a member in one chunk, waits for all replies. */
  ask(member: Session, requests: string[]): Promise<string[]>;
  /** Ends every member that still runs; none may have lost a reply, said too much or complained. */
  leave(): Promise<void>;
}

/** Runs the body with fifty filters, and takes everything away again whatever happens. */
export async function withCrowd(options: string[], body: (crowd: Crowd) => Promise<void>): Promise<void> {
  const scratch = makeScratch();
  const clock = makeClock(scratch.path);
  const database = path.join(scratch.path, 'greylist.mdb');
  const log = path.join(scratch.path, 'log');
  const all: Session[] = [];
  const asked = new Map<Session, number>();
  const join = async () => {
    const command = greylatch('--db', database, '--log', `file:${log}`, ...options);
    const session = await startFilter(command, { env: clock.env });
    all.push(session);
    asked.set(session, 0);
    return session;
  };
  const ask = async (member: Session, requests: string[]) => {
    asked.set(member, asked.get(member)! + requests.length);
    member.send(requests.join(''));
    return member.replies(requests.length);
  };
  const complaints = () => (existsSync(log) ? readFileSync(log, 'utf8') : '');
  const leave = async () => {
    for (const member of all) {
      const { code, signal, rest } = await member.finish();
      // A member that the test has killed is not expected to have answered everything.
      if (signal === 'SIGKILL') continue;
      expect({ code, signal, rest }).toEqual({ code: 0, signal: null, rest: '' });
      expect(member.everything().split('\n\n').length - 1).toBe(asked.get(member));
    }
    expect(complaints()).toBe('');
  };
  try {
    const members = await Promise.all(Array.from({ length: crowdSize }, join));
    await body({ clock, members, join, ask, leave });
  } catch (error) {
    if (error instanceof Error) error.message += `\nlog of the filters:\n${complaints().slice(0, 3000)}`;
    throw error;
  } finally {
    await Promise.all(all.map((session) => session.hangUp().catch(() => {})));
    for (const session of all) sweepAfter(session.pid);
    scratch.remove();
  }
}
