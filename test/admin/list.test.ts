// greylatch list, beside running filters.
import path from 'node:path';
import { expect, test } from 'vitest';
import type { Entry } from '../../src/store/admin/entry.ts';
import { testScratch } from '../support/scratch.ts';
import { clientAt, runProgram, TRIPLES, tripleAt, useLive } from './live.ts';
import { fill, triple as made } from './report/made.ts';

const live = useLive('of all');

const list = async (...words: string[]) => {
  const { status, out, err } = await live.run('list', '--json', ...words);
  expect({ status, err }).toEqual({ status: 0, err: '' });
  return out
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line));
};

test('filters: addresses, domains, patterns, networks, and text anywhere', async () => {
  const triple = tripleAt(12_340, live.now);
  expect(await list('--sender', triple.sender)).toEqual([triple]);
  expect(await list('--sender', 'S12340@D')).toEqual([triple]);
  expect(await list('--client', triple.client)).toEqual([triple]);
  const network = await list('--client', '10.0.48.0/24', '--limit', '0', '--retry-window', '20d');
  expect(network).toHaveLength(256);
  expect(new Set(network.map(({ client }) => client.replace(/\d+$/, '')))).toEqual(new Set(['10.0.48.']));
  const both = await list('--sender', '@d1.example.org', '--recipient', 'r7@*', '--limit', '0');
  const expected = Array.from({ length: TRIPLES }, (_, i) => i).filter(
    (i) => i % 7 === 1 && i % 331 === 7 && i % 10 !== 9,
  );
  expect(both.map(({ sender }) => sender).sort()).toEqual(expected.map((i) => `s${i}@d1.example.org`).sort());
});

test('states, sorting, and a limit', async () => {
  const waiting = await list(
    ...['--state', 'waiting', '--sort', 'wait', '--limit', '7', '--sender', '@d1.example.org'],
  );
  expect(waiting.map(({ passed }) => passed)).toEqual(Array(7).fill(false));
  expect(waiting.map(({ firstSeen }) => firstSeen)).toEqual(
    waiting.map(({ firstSeen }) => firstSeen).sort((a, b) => a - b),
  );
  expect(waiting[0].firstSeen).toBe(live.now - 3600 - 995);
  expect(await list('--state', 'passed', '--limit', '0')).toHaveLength(6000);
  const clients = await list('--state', 'whitelisted', '--limit', '0');
  expect(clients).toHaveLength(50);
  expect(clients).toContainEqual(clientAt(8, live.now));
  const { out } = await live.run('list', '--state', 'passed', '--limit', '2');
  expect(out).toMatch(
    /^state +waited +deferred +first +last +client +sender +recipient\n(passed +5 min .*\n){2}2 of 6,000 triples \(--limit\)\n$/,
  );
});

test('when a client was last seen is a day in UTC, wherever one looks at it', async () => {
  const words = ['list', '--state', 'whitelisted', '--limit', '1', '--db', live.db];
  for (const TZ of ['America/Los_Angeles', 'Asia/Tokyo']) {
    const { out } = await runProgram(words, '', { TZ });
    const { lastSeen } = clientAt(0, live.now);
    const today = new Date(lastSeen * 1000).toISOString().slice(0, 10);
    expect(out).toMatch(new RegExp(`\\n10\\.[\\d.]+ +20 +${today} +(today|yesterday)\\n`));
  }
});

test('bytes that are no ASCII are shown as what they are, and come back in JSON', async () => {
  await live.ask('192.0.2.9', 'j\xc3\xb6rg\x1b[31m@example.org', 'r@example.net');
  const { out } = await live.run('list', '--client', '192.0.2.9');
  expect(out).toContain('j\\xc3\\x83\\xc2\\xb6rg\\x1b[31m@example.org');
  expect(out).not.toMatch(/[^\n\x20-\x7e]/);
  const [found] = await list('--client', '192.0.2.9');
  expect(Buffer.from(found.sender, 'latin1').toString()).toBe('j\xc3\xb6rg\x1b[31m@example.org');
  expect(await list('--sender', 'j\xc3\xb6rg')).toHaveLength(1);
  // What is shown can be given to forget, release and why.
  expect(await list('--sender', 'j\\xc3\\x83\\xc2\\xb6rg\\x1b[31m@example.org')).toEqual([found]);
  await live.stop();
});

