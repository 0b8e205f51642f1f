// What is gathered of a service, where that is not simply what its words say.
import { mkdirSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { expect, test } from 'vitest';
import { type Entry, type Facts, gather } from '../../../src/admin/doctor/gather.ts';
import { parseParameters, parseServices } from '../../../src/admin/doctor/postconf.ts';
import { SPAWN_PATH } from '../../../src/admin/doctor/system.ts';
import { useScratch } from '../../support/scratch.ts';

const scratch = useScratch('of all');

/** What is gathered of these services, in a queue directory that has nothing of Postfix's. */
function gathered(lines: string, main = ''): Facts {
  const configuration = { directory: scratch.path, option: '', version: '', remarks: [] };
  const parameters = { ...parseParameters(main), queue_directory: scratch.path };
  return gather({ ...configuration, parameters, services: parseServices(lines, '') }, undefined);
}

const entriesOf = (lines: string): Entry[] => gathered(lines).entries;

test('a command without a directory is looked for in the PATH that spawn(8) leaves, as execvp(3) does', () => {
  const nodeOf = (argv: string) =>
    entriesOf(`policy unix - n n - 0 spawn user=nobody argv=${argv}\n`)[0]?.nodePlace?.path;
  expect([undefined, ...SPAWN_PATH.split(':').map((directory) => `${directory}/node`)]).toContain(
    nodeOf('node /opt/greylatch'),
  );
  expect(nodeOf('node20.99999 /opt/greylatch')).toBeUndefined();
  expect(entriesOf('policy unix - n n - 0 spawn argv=greylatch\n')[0]?.scriptPlace.path).toBe('greylatch');
  expect(nodeOf('./node /opt/greylatch')).toBe(`${scratch.path}/node`);
  expect(nodeOf('/opt/node /opt/greylatch')).toBe('/opt/node');
});

test('of the services with the same user, those that run greylatch are no others, by whatever path', () => {
  writeFileSync(path.join(scratch.path, 'greylatch'), '');
  symlinkSync('greylatch', path.join(scratch.path, 'link'));
  const line = (name: string, argv: string) => `${name} unix - n n - 0 spawn user=nobody argv=${argv}\n`;
  const [policy] = entriesOf(
    line('policy', '/opt/greylatch') + line('second', 'link') + line('third', '/bin/x'),
  );
  expect(policy!.others.filter((other) => other.startsWith('the service'))).toEqual([
    'the service third/unix',
  ]);
});

test('a socket that smtpd asks and that nobody listens on any more', async () => {
  mkdirSync(path.join(scratch.path, 'private'));
  const name = `private/${path.basename(scratch.path)}`; // no other Postfix of this machine has it
  const socket = path.join(scratch.path, name);
  const asked = () =>
    gathered('smtp inet n - n - - smtpd\n', `smtpd_client_restrictions = check_policy_service unix:${name}`)
      .stale;
  const server = net.createServer();
  await new Promise<void>((resolve) => server.listen(socket, resolve));
  expect(asked()).toEqual([]);
  renameSync(socket, `${socket}.kept`); // or it would be removed with the server
  await new Promise((resolve) => server.close(resolve));
  expect(asked()).toEqual([]);
  renameSync(`${socket}.kept`, socket);
  expect(asked()).toEqual([socket]);
});

test('programs that do not exist, of services that smtpd asks, where none of them is greylatch', () => {
  const mistyped = (argv: string, asked = 'unix:private/policy') =>
    gathered(
      `policy unix - n n - 0 spawn user=nobody argv=${argv}\nsmtp inet n - n - - smtpd\n`,
      `smtpd_recipient_restrictions = check_policy_service ${asked}`,
    ).mistyped;
  const node = process.execPath;
  const wrong = [{ name: 'policy/unix', program: '/nowhere/greylach' }];
  expect(mistyped(`${node} --v8-pool-size=1 /nowhere/greylach --db /nowhere/db --text x`)).toEqual(wrong);
  expect(mistyped('/nowhere/greylach')).toEqual(wrong);
  expect(mistyped(`${node} /nowhere/greylatch`)).toEqual([]);
  expect(mistyped(node)).toEqual([]);
  expect(mistyped('/nowhere/greylach', 'unix:private/other')).toEqual([]);
});

test('a blank behind argv= is no program that could be tried', () => {
  const [entry] = entriesOf('policy unix - n n - 0 spawn user=nobody argv= /opt/node /opt/greylatch\n');
  expect(entry).toMatchObject({
    run: undefined,
    nodeRun: undefined,
    program: ['', '/opt/node', '/opt/greylatch'],
  });
});

test("what Node has compiled is looked for beside the program, not beside pnpm's script that starts it", () => {
  const directory = path.join(scratch.path, 'bin');
  mkdirSync(directory);
  const script = path.join(directory, 'greylatch');
  writeFileSync(script, '#!/bin/sh\n');
  const compiledOf = () =>
    entriesOf(`policy unix - n n - 0 spawn user=nobody argv=${process.execPath} ${script}\n`)[0]!.compiled
      ?.path;
  expect(compiledOf()).toBeUndefined();
  writeFileSync(path.join(directory, 'precompile.js'), '');
  expect(compiledOf()).toBe(path.join(scratch.path, `dist/main.js-${process.version}-${process.arch}`));
});
