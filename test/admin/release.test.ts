// greylatch release and forget, beside running filters.
import { expect, test } from 'vitest';
import { scan } from '../../src/store/admin/scan.ts';
import { startPiped } from '../support/filter.ts';
import { deferred, dunno } from '../support/requests.ts';
import { clientAt, tripleAt, useLive } from './live.ts';

const live = useLive('of all', '--delay', '12h');

const seconds = () => Math.floor(Date.now() / 1000);
const ask = (i: number, changes = {}) => {
  const { client, sender, recipient } = { ...tripleAt(i, live.now), ...changes };
  return live.ask(client, sender, recipient);
};

test('what waits passes at its next attempt, what matches is let in, all else waits', async () => {
  const { client, sender, recipient } = tripleAt(20, live.now);
  expect(await ask(20)).toBe(deferred);
  const before = seconds();
  const released = await live.run('release', '--sender', sender, '--recipient', recipient, '--json');
  expect(released).toMatchObject({ status: 0, err: '' });
  const { records, until } = JSON.parse(released.out);
  expect(records).toBe(1);
  expect(until).toBeGreaterThanOrEqual(before + 3600); // --for 1h
  expect(until).toBeLessThanOrEqual(seconds() + 3600);
  expect(await ask(20)).toBe(dunno);
  expect(await ask(21)).toBe(deferred);
  expect(await ask(20, { client: '192.0.2.1' })).toBe(dunno); // never seen before
  expect(await ask(20, { recipient: 'other@example.net' })).toBe(deferred);
  const listed = await live.run('list', '--state', 'released', '--json');
  expect(JSON.parse(listed.out)).toEqual({ sender, recipient, until: JSON.parse(released.out).until });
  await expectReleases(1, '--client', '192.0.2.9', '--recipient', recipient.slice(0, 5));
  await expectReleases(0, '--sender', '@elsewhere.example.org');
  const why = await live.run(
    ...['why', '--delay', '12h', '--client', '192.0.2.2', '--sender', sender, '--recipient', recipient],
  );
  expect(why.out).toMatch(
    /^release +passes until .*: --sender s20@d6\.example\.org --recipient r20@example\.net\nanswer +dunno$/m,
  );

  // Taken back, what was not seen yet waits; what has passed is deleted, and waits as well.
  const forgotten = await live.run(
    ...['forget', '--sender', '@d6.example.org', '--recipient', recipient, '--yes', '--json'],
  );
  expect(JSON.parse(forgotten.out).releases).toBe(1);
  expect(await ask(20)).toBe(deferred);
  expect(await ask(20, { client: '192.0.2.3' })).toBe(deferred);
  const left = [...scan(live.db)!.entries].filter(
    (entry) => entry.client === client && entry.kind === 'triple' && entry.recipient === recipient,
  );
  expect(left).toMatchObject([{ passed: false, deferrals: 1 }]);
});

test('releases are listed by what they may let pass, and taken back with what * stands for', async () => {
  for (const words of [
    ['--client', '198.51.100.0/24'],
    ['--sender', '@shop.example.com', '--recipient', 'ann@example.net'],
    ['--sender', '*@bank.example.com'],
  ])
    expect(await live.run('release', ...words)).toMatchObject({ status: 0 });
  await expectReleases(2, '--client', '203.0.113.7'); // those that name no client
  const { out } = await live.run('list', '--state', 'released', '--limit', '2');
  expect(out).toMatch(/\n2 of 3 releases \(--limit\)\n$/);
  const nowhere = ['--client', '*', '--sender', '@none.example.org', '--yes', '--json'];
  expect(JSON.parse((await live.run('forget', ...nowhere)).out)).toEqual({ records: 0, releases: 0 });
  const wide = ['--client', '*', '--recipient', 'ann@*', '--sender', '*', '--yes', '--json'];
  expect(JSON.parse((await live.run('forget', ...wide)).out).releases).toBe(1);
  await expectReleases(2);
});

async function expectReleases(count: number, ...words: string[]): Promise<void> {
  const { status, out, err } = await live.run('list', '--state', 'released', '--json', ...words);
  expect({ words, status, err, count: out.split('\n').length - 1 }).toEqual({
    words,
    status: 0,
    err: '',
    count,
  });
}

test('a release ends', async () => {
  const before = seconds();
  const long = await live.run('release', '--client', '192.0.2.99', '--for', '30d', '--json');
  expect(JSON.parse(long.out).until).toBeGreaterThanOrEqual(before + 30 * 86_400);
  expect(await live.run('release', '--client', '192.0.2.100', '--for', '0s')).toMatchObject({ status: 0 });
  expect(await ask(1, { client: '192.0.2.100' })).toBe(deferred);
});

test('with its client, its come-backs are forgotten', async () => {
  const { client } = clientAt(4, live.now);
  expect(await ask(1, { client })).toBe(dunno);
  const { status, out } = await live.run('forget', '--client', client);
  expect({ status, out }).toEqual({ status: 0, out: '2 records deleted, 0 releases taken back\n' });
  expect(await ask(1, { client })).toBe(deferred);
});

test('more than ten need a yes: of --yes, or of the terminal', async () => {
  const many = ['--sender', '@d3.example.org'];
  for (const command of ['release', 'forget']) {
    const { status, out, err } = await live.run(command, ...many);
    expect({ status, out }).toEqual({ status: 2, out: '' });
    expect(err).toMatch(
      /^greylatch: this would (release 2,000 triples on record|delete 2,857 records) \(--sender @d3.*add --yes to do it\n$/,
    );
  }
  for (const [answer, ending] of [
    ['n', '--for'],
    ['y', ' released;'],
  ] as const) {
    const terminal = startPiped([
      'script',
      '-qec',
      `${process.execPath} bin/greylatch.js release --db ${live.db} ${many.join(' ')}`,
      '/dev/null',
    ]);
    terminal.send(`${answer}\n`);
    const { code, rest } = await terminal.finish();
    expect(rest).toContain('Go on? [y/N]');
    if (answer === 'y') expect(rest).toContain(ending);
    expect(code).toBe(answer === 'y' ? 0 : 1);
  }
  expect(await ask(3)).toBe(dunno);
  const { out } = await live.run('forget', ...many, '--yes');
  expect(out).toMatch(/^2,857 records deleted, 1 release taken back\n$/);
  expect(await ask(3)).toBe(deferred);
});

test('without a filter, or with one that is too wide, nothing happens', async () => {
  for (const words of [
    ['release', '--yes'],
    ['forget', '--yes'],
    ['release', '--sender', 'example.org'],
    ['release', '--client', '::1', '--for', '2592001'],
  ]) {
    const { status, out, err } = await live.run(...words);
    expect({ words, status, out }).toEqual({ words, status: 2, out: '' });
    expect(err).toMatch(/^greylatch: .+\n$/);
  }
});

test('there may be as many releases as fit, and the filters are as they were', async () => {
  let last = { status: 0, err: '' } as { status: number | null; err: string };
  for (let i = 0; i < 30 && last.status === 0; i++) {
    const name = `${'x'.repeat(340)}${i}@example.org`;
    last = await live.run('release', '--sender', name, '--recipient', name);
  }
  expect(last).toMatchObject({
    status: 2,
    err: expect.stringMatching(/releases at once are as many as fit/),
  });
  const { out } = await live.run('forget', '--sender', '*@example.org', '--yes');
  expect(out).toMatch(/^[\d,]+ records deleted, \d releases taken back\n$/);
  await live.stop('forgotten');
});
