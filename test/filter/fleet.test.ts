// What the filter asks of the fleet's bundle, in whose place stands one that notes it; what that does is held in ../fleet.
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { copyFilter } from '../e2e/copy.ts';
import { startFilter } from '../support/filter.ts';
import { deferred, policyRequest } from '../support/requests.ts';
import { useScratch } from '../support/scratch.ts';

const scratch = useScratch('of all');
const place = (name: string) => path.join(scratch.path, name);
let program: string;

beforeAll(() => {
  program = copyFilter(place('greylatch'));
  const bundle = path.join(path.dirname(program), '../dist/fleet.js');
  writeFileSync(
    bundle,
    `exports.readAddress = (text) => {
      if (text === 'nowhere') throw new Error('not the address of a store');
      return { read: text };
    };
    exports.openFleet = (local, { say, complain, ...options }) => {
      require('node:fs').writeFileSync(${JSON.stringify(place('options'))}, JSON.stringify(options));
      say('info', 'said');
      for (let i = 0; i < 2; i++) complain('err', 'kind', 'complained');
      return local;
    };`,
  );
});

const filter = (...options: string[]) =>
  startFilter([
    ...[process.execPath, program, '--db', place('greylist.mdb'), '--log', `file:${place('log')}`],
    ...options,
  ]);
/** What was logged, without the time and the process. */
const logged = () => readFileSync(place('log'), 'utf8').replace(/^\S+ greylatch\[\d+\]: /gm, '');

test('the store is the fleet’s, with all that the command line says of it', async () => {
  const settings = {
    store: 'redis://store.example/0',
    'store-password-file': '/etc/greylatch.password',
    'store-timeout': '250ms',
    'retry-window': '3d',
    'max-age': '30d',
  };
  const session = await filter(...Object.entries(settings).flatMap(([name, word]) => [`--${name}`, word]));
  expect(await session.ask(policyRequest())).toBe(deferred);
  expect(await session.finish()).toMatchObject({ code: 0, rest: '' });
  expect(JSON.parse(readFileSync(place('options'), 'utf8'))).toEqual({
    address: { read: 'redis://store.example/0' },
    passwordFile: '/etc/greylatch.password',
    timeout: 250,
    database: place('greylist.mdb'),
    lives: { retryWindow: 259_200, maxAge: 2_592_000 },
    keys: 'client-key=address/sender-key=exact',
  });
  expect(logged()).toBe('said\nerr: complained\n');
});

test('under which keys it stores: the same on two hosts where the options are, and the secret', async () => {
  const keys = async (...options: string[]) => {
    const session = await filter('--store', 'redis://store.example', ...options);
    expect((await session.finish()).code).toBe(0);
    return JSON.parse(readFileSync(place('options'), 'utf8')).keys as string;
  };
  const subnets = ['--client-key', 'subnet', '--ipv4-prefix', '20', '--sender-key', 'normalised'];
  expect(await keys(...subnets)).toBe('client-key=subnet,20,64/sender-key=normalised');
  const first = await keys('--privacy');
  expect(first).toMatch(/^client-key=address\/sender-key=exact\/privacy=[a-z0-5]{8}$/);
  expect(await keys('--privacy')).toBe(first);
  rmSync(place('greylist.mdb.secret'));
  expect(await keys('--privacy')).not.toBe(first);
  writeFileSync(place('greylist.mdb.secret'), 'no key');
  expect(await keys('--privacy')).toBe('');
  for (const options of [[], ['--privacy']]) expect(await keys('--dry-run', ...options)).toBe('');
});

test('an address that is none is a wrong command line: status 2, and not a byte', async () => {
  writeFileSync(place('log'), '');
  const session = await filter('--store', 'nowhere');
  session.send(policyRequest());
  expect(await session.ended).toMatchObject({ code: 2, rest: '' });
  expect(logged()).toMatch(/^err: --store: not the address of a store \(/);
});