test('what was seen before the clock was set back is listed, as status counts it', async () => {
  const scratch = testScratch();
  const db = path.join(scratch.path, 'g.mdb');
  const soon = Math.floor(Date.now() / 1000) + 7200;
  const who = { sender: 'a@example.org', recipient: 'b@example.net' };
  const passed = { passed: true, lastPassed: soon };
  fill(db, [
    made({ ...who, client: '192.0.2.1', firstSeen: soon }),
    made({ ...who, client: '192.0.2.2', firstSeen: soon, ...passed }),
  ]);
  const run = async (...words: string[]) => (await runProgram([...words, '--db', db])).out;
  expect(JSON.parse(await run('status', '--json')).triples).toEqual({ waiting: 1, passed: 1, expired: 0 });
  const out = await run('list', '--sort', 'first');
  expect(out).toMatch(/^waiting +0 s .* in [12] h .* 192\.0\.2\.1 /m);
  expect(out).toMatch(/\n2 triples\n$/);
  const without = await run('list', '--state', 'passed'); // passed, it is not known when
  expect(without).toMatch(/^passed +- .*\n1 triple\n$/m);
  const words = Object.entries({ ...who, client: '192.0.2.1' }).flatMap(([name, text]) => [
    `--${name}`,
    text,
  ]);
  expect(await run('why', ...words)).toMatch(/^record .*; the clock was set back, so that it starts anew$/m);
});

test('what is most comes first, by each of the orders, and the limit is of these', async () => {
  const scratch = testScratch();
  const db = path.join(scratch.path, 'g.mdb');
  const now = Math.floor(Date.now() / 1000);
  const client = (name: string, comeBacks: number, age: number): Entry => ({
    kind: 'client',
    client: name,
    comeBacks,
    lastSeen: now - age,
  });
  fill(db, [
    made({ sender: 'a', firstSeen: now - 9000, offsets: [100] }),
    made({ sender: 'b', firstSeen: now - 8000, offsets: [7000] }),
    made({ sender: 'c', firstSeen: now - 100_000, wait: 20_000, lastPassed: now - 6400 }),
    made({ sender: 'd', firstSeen: now - 300_000 }), // has expired
    client('192.0.2.1', 11, 86_400),
    client('192.0.2.2', 10, 86_400),
    client('192.0.2.3', 30, 5 * 86_400),
    client('192.0.2.4', 40, 50 * 86_400), // has expired
  ]);
  const list = async (...words: string[]) => {
    const lines = (await runProgram(['list', '--db', db, '--json', ...words])).out.split('\n');
    const found = lines.filter(Boolean).map((line) => JSON.parse(line));
    return found.map((one) => one.sender ?? one.client.slice(-1)).join('');
  };
  expect(await list()).toBe('bca');
  expect(await list('--sort', 'first')).toBe('bac');
  expect(await list('--sort', 'wait')).toBe('cab');
  expect(await list('--sort', 'wait', '--limit', '2')).toBe('ca');
  expect(await list('--state', 'waiting', '--retry-window', '0')).toBe('bad');
  expect(await list('--state', 'whitelisted')).toBe('13');
  expect(await list('--state', 'whitelisted', '--sort', 'wait')).toBe('31');
  expect(await list('--state', 'whitelisted', '--max-age', '0', '--auto-whitelist', '9')).toBe('1234');
  expect(await list('--state', 'whitelisted', '--auto-whitelist', '0')).toBe('');
});
