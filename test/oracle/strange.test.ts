// What oracle.test.ts leaves out, because greylatch differs there on purpose: greylist.pl is amended by what the README lists
// under "Differences from greylist.pl", and then every reply must be the same again. A difference is a fault, or is missing
// in that list. GREYLATCH_STRANGE sets the number of requests, GREYLATCH_SEED the seed.
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { makeClock, sweepAfter } from '../support/clock.ts';
import { greylatch, type Session, startFilter } from '../support/filter.ts';
import { suite } from '../support/needs.ts';
import { makeRandom, type Random } from '../support/random.ts';
import { deferred } from '../support/requests.ts';
import { testScratch } from '../support/scratch.ts';
import { originalCommand } from './original.ts';

const count = Number(process.env.GREYLATCH_STRANGE || 4000);
const seed = Number(process.env.GREYLATCH_SEED || 1);

/** Each difference of the README as a change of greylist.pl's text. */
const AMENDMENTS: [RegExp, string][] = [
  [
    /^ {4}open_database\(\) unless \$database_obj;$/m,
    `open_database() unless $database_obj;
     return "dunno" if $attr{sasl_username} ne "";
     return "dunno" if $attr{protocol_state} =~ /\\A(CONNECT|HELO|EHLO|XCLIENT|VRFY|ETRN)\\z/;`,
  ],
  [/if \(\$time_stamp == 0\)/, 'if ($time_stamp == 0 || $time_stamp > $now)'],
  [
    /lc \$attr\{"client_address"\}.*$/m,
    'join "", map { length($_ // "") . ":" . lc } @attr{"client_address", "sender", "recipient"};',
  ],
  [/read_database\(\$attr\{"client_address"\}\)/, 'read_database("client " . $attr{"client_address"})'],
  [/update_database\(\$attr\{"client_address"\}/, 'update_database("client " . $attr{"client_address"}'],
  [/if \(\/\(\[\^=\]\+\)=/, 's/\\r\\n\\z/\\n/; if (/\\A([^=]+)='],
];

suite('oracle of what is strange', ['greylistPl', 'perl', 'faketime'], () => {
  test(
    `replies as greylist.pl with the listed differences (${count} requests, seed ${seed})`,
    async () => {
      const scratch = testScratch();
      const started: Session[] = [];
      try {
        const clock = makeClock(scratch.path);
        const place = ['--db', path.join(scratch.path, 'greylist.mdb')];
        const lives = ['--retry-window', '0', '--max-age', '0'];
        const commands = [amendedCommand(scratch.path), greylatch(...place, ...lives, '--log', 'none')];
        const [node, ...purge] = greylatch('purge', ...place, ...lives);
        const random = makeRandom(seed);
        let values = makeValues(random);
        const seen = { deferred: 0, passed: 0, back: 0, cut: 0 };
        let sessions: Session[] = [];
        for (let done = 0, left = 0; done < count; ) {
          if (left <= 0) {
            await Promise.all(sessions.map((session) => session.finish()));
            if (done > 0 && random.chance(0.5)) {
              // What is queued counts as now when it is stored, which depends on the real time: so it is stored before.
              execFileSync(node!, purge, { env: { ...process.env, ...clock.env } });
              clock.move(-random.pick([1, 30, 60, 61, 62, 3600, 90_000]));
              seen.back++;
            }
            sessions = await Promise.all(commands.map((each) => startFilter(each, { env: clock.env })));
            started.push(...sessions);
            values = makeValues(random); // or all clients would soon be on the auto-whitelist
            left = 20 + random.below(300);
          }
          clock.move(random.pick(MOVES));
          const requests = Array.from({ length: 1 + random.below(30) }, () => writeRequest(random, values));
          const bytes = Buffer.from(requests.join(''), 'latin1');
          const pieces = random.chance(0.4) ? cut(random, bytes) : [bytes];
          if (pieces.length > 1) seen.cut++;
          for (const piece of pieces) {
            for (const session of sessions) session.send(piece);
            await new Promise<void>((resolve) => setImmediate(resolve)); // or the kernel would put them together
          }
          const [expected, actual] = await Promise.all(
            sessions.map((session) => session.replies(requests.length)),
          );
          requests.forEach((request, i) => {
            const about = `seed ${seed}, request ${done + i} at ${clock.now()}: ${JSON.stringify(request)}`;
            expect(actual![i], about).toBe(expected![i]);
            seen[actual![i] === deferred ? 'deferred' : 'passed']++;
          });
          done += requests.length;
          left -= requests.length;
        }
        for (const [kind, times] of Object.entries(seen))
          expect(times, kind).toBeGreaterThan(count / (kind === 'back' || kind === 'cut' ? 2000 : 5));
      } finally {
        await Promise.all(started.map((session) => session.finish().catch(() => {})));
        for (const session of started) sweepAfter(session.pid);
      }
    },
    120_000 + count * 20,
  );
});

function amendedCommand(directory: string): string[] {
  const command = originalCommand(directory);
  const script = command.at(-1)!;
  let text = readFileSync(script, 'latin1');
  for (const [from, to] of AMENDMENTS) {
    if (!from.test(text)) throw new Error(`greylist.pl has no ${from}`);
    text = text.replace(from, () => to);
  }
  writeFileSync(script, text, 'latin1');
  return command;
}

const MOVES = [0, 0, 1, 1, 30, 59, 60, 60, 61, 61, 61, 62, 120, 3600, 86_400];
const STATES = ['CONNECT', 'HELO', 'EHLO', 'MAIL', 'RCPT', 'RCPT', 'RCPT', 'DATA', 'END-OF-MESSAGE'].concat([
  'VRFY',
  'ETRN',
  'XCLIENT',
  '',
  'rcpt',
  'BDAT',
  'VRFY ',
  'ETRN\0',
]);

interface Values {
  client_address: string[];
  sender: string[];
  recipient: string[];
}

/** Few of each, so that triples come back; among them some that differ only where a careless reader sees no difference. */
function makeValues(random: Random): Values {
  const odd = [
    '',
    '/',
    'a/b',
    'a/',
    '/b',
    'a//b',
    '\0',
    'a\0',
    'a\0b',
    '\r',
    'a\r',
    'a\rb',
    '=',
    '=a',
    'a=b',
  ].concat(
    ['\xff', '\xe4', '\xc4', '\xc3\xa4', '\xc3\x84', '\xdf', '\x7f', ' a', 'a ', 'A', 'a', '\t', '0', '1:a'],
    ['request=smtpd_access_policy', 'x'.repeat(511), 'x'.repeat(512), 'x'.repeat(513), 'y'.repeat(60_000)],
  );
  const some = () => Array.from({ length: 8 }, () => random.pick(odd));
  const subnet = `${random.below(256)}.${random.below(256)}`;
  return {
    client_address: [
      `10.${subnet}.1`,
      `10.${subnet}.1/x`,
      `2001:DB8::${subnet}.1`,
      `2001:db8::${subnet}.1`,
      ...some(),
    ],
    sender: ['x@example.com', 'X@example.com', 'x/x@example.com', ...some()],
    recipient: ['example.com', 'x@example.com', 'x@example.org', ...some()],
  };
}

/** A request as bytes, one character each. */
function writeRequest(random: Random, values: Values): string {
  const line = (name: string, value: string) => `${name}=${value}`;
  const names = ['client_address', 'sender', 'recipient'] as const;
  const lines = names.filter(() => random.chance(0.95)).map((name) => line(name, random.pick(values[name])));
  if (random.chance(0.5)) lines.push(line('protocol_state', random.pick(STATES)));
  if (random.chance(0.1)) lines.push(line('sasl_username', random.pick(['', 'ann', '\0', ' ', '0'])));
  if (random.chance(0.2)) {
    const name = random.pick([...names, 'protocol_state', 'sasl_username']);
    lines.push(line(name, random.pick(['', 'a', 'RCPT', '192.0.2.1', 'x@example.com'])));
  }
  if (random.chance(0.2)) lines.push(random.pick(GARBAGE));
  random.shuffle(lines);
  lines.splice(random.below(lines.length + 1), 0, 'request=smtpd_access_policy');
  if (random.chance(0.05)) lines.unshift(random.pick(['request=', 'request=other', 'request']));
  const end = random.chance(0.3) ? '\r\n' : '\n';
  return `${lines.join(end)}${end}${random.chance(0.2) ? '\r\n' : '\n'}`;
}

const GARBAGE = [
  ...[
    '=',
    '==',
    '=a',
    '=sender=b',
    '==sender=b',
    '=sasl_username=x',
    'sender',
    'sender ',
    '\0',
    '\r\r',
    ' ',
    '\xff',
  ],
  ...[
    'sender =b',
    ' sender=b',
    'SENDER=b',
    'sender\0=b',
    '\0sender=b',
    'client_address\r=b',
    'sender==',
    '\rsender=b',
  ],
  ...['__proto__=x', 'instance=\0', 'sender\r', 'g'.repeat(60_000), `${'n'.repeat(600)}=b`],
];

function cut(random: Random, bytes: Buffer): Buffer[] {
  const most = random.pick([1, 7, 100, 5000]);
  const pieces: Buffer[] = [];
  for (let from = 0; from < bytes.length; ) {
    // Single bytes for a while only: a value of 60,000 would take as many turns.
    const length = pieces.length < 300 ? 1 + random.below(most) : bytes.length - from;
    pieces.push(bytes.subarray(from, from + length));
    from += length;
  }
  return pieces;
}
