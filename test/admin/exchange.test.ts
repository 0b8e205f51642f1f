// greylatch export, import and learn as a user runs them, beside running filters.
import { statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { dunno } from '../support/requests.ts';
import { clientAt, goLive, type Live, makeTemplate, runProgram, type Template, tripleAt } from './live.ts';

let template: Template;
let live: Live;
let other: Live;
beforeAll(async () => {
  template = makeTemplate(100_000);
  live = await goLive(template);
  other = await goLive(template);
});
afterAll(async () => {
  await live.remove();
  await other.remove();
  template.remove();
});

const whitelisted = async ({ run }: Live, client: string) =>
  JSON.parse((await run('list', '--state', 'whitelisted', '--client', client, '--json')).out || '{}')
    .comeBacks;

test('two hosts send each other what they have, twice, and agree', async () => {
  await live.ask('192.0.2.50', 'only@one.example', 'r@example.net');
  const exchange = async (from: Live, to: Live, format: string) => {
    const { status, out, err } = await from.run('export', '--format', format);
    expect({ status, err }).toEqual({ status: 0, err: '' });
    const merged = await runProgram(['import', '--db', to.db, '--json', '-'], Buffer.from(out, 'latin1'));
    expect(merged).toMatchObject({ status: 0, err: '' });
    return JSON.parse(merged.out);
  };
  const first = await exchange(live, other, 'json');
  expect(first).toMatchObject({ format: 'json', problems: [] });
  expect(first.triples).toBeGreaterThanOrEqual(100_000);
  await exchange(other, live, 'csv');
  const again = await exchange(live, other, 'csv');
  // What its filters have met since, and nothing else.
  expect(again.created + again.changed).toBeLessThan(again.unchanged / 10);
  const { client } = clientAt(4, template.now);
  expect([await whitelisted(live, client), await whitelisted(other, client)]).toEqual([40, 40]);
  const { out } = await other.run('list', '--client', '192.0.2.50', '--json');
  expect(JSON.parse(out)).toMatchObject({ sender: 'only@one.example', passed: false });
});

test('networks of postgrey are what --client-key subnet looks up', async () => {
  const sample = path.resolve('test/data/import/postgrey.dump');
  const { status, out } = await live.run('import', sample);
  expect(status).toBe(0);
  expect(out).toContain('postgrey.dump (db_dump): ');
  // Of the sample: the network's mail came back after 400 seconds.
  const why = await live.run(
    ...['why', '--client-key', 'subnet', '--client', '192.0.2.77', '--json'],
    ...['--sender', 'ann.sender@example.org', '--recipient', 'bob@example.net'],
    ...['--max-age', '0', '--retry-window', '0'],
  );
  expect(JSON.parse(why.out)).toMatchObject({
    triple: { client: '192.0.2.0/24' },
    record: { firstSeen: 1_764_000_000, passed: true, expired: false },
    verdict: 'old enough',
  });
});

test('under the options of filters, greylist.pl is found: subnets, and with --privacy hashes', async () => {
  const sample = path.resolve('test/data/import/greylist.dump');
  for (const more of [[], ['--privacy']]) {
    const keys = ['--client-key', 'pool', '--sender-key', 'normalised', ...more];
    const { status, out, err } = await live.run('import', ...keys, sample);
    expect({ status, err }).toEqual({ status: 0, err: '' });
    expect(out).toContain('8 triples and 4 clients');
    const why = await live.run(
      ...['why', ...keys, '--client', '198.51.100.77', '--json', '--max-age', '0', '--retry-window', '0'],
      ...['--sender', 'bounce-777-bob=example.net@lists.example.com', '--recipient', 'bob@example.net'],
    );
    expect(JSON.parse(why.out)).toMatchObject({ verdict: 'old enough', record: { passed: true } });
  }
});

test('export --since leaves out what was not seen of late', async () => {
  const { out } = await live.run('export', '--since', '30m');
  const senders = out
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line).sender ?? '');
  expect(senders).toContain('only@one.example');
  expect(senders).not.toContain(tripleAt(9, template.now).sender);
});

test('learn: whoever has delivered before is let in at once', async () => {
  const log = path.resolve('test/data/mail.log');
  const dry = await live.run('learn', '--dry-run', '--max-age', '0', log);
  expect(dry).toMatchObject({ status: 0, err: '' });
  const client = /^ +\d+ +\S+ \S+ +(\S+) /m.exec(dry.out)![1]!;
  expect(await whitelisted(live, client)).toBeUndefined();
  const now = new Date();
  const dated = path.join(live.directory, 'mail.log');
  const stamp = now.toISOString().slice(0, 19);
  writeFileSync(
    dated,
    [
      `${stamp}Z mx postfix/smtpd[1]: 4F0ABCDEF1: client=mail.example.org[198.51.100.99]`,
      `${stamp}Z mx postfix/smtp[2]: 4F0ABCDEF1: to=<b@example.net>, relay=x[10.0.0.1]:25, delay=1, dsn=2.0.0, status=sent (250 ok)`,
      `${stamp}Z mx postfix/qmgr[3]: 4F0ABCDEF1: removed\n`,
    ].join('\n'),
  );
  const learned = await live.run('learn', dated, '--json');
  expect(learned).toMatchObject({ status: 0, err: '' });
  expect(JSON.parse(learned.out)).toMatchObject({ client: '198.51.100.99', messages: 1 });
  expect(await live.ask('198.51.100.99', 'new@example.org', 'b@example.net')).toBe(dunno);
  expect((await live.run('learn', dated)).status).toBe(0);
  expect(await whitelisted(live, '198.51.100.99')).toBe(11);
  const why = async (...words: string[]) => {
    const who = ['--client', '198.51.100.98', '--name', 'mx2.example.org'];
    const mail = ['--sender', 'new@example.org', '--recipient', 'b@example.net'];
    return JSON.parse((await live.run('why', '--json', ...who, ...mail, ...words)).out).verdict;
  };
  for (const options of [
    ['--client-key', 'subnet'],
    ['--client-key', 'pool'],
    ['--client-key', 'pool', '--privacy'],
  ]) {
    expect((await live.run('learn', dated, ...options)).status).toBe(0);
    expect(await why(...options)).toBe('auto-whitelisted');
  }
});

test('what cannot be read is one line, and nothing is made', async () => {
  const none = path.join(live.directory, 'none.mdb');
  for (const words of [
    ['export', '--db', none],
    ['import', '--db', live.db, '/nonexistent'],
    ['learn', '--db', live.db, '/nonexistent'],
  ]) {
    const { status, out, err } = await runProgram(words);
    expect({ words, status, out }).toEqual({ words, status: 2, out: '' });
    expect(err).toMatch(/^greylatch: .+\n$/);
  }
  expect(statSync(none, { throwIfNoEntry: false })).toBeUndefined();
  await live.stop();
  await other.stop();
});
