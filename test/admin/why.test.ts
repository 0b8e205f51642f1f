// greylatch why, beside running filters: it says what they then answer, and changes nothing.
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { deferred, dunno, policyRequest } from '../support/requests.ts';
import { testScratch } from '../support/scratch.ts';
import { clientAt, runProgram, tripleAt, useLive } from './live.ts';

const live = useLive('of all');

const ask = ({ client, sender, recipient }: { client: string; sender: string; recipient: string }) => [
  ...['--client', client, '--sender', sender, '--recipient', recipient],
];
const why = async (...words: string[]) => {
  const { status, out, err } = await live.run('why', '--json', '--retry-window', '20d', ...words);
  expect({ status, err }).toEqual({ status: 0, err: '' });
  return JSON.parse(out);
};

test('the verdict is what a filter answers', async () => {
  const cases = [
    ['old enough', tripleAt(10, live.now), dunno],
    ['old enough', tripleAt(16, live.now), dunno],
    ['auto-whitelisted', { ...tripleAt(1, live.now), client: clientAt(4, live.now).client }, dunno],
    ['new', { client: '192.0.2.1', sender: '', recipient: 'b@example.net' }, deferred],
    ['too early', { client: '192.0.2.1', sender: '', recipient: 'b@example.net' }, deferred],
  ] as const;
  for (const [verdict, triple, answer] of cases) {
    const said = await why(...ask(triple));
    expect(said).toMatchObject({ verdict, missing: false, action: answer.slice('action='.length) });
    expect(said.left > 0).toBe(answer === deferred);
    expect(await live.ask(triple.client, triple.sender, triple.recipient)).toBe(answer);
  }
  expect(await why(...ask(cases[3][1]), '--delay', '0', '--action', '450')).toMatchObject({
    record: { deferrals: expect.any(Number), expired: false },
  });
});

test('an address is looked up as Postfix spells it, however it was typed', async () => {
  const triple = { client: '2001:db8::25', sender: 'six@example.org', recipient: 'b@example.net' };
  await live.ask(triple.client, triple.sender, triple.recipient);
  expect(await why(...ask({ ...triple, client: '2001:DB8:0::0:25' }))).toMatchObject({
    verdict: 'too early',
  });
});

test('with --header, mail that was delayed gets one, where a filter adds one', async () => {
  const [delayed, passed] = [tripleAt(20, live.now), tripleAt(26, live.now)];
  const actionOf = async (...words: string[]) => (await why(...words, '--header')).action;
  expect(await actionOf(...ask(delayed))).toMatch(
    /^prepend X-Greylist: delayed \d{4} seconds by greylatch at /,
  );
  expect(await actionOf(...ask(passed))).toBe('dunno');
  expect(await actionOf(...ask(delayed), '--greylist', 'observe')).toBe('dunno');
  const late = path.join(live.directory, 'late');
  const { client, ...rest } = delayed;
  const attributes = { client_address: client, sender: rest.sender, recipient: rest.recipient };
  writeFileSync(late, policyRequest({ ...attributes, protocol_state: 'END-OF-MESSAGE' }));
  expect(await actionOf(late)).toBe('dunno');
});

test('each step is there for people', async () => {
  const triple = tripleAt(9, live.now);
  const { out } = await live.run(
    'why',
    ...ask(triple),
    ...['--client-key', 'subnet', '--action', '451 4.7.1', '--text', 'wait %s'],
  );
  expect(out).toMatch(/^exception +none: it is greylisted$/m);
  expect(out).toMatch(/^client key +10\.0\.0\.0\/24 \(--client-key subnet\)$/m);
  expect(out).toMatch(/^record +none$/m);
  expect(out).toMatch(/^answer +451 4\.7\.1 wait 61$/m);
  const expired = await live.run('why', ...ask(triple));
  expect(expired.out).toMatch(/^record +first seen .* \(10 d ago\), .*; expired, so that it starts anew$/m);
  const role = await live.run(
    'why',
    ...ask({ ...triple, recipient: 'postmaster@example.net' }),
    '--role-accounts',
  );
  expect(role.out).toMatch(/^exception +role account\nanswer +dunno$/m);
});

test('requests of a file and of standard input, one or several, one of them of a user', async () => {
  const file = path.join(live.directory, 'requests');
  writeFileSync(file, policyRequest() + policyRequest({ sasl_username: 'ann' }).trimEnd());
  const { out } = await live.run('why', '--json', file);
  const [first, second] = out
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  expect(first).toMatchObject({ verdict: 'new', triple: { client: '192.0.2.17' } });
  expect(second).toEqual({
    request: first.request,
    exception: { rule: 'authenticated' },
    left: 0,
    action: 'dunno',
  });
  const piped = await runProgram(['why', '-', '--db', live.db], 'client_address=192.0.2.1\n');
  expect(piped.out).toMatch(/^answer +none: /m);
  writeFileSync(file, policyRequest().repeat(2000));
  expect(await live.run('why', file)).toEqual({
    status: 2,
    out: '',
    err: `greylatch: ${file} is longer than 1 MiB; ask about fewer requests at a time\n`,
  });
  const wrong = await runProgram(['why', '-', '--db', live.db], 'Dear \x1b[31madministrator\n');
  expect(wrong).toMatchObject({
    status: 2,
    out: '',
    err: expect.stringMatching(/^greylatch: standard input holds no .* Dear \\x1b\[31madministrator\).*\n$/),
  });
});

test('nothing is changed, and no database is made', async () => {
  await live.stop();
  const hash = () => createHash('sha256').update(readFileSync(live.db)).digest('hex');
  const before = hash();
  const names = readdirSync(live.directory);
  expect(
    await why(...ask({ client: '192.0.2.77', sender: 'a@example.org', recipient: 'b@example.net' })),
  ).toMatchObject({
    verdict: 'new',
  });
  expect([hash(), readdirSync(live.directory)]).toEqual([before, names]);
  const scratch = testScratch();
  const db = ['--db', path.join(scratch.path, 'g.mdb')];
  const some = ask(tripleAt(1, live.now));
  expect((await runProgram(['why', ...db, ...some])).out).toMatch(/^database +.* does not exist yet$/m);
  expect(await runProgram(['why', ...db, ...some, '--privacy'])).toMatchObject({ status: 2 });
  expect(readdirSync(scratch.path)).toEqual([]);
});
