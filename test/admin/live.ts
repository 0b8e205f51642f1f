// A database of many triples with filters that write to it all the time, and the built program run beside them as
// a user would.
import { spawn } from 'node:child_process';
import { cpSync, existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, expect } from 'vitest';
import type { Change, Name } from '../../src/store/admin/change.ts';
import { openEditor } from '../../src/store/admin/edit.ts';
import type { ClientEntry, TripleEntry } from '../../src/store/admin/entry.ts';
import { verify } from '../../src/store/pages/verify.ts';
import { greylatch, type Session, startFilter } from '../support/filter.ts';
import { deferred, dunno, shortRequest } from '../support/requests.ts';
import { makeScratch } from '../support/scratch.ts';

/** Enough for a command to be at work for a while; where there have to be more, the test says so. */
export const TRIPLES = 20_000;
const HOUR = 3600;
const DAY = 24 * HOUR;

/** As many requests have been answered at least, when it is over. */
const LEAST = 20;

export interface Run {
  status: number | null;
  out: string;
  err: string;
}

/** Of ten triples six wait, three have passed, and one waited too long. */
export function tripleAt(i: number, now: number): TripleEntry {
  const passed = i % 10 >= 6 && i % 10 < 9;
  return {
    kind: 'triple',
    client: `10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`,
    sender: `s${i}@d${i % 7}.example.org`,
    recipient: `r${i % 331}@example.net`,
    firstSeen: i % 10 === 9 ? now - 10 * DAY : now - HOUR - (i % 1000),
    passed,
    lastPassed: passed ? now - HOUR - (i % 1000) : 0,
    wait: passed ? 300 : 0,
    deferrals: 1,
    offsets: [],
  };
}

/** Every hundredth triple's client has come-backs; of four of them one is whitelisted. */
export function clientAt(i: number, now: number): ClientEntry {
  const { client } = tripleAt(i * 100 + 6, now);
  return { kind: 'client', client, comeBacks: i % 4 === 0 ? 20 : 3, lastSeen: now - (now % DAY) };
}

export interface Template {
  directory: string;
  /** Seconds since the epoch, when it was made. */
  now: number;
  remove(): void;
}

export function makeTemplate(triples = TRIPLES): Template {
  const scratch = makeScratch();
  const now = Math.floor(Date.now() / 1000);
  const editor = openEditor(path.join(scratch.path, 'greylist.mdb'));
  function* all(): Generator<{ name: Name; change: Change }> {
    for (let i = 0; i < triples; i++) {
      const triple = tripleAt(i, now);
      yield { name: triple, change: () => triple };
    }
    for (let i = 0; i < triples / 100; i++) {
      const client = clientAt(i, now);
      yield { name: { client: client.client }, change: () => client };
    }
  }
  editor.change(all());
  editor.close();
  return { directory: scratch.path, now, remove: scratch.remove };
}

export interface Live {
  directory: string;
  db: string;
  /** Seconds since the epoch, by which the times of its triples go. */
  now: number;
  /** Runs greylatch with these words, and `--db` of this database unless `bare`. */
  run(...words: string[]): Promise<Run>;
  /** Asks one of the filters. */
  ask(client: string, sender: string, recipient: string): Promise<string>;
  /** How many requests the filters have answered so far. */
  answered(): number;
  /** Waits until the filters have answered so many more. */
  more(count: number): Promise<void>;
  /**
   * Ends the filters, which must have answered all and complained of nothing, and judges the file. What they were
   * asked must be remembered, unless `forgotten`.
   */
  stop(forgotten?: 'forgotten'): Promise<void>;
  remove(): Promise<void>;
}

/** A copy of the template under two filters that meet new triples without end. */
export async function goLive(template: Template, ...options: string[]): Promise<Live> {
  const scratch = makeScratch();
  cpSync(template.directory, scratch.path, { recursive: true });
  const db = path.join(scratch.path, 'greylist.mdb');
  const log = path.join(scratch.path, 'log');
  // With this window the filters do not forget what the commands take for expired.
  const command = greylatch('--db', db, '--log', `file:${log}`, '--retry-window', '20d', ...options);
  const filters: Session[] = [];
  let over = false;
  let answered = 0;
  const requests: string[] = [];

  async function write(filter: Session, number: number): Promise<void> {
    for (let i = 0; !over; i++) {
      const request = shortRequest(
        `172.16.${number}.${i % 251}`,
        `live${i}@example.org`,
        `r@f${number}.example.net`,
      );
      requests.push(request);
      expect(await filter.ask(request)).toBe(deferred);
      answered++;
      await sleep(2);
    }
  }

  async function more(count: number): Promise<void> {
    const wanted = answered + count;
    while (answered < wanted && !over) await Promise.race([sleep(5), writing]);
  }

  for (let i = 0; i < 2; i++) filters.push(await startFilter(command));
  const asked = await startFilter(command);
  const writing = Promise.all(filters.map(write));
  writing.catch(() => {}); // is awaited in stop()
  return {
    directory: scratch.path,
    db,
    now: template.now,
    run: (...words) => runProgram([...words, '--db', db]),
    ask: (client, sender, recipient) => asked.ask(shortRequest(client, sender, recipient)),
    answered: () => answered,
    more,
    async stop(forgotten) {
      await more(Math.max(0, LEAST - answered));
      over = true;
      await writing;
      const endings = await Promise.all([...filters, asked].map((filter) => filter.finish()));
      expect(existsSync(log) ? readFileSync(log, 'utf8') : '').toBe('');
      for (const ending of endings) expect(ending).toMatchObject({ code: 0, signal: null, rest: '' });
      expect(verify(db, () => {})?.problems).toEqual([]);
      if (forgotten === undefined) await expectKnown(db, requests);
    },
    async remove() {
      over = true;
      await Promise.all([...filters, asked].map((filter) => filter.hangUp().catch(() => {})));
      scratch.remove();
    },
  };
}

/**
 * The live database of a file's tests: one for all of them, or a fresh copy for each. Its members are there when a test
 * runs, and it is removed in the end.
 */
export function useLive(whose: 'of all' | 'of each', ...options: string[]): Live {
  const live = {} as Live;
  let template: Template;
  beforeAll(() => {
    template = makeTemplate();
  });
  afterAll(() => template.remove());
  const start = async () => void Object.assign(live, await goLive(template, ...options));
  const end = () => live.remove();
  if (whose === 'of all') {
    beforeAll(start);
    afterAll(end);
  } else {
    beforeEach(start);
    afterEach(end);
  }
  return live;
}

async function expectKnown(db: string, requests: string[]): Promise<void> {
  const filter = await startFilter(greylatch('--db', db, '--delay', '0', '--log', 'none'));
  while ((await filter.ask(requests.at(-1)!)) !== dunno) await sleep(50); // it has to be a second old
  filter.send(requests.join(''));
  const replies = await filter.replies(requests.length);
  expect(replies.filter((reply) => reply !== dunno)).toEqual([]);
  await filter.finish();
}

/** Runs the built program; `input` goes to its standard input. */
export function runProgram(words: string[], input: string | Buffer = '', env = {}): Promise<Run> {
  const [node, ...script] = greylatch(...words);
  const child = spawn(node!, script, { env: { PATH: process.env.PATH, TZ: 'UTC', ...env } });
  let out = '';
  let err = '';
  child.stdout.setEncoding('latin1').on('data', (text) => {
    out += text;
  });
  child.stderr.setEncoding('latin1').on('data', (text) => {
    err += text;
  });
  child.stdin.on('error', () => {});
  child.stdin.end(input);
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (status) => resolve({ status, out, err }));
  });
}
