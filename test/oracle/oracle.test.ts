// The oracle: greylist.pl and greylatch get the same requests under the same clock, and every reply must be the same,
// byte for byte. GREYLATCH_ORACLE sets the number of requests, GREYLATCH_SEED the seed.
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { makeClock, sweepAfter } from '../support/clock.ts';
import { greylatch, type Session, startFilter } from '../support/filter.ts';
import { suite } from '../support/needs.ts';
import { makeRandom, type Random } from '../support/random.ts';
import { deferred, dunno } from '../support/requests.ts';
import { testScratch } from '../support/scratch.ts';
import { type GeneratedRequest, makeGenerator } from './generator.ts';
import { originalCommand } from './original.ts';

const count = Number(process.env.GREYLATCH_ORACLE || 20_000);
const seed = Number(process.env.GREYLATCH_SEED || 1);

/** What has been seen of each client, to explain a difference. */
type History = Map<string, string[]>;

suite('oracle', ['greylistPl', 'perl', 'faketime'], () => {
  test(
    `replies as greylist.pl does (${count} requests, seed ${seed})`,
    async () => {
      const scratch = testScratch();
      const started: Session[] = [];
      try {
        const clock = makeClock(scratch.path);
        const log = path.join(scratch.path, 'greylatch.log');
        const commands = [
          originalCommand(scratch.path),
          greylatch(
            ...['--db', path.join(scratch.path, 'greylist.mdb'), '--log', `file:${log}`],
            // greylist.pl forgets nothing, and the clock goes further here than the windows are wide.
            ...['--retry-window', '0', '--max-age', '0'],
          ),
        ];
        const start = async (): Promise<[Session, Session]> => {
          const both = await Promise.all(commands.map((command) => startFilter(command, { env: clock.env })));
          started.push(...both);
          return both as [Session, Session];
        };

        const random = makeRandom(seed);
        const nextBatch = makeGenerator(random);
        const history: History = new Map();
        const coverage = makeCoverage();
        let [original, successor] = await start();
        let left = 300 + random.below(900);
        let done = 0;
        while (done < count) {
          const { move, requests } = nextBatch();
          clock.move(move);
          const bytes = Buffer.concat(requests.map((request) => request.bytes));
          original.send(bytes);
          successor.send(bytes);
          const [expected, actual] = await Promise.all([
            original.replies(requests.length),
            successor.replies(requests.length),
          ]);
          requests.forEach((request, i) => {
            done++;
            const event = {
              number: done,
              now: clock.now(),
              request,
              expected: expected[i]!,
              actual: actual[i]!,
            };
            if (event.actual !== event.expected) throw new Error(explain(event, history, log));
            remember(event, history);
            coverage.add(event);
          });
          left -= requests.length;
          // Now and then both are ended and started again: what counts is what they stored.
          if (left < 0 || done >= count) {
            await endBoth(random, original, successor);
            if (done < count) [original, successor] = await start();
            left = 300 + random.below(900);
          }
        }
        console.log(`oracle, seed ${seed}: ${JSON.stringify(coverage.counts)}`);
        // Generated requests that never meet the interesting cases would prove nothing.
        for (const [kind, seen] of Object.entries(coverage.counts)) {
          expect(seen, kind).toBeGreaterThan(count / 200);
        }
      } finally {
        await Promise.all(started.map((session) => session.finish().catch(() => {})));
        for (const session of started) sweepAfter(session.pid);
      }
    },
    120_000 + count * 10,
  );
});

interface Event {
  number: number;
  now: number;
  request: GeneratedRequest;
  expected: string;
  actual: string;
}

/** One of the ways in which a session ends: both must leave with the same status and without another reply. */
async function endBoth(random: Random, original: Session, successor: Session): Promise<void> {
  const lastWords = random.pick([
    '',
    '',
    '',
    'request=smtpd_access_policy\nsender=half',
    'request=smtpd_access_policy\nsender=whole@example.org\n',
    'request=something_else\nclient_address=10.1.1.1\n\n',
    'client_address=10.1.1.1\nsender=a\n\n',
    'request=smtpd_access_policy\nrequest=\n\n',
    '\n',
  ]);
  original.send(lastWords);
  successor.send(lastWords);
  const [expected, actual] = await Promise.all([original.finish(), successor.finish()]);
  const after = `after ${JSON.stringify(lastWords)}`;
  expect([actual.code, actual.signal], after).toEqual([expected.code, expected.signal]);
  // greylist.pl lets Perl write a warning into the socket when it leaves; greylatch must write nothing.
  expect(expected.rest, after).not.toContain('action=');
  expect(actual.rest, after).toBe('');
}

function remember({ number, now, request, actual }: Event, history: History): void {
  const client = lower(request.client);
  const line = `#${number} at ${now}: ${name(request)} -> ${actual}`;
  history.set(client, [...(history.get(client) ?? []), line].slice(-60));
}

function explain({ number, now, request, expected, actual }: Event, history: History, log: string): string {
  return [
    `seed ${seed}, request ${number} at ${now}: ${name(request)}`,
    `greylist.pl: ${JSON.stringify(expected)}`,
    `greylatch:   ${JSON.stringify(actual)}`,
    `the request: ${JSON.stringify(request.bytes.toString('latin1'))}`,
    'before it, of the same client:',
    ...(history.get(lower(request.client)) ?? []),
    `end of greylatch's log: ${existsSync(log) ? readFileSync(log, 'utf8').slice(-1000) : '(none)'}`,
  ].join('\n');
}

const lower = (text: string) => text.slice(0, 512).replace(/[A-Z]/g, (letter) => letter.toLowerCase());

const name = ({ client, sender, recipient }: GeneratedRequest) =>
  [client, sender, recipient].map((part) => JSON.stringify(part)).join(' ');

/** Counts which cases the requests have met, by a look at the true replies and the age of each triple. */
function makeCoverage() {
  const firstSeen = new Map<string, number>();
  const counts = {
    'new, deferred': 0,
    'new, but the client is whitelisted': 0,
    'early, deferred': 0,
    'exactly 60 s old, deferred': 0,
    'exactly 61 s old, passed': 0,
    'older, passed': 0,
  };
  const add = ({ now, request, expected }: Event) => {
    const key = [request.client, request.sender, request.recipient].map(lower).join('/');
    const age = now - (firstSeen.get(key) ?? now);
    const isNew = !firstSeen.has(key);
    firstSeen.set(key, now - age);
    if (isNew && expected === deferred) counts['new, deferred']++;
    if (isNew && expected === dunno) counts['new, but the client is whitelisted']++;
    if (!isNew && age < 60 && expected === deferred) counts['early, deferred']++;
    if (age === 60 && expected === deferred) counts['exactly 60 s old, deferred']++;
    if (age === 61 && expected === dunno) counts['exactly 61 s old, passed']++;
    if (age > 61 && expected === dunno) counts['older, passed']++;
  };
  return { add, counts };
}
