// greylatch report and tune as an administrator runs them, on 100,000 records that a filter is writing to.
import { execFile, spawnSync } from 'node:child_process';
import { existsSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, test } from 'vitest';
import type { Facts } from '../../src/admin/report/facts.ts';
import type { Tuning } from '../../src/admin/tune/replays.ts';
import { verify } from '../../src/store/pages/verify.ts';
import { greylatch, startFilter } from '../support/filter.ts';
import { suite } from '../support/needs.ts';
import { deferred, shortRequest } from '../support/requests.ts';
import { useScratch } from '../support/scratch.ts';
import { fill, made } from './report/made.ts';

const run = promisify(execFile);
const patience = 180_000;
const DAY = 86_400;

const scratch = useScratch('of all');
const db = path.join(scratch.path, 'greylist.mdb');
const page = path.join(scratch.path, 'report.html');
/** As a filter would have left them, of the last seven days and older. */
const entries = [...made(172_000, Math.floor(Date.now() / 1000))];
const triples = entries.filter((entry) => entry.kind === 'triple');
beforeAll(() => fill(db, entries), patience);

const output = async (command: string, ...words: string[]) => {
  const [program, ...first] = greylatch(command, '--db', db, ...words);
  return (await run(program!, first, { maxBuffer: 1e8 })).stdout;
};

function failure(...words: string[]) {
  const [program, ...first] = greylatch(...words);
  const { status, stdout, stderr } = spawnSync(program!, first, { encoding: 'utf8' });
  return { status, stdout, stderr };
}

/** Triples that `whileFiltering` has had stored. */
let stored = 0;

/** Runs the work while a filter stores new triples one after the other; returns how many. */
async function whileFiltering(work: () => Promise<void>): Promise<number> {
  const session = await startFilter(greylatch('--db', db, '--log', 'none'));
  let written = 0;
  let over = false;
  const writing = (async () => {
    for (; !over; written++) {
      const reply = await session.ask(
        shortRequest('203.0.113.200', `new${written}@example.org`, 'bob@example.net'),
      );
      expect(reply).toBe(deferred);
    }
  })();
  try {
    await work();
  } finally {
    over = true;
    await writing;
    stored += written;
    expect(await session.finish()).toMatchObject({ code: 0, rest: '' });
  }
  return written;
}

describe('report and tune', () => {
  test('tell the facts while a filter writes, and change nothing', { timeout: patience }, async () => {
    expect(entries.length).toBeGreaterThan(100_000);
    const before = statSync(db);
    let facts!: Facts;
    let tuned!: Tuning;
    const written = await whileFiltering(async () => {
      facts = JSON.parse(await output('report', '--since', '9d', '--json'));
      await output('report', '--html', page);
      tuned = JSON.parse(await output('tune', '--json'));
    });
    expect(written).toBeGreaterThan(0);
    const passed = triples.filter((entry) => entry.passed);
    expect(facts.triples.passed).toBe(passed.length);
    expect(facts.triples.seen).toBeGreaterThanOrEqual(triples.length);
    expect(facts.triples.seen).toBeLessThanOrEqual(triples.length + written);
    const { elsewhere, expired, undecided } = facts.triples;
    expect(passed.length + elsewhere + expired + undecided).toBe(facts.triples.seen);
    expect(facts.pools.domains.map(({ name }) => name).sort()).toEqual(
      [0, 1, 2, 3].map((n) => `bigpool${n}.example`),
    );
    expect(tuned.mails).toBe(passed.length);
    const inForce = tuned.outcomes.find(
      ({ delay, clientKey, autoWhitelist }) =>
        delay === 60 && clientKey === 'address' && autoWhitelist === 10,
    );
    expect(inForce?.percentile95?.atLeast).toBe(false);
    expect(readFileSync(page, 'utf8')).toMatch(/^<!DOCTYPE html>[\s\S]*<\/html>\n$/);
    const { uid, gid, mode } = statSync(db);
    expect({ uid, gid, mode }).toEqual({ uid: before.uid, gid: before.gid, mode: before.mode });
    expect(verify(db, () => {})).toMatchObject({ problems: [], lost: 0 });
  });

  test('--since leaves out what was first seen before', { timeout: patience }, async () => {
    const facts = JSON.parse(await output('report', '--since', '1d', '--json')) as Facts;
    const young = triples.filter(({ firstSeen }) => firstSeen >= facts.since).length;
    expect(facts.now - facts.since).toBe(DAY);
    expect(facts.triples.seen).toBeGreaterThanOrEqual(young);
    expect(facts.triples.seen).toBeLessThan(triples.length / 2 + stored);
  });

  test(
    'one line that says what to do, and status 2',
    () => {
      const missing = path.join(scratch.path, 'none.mdb');
      for (const command of ['report', 'tune']) {
        expect(failure(command, '--db', missing)).toEqual({
          status: 2,
          stdout: '',
          stderr: `greylatch: ${missing} does not exist, or is empty; name the database with --db\n`,
        });
        expect(existsSync(missing)).toBe(false);
        expect(failure(command, '--delay', 'soon').stderr).toMatch(
          /^greylatch: --delay soon: not a time; .*\n$/,
        );
      }
      const nowhere = path.join(scratch.path, 'none', 'report.html');
      const { status, stderr } = failure('report', '--db', db, '--html', nowhere);
      expect({ status, stderr }).toEqual({
        status: 2,
        stderr: expect.stringMatching(/^greylatch: cannot write \S+: .*\n$/),
      });
      expect(failure('report', '--db', db, '--html', db).stderr).toBe(
        `greylatch: ${db} is the database itself; name another file\n`,
      );
    },
    patience,
  );

  suite('on a terminal', ['script'], () => {
    const few = path.join(scratch.path, 'few.mdb');
    const onTerminal = (command: string, env: Record<string, string>) => {
      const line = greylatch(command, '--db', few).join(' ');
      const options = { encoding: 'utf8', env: { PATH: process.env.PATH ?? '', ...env } } as const;
      return spawnSync('script', ['-qec', line, '/dev/null'], options).stdout;
    };
    test('colours, unless NO_COLOR says not', async () => {
      fill(few, made(1000, Math.floor(Date.now() / 1000)));
      for (const command of ['report', 'tune']) {
        expect(onTerminal(command, {})).toContain('\x1b[1m');
        // A bar may be drawn and taken away again.
        expect(onTerminal(command, { NO_COLOR: '1' })).not.toMatch(/\x1b\[\d+m/);
        expect(await output(command, '--db', few)).not.toContain('\x1b');
      }
    });
  });
});
