// Options whose code or data a filter loads only where they are set: in the built program they do what they say.
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { copyFilter } from '../e2e/copy.ts';
import { greylatch, startFilter } from '../support/filter.ts';
import { type Attributes, deferred, dunno, policyRequest } from '../support/requests.ts';
import { useScratch } from '../support/scratch.ts';
import { until } from '../support/until.ts';

const scratch = useScratch('of all');
const host = path.join(scratch.path, 'host.cjs');
writeFileSync(host, `require('node:os').hostname = () => 'MX.home.example';`);

/** A filter with these options and a database of its own, and with a name for the host it is on. */
async function filterWith(name: string, ...options: string[]) {
  const database = path.join(scratch.path, `${name}.mdb`);
  const [node, ...words] = greylatch('--db', database, '--log', 'none', ...options);
  const filter = await startFilter([node!, '--require', host, ...words]);
  return { ask: (changes?: Attributes) => filter.ask(policyRequest(changes)), finish: filter.finish };
}

test.concurrent('whitelists let pass what they name, and are read again when they change', async () => {
  const file = (name: string) => path.join(scratch.path, name);
  writeFileSync(file('clients'), 'example.com\n');
  writeFileSync(file('recipients'), 'codes@\n/(/\n');
  const lists = ['--whitelist-clients', file('clients'), '--whitelist-recipients', file('recipients')];
  const { ask, finish } = await filterWith('lists', ...lists);
  let n = 0;
  const askAnew = (changes: Attributes) => ask({ sender: `s${n++}@example.org`, ...changes });
  expect(await askAnew({ client_name: 'mx1.example.com' })).toBe(dunno);
  expect(await askAnew({ client_name: 'mx1.example.edu' })).toBe(deferred);
  expect(await askAnew({ recipient: 'codes@example.net' })).toBe(dunno);
  writeFileSync(file('new'), 'example.edu\n');
  renameSync(file('new'), file('clients'));
  await until(async () => (await askAnew({ client_name: 'mx1.example.edu' })) === dunno);
  expect(await askAnew({ client_name: 'mx1.example.com' })).toBe(deferred);
  await finish();
});

test.concurrent('--only-recipients: all others are not greylisted', async () => {
  const list = path.join(scratch.path, 'only');
  writeFileSync(list, 'ann@example.net\n');
  const { ask, finish } = await filterWith('only', '--only-recipients', list);
  expect(await ask({ recipient: 'ann@example.net' })).toBe(deferred);
  expect(await ask({ recipient: 'bob@example.net' })).toBe(dunno);
  await finish();
});

test.concurrent('--client-key pool: what one mail server of a pool was deferred for, another brings', async () => {
  const { ask, finish } = await filterWith('pool', '--client-key', 'pool', '--delay', '0');
  const from = (address: string, name: string) => ({ client_address: address, client_name: name });
  expect(await ask(from('192.0.2.1', 'mx1.example.com'))).toBe(deferred);
  await until(async () => (await ask(from('192.0.2.1', 'mx1.example.com'))) === dunno);
  expect(await ask(from('198.51.100.1', 'mx2.example.com'))).toBe(dunno);
  expect(await ask(from('198.51.100.2', 'mx2.example.edu'))).toBe(deferred);
  await finish();
});

test.concurrent('--greylist suspicious: whoever greets as this host does, or by the name of its domain', async () => {
  const { ask, finish } = await filterWith('suspicious', '--greylist', 'suspicious');
  for (const helo_name of ['mx.home.example', 'home.example', 'mx2.home.example'])
    expect([helo_name, await ask({ helo_name })]).toEqual([helo_name, deferred]);
  expect(await ask({ helo_name: 'nothome.example' })).toBe(dunno);
  expect(await ask()).toBe(dunno);
  await finish();
});

test.concurrent('--header says which host it was', async () => {
  const { ask, finish } = await filterWith('header', '--header', '--delay', '0');
  expect(await ask()).toBe(deferred);
  let n = 0;
  const passed = await until(async () => {
    const reply = await ask({ instance: `${n++}` });
    return reply !== deferred && reply;
  });
  expect(passed).toMatch(
    /^action=prepend X-Greylist: delayed \d+ seconds by greylatch at mx\.home\.example;/,
  );
  await finish();
});

test.concurrent('--privacy: no address is on record, and the key lies beside the database; without it, there is none', async () => {
  for (const options of [['--privacy'], []]) {
    const name = `private${options.length}`;
    const database = path.join(scratch.path, `${name}.mdb`);
    const { ask, finish } = await filterWith(name, '--delay', '0', ...options);
    expect(await ask({ client_address: '192.0.2.77' })).toBe(deferred);
    await until(async () => (await ask({ client_address: '192.0.2.77' })) === dunno);
    await finish();
    const [node, ...words] = greylatch('list', '--json', '--db', database);
    const listed = execFileSync(node!, words, { encoding: 'utf8' });
    expect(listed).toContain('"passed"');
    expect(listed.includes('192.0.2.77')).toBe(options.length === 0);
    expect(existsSync(`${database}.secret`)).toBe(options.length > 0);
  }
});

test.concurrent('--privacy in a dry run makes no key', async () => {
  const { ask, finish } = await filterWith('dry', '--privacy', '--dry-run');
  expect(await ask()).toBe(dunno);
  await finish();
  expect(readdirSync(scratch.path).filter((name) => name.startsWith('dry.'))).toEqual([]);
});

test.concurrent('what no option asks for is not loaded: a filter runs without it', async () => {
  const program = copyFilter(path.join(scratch.path, 'greylatch'));
  for (const name of ['lists', 'pool', 'words', 'fleet', 'commands'])
    rmSync(path.join(path.dirname(program), '../dist', `${name}.js`));
  const database = path.join(scratch.path, 'plain.mdb');
  const filter = await startFilter([process.execPath, program, '--db', database, '--log', 'none']);
  expect(await filter.ask(policyRequest())).toBe(deferred);
  expect(await filter.finish()).toMatchObject({ code: 0, rest: '' });
});
