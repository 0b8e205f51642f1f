// Both ways in which requests come in, each in a filter whose Node has been told to go that way, or to say which it went.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import net, { type AddressInfo } from 'node:net';
import path from 'node:path';
import { expect, test } from 'vitest';
import { NEWEST } from '../../src/filter/input.ts';
import { greylatch, type Session, startFilter, startPiped } from '../support/filter.ts';
import { deferred, shortRequest } from '../support/requests.ts';
import { useScratch } from '../support/scratch.ts';
import { until } from '../support/until.ts';

const scratch = useScratch('of all');
const modules = path.join(scratch.path, 'modules');

const [node, ...program] = greylatch('--db', path.join(scratch.path, 'greylist.mdb'), '--log', 'none');

/** The filter's command line; it notes at its end which of Node's own modules it has loaded. */
function command(name: string, before = ''): string[] {
  const preloaded = path.join(scratch.path, `${name}.cjs`);
  const atEnd = `require('node:fs').writeFileSync(${JSON.stringify(modules)}, process.moduleLoadList.join('\n'))`;
  writeFileSync(preloaded, `${before}\nprocess.on('exit', () => ${atEnd.replace('\n', '\\n')});\n`);
  return [node!, '--require', preloaded, ...program];
}

const hasLoadedSockets = () => readFileSync(modules, 'utf8').split('\n').includes('NativeModule net');

const usesHandles = Number.parseInt(process.versions.node, 10) <= NEWEST;

/** Whatever comes in one chunk or many is read to the end, by a process that then ends by itself. */
async function converse(session: Session): Promise<void> {
  const request = shortRequest('10.0.0.1', 's@example.org', 'r@example.net');
  expect(await session.ask(request)).toBe(deferred);
  for (let i = 0; i < 3; i++) expect(await session.ask(request)).toBe(deferred);
  // As much as is read at once, to the byte.
  const full = 16 * 1024;
  expect(await session.ask(`x=${'x'.repeat(full - request.length - 3)}\n${request}`)).toBe(deferred);
  expect(await session.ask(request)).toBe(deferred);
  // More than is read at once, with ends of chunks anywhere in requests.
  session.send(request.repeat(2000));
  expect(new Set(await session.replies(2000))).toEqual(new Set([deferred]));
  expect(await session.finish()).toMatchObject({ code: 0, rest: '' });
}

const ofVersion = (version: string) =>
  `Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '${version}' } });`;

const WITHOUT_HANDLES = {
  refused: "process.binding = () => { throw new Error('access to this API has been restricted'); };",
  'not there': 'delete process.binding;',
  'those of a newer Node': ofVersion(`${NEWEST + 1}.0.0`),
};

test('a socket, and a pipe, are read without what Node makes of them', async () => {
  await converse(await startFilter(command('plain')));
  expect(hasLoadedSockets()).toBe(!usesHandles);
  await converse(startPiped(command('plain')));
  expect(hasLoadedSockets()).toBe(!usesHandles);
});

test.runIf(usesHandles)('those of the newest Node that was tried are used', async () => {
  await converse(await startFilter(command('newest', ofVersion(`${NEWEST}.9.9`))));
  expect(hasLoadedSockets()).toBe(false);
});

test.each(Object.entries(WITHOUT_HANDLES))('where its handles are %s, as ever', async (_, before) => {
  await converse(await startFilter(command('without', before)));
  expect(hasLoadedSockets()).toBe(true);
});

/** A client, and the filter that inetd would have started for its connection. */
async function connect(): Promise<{
  client: net.Socket;
  ask: () => Promise<string>;
  exit: Promise<unknown[]>;
}> {
  const server = net.createServer({ pauseOnConnect: true }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = net.connect((server.address() as AddressInfo).port, '127.0.0.1');
  const [connection] = (await once(server, 'connection')) as [net.Socket];
  const [file, ...words] = command('plain');
  const filter = spawn(file!, words, { stdio: [connection, connection, connection], env: {} });
  connection.destroy();
  server.close();
  let received = '';
  client.setEncoding('latin1').on('data', (text: string) => {
    received += text;
  });
  const ask = async () => {
    client.write(shortRequest('10.0.0.2', 's@example.org', 'r@example.net'));
    while (!received.endsWith('\n\n')) await once(client, 'data');
    const reply = received;
    received = '';
    return reply;
  };
  return { client, ask, exit: once(filter, 'exit') };
}

test('a TCP connection, as from inetd', async () => {
  const { client, ask, exit } = await connect();
  for (let i = 0; i < 3; i++) expect(await ask()).toBe(`${deferred}\n\n`);
  client.end();
  expect(await exit).toEqual([0, null]);
  expect(hasLoadedSockets()).toBe(!usesHandles);
});

test('a TCP connection that breaks off ends the session', async () => {
  const { client, ask, exit } = await connect();
  expect(await ask()).toBe(`${deferred}\n\n`);
  client.resetAndDestroy();
  expect(await exit).toEqual([0, null]);
  expect(hasLoadedSockets()).toBe(!usesHandles);
});

/** Of each buffer that a handle is given it keeps a note to its end, and a slow client may make it stop 100 times a second. */
const ONE_BUFFER = `
const { prototype } = process.binding('pipe_wrap').Pipe;
const { useUserBuffer } = prototype;
prototype.useUserBuffer = function (buffer) {
  prototype.useUserBuffer = () => process.exit(9);
  return useUserBuffer.call(this, buffer);
};`;

test.each([
  ['its handles', ONE_BUFFER],
  ['its sockets', WITHOUT_HANDLES.refused],
])('by %s, a client that reads late gets all replies', async (_, before) => {
  const place = path.join(scratch.path, 'socket');
  const server = net.createServer({ pauseOnConnect: true }).listen(place);
  await once(server, 'listening');
  const client = net.connect(place);
  const [connection] = (await once(server, 'connection')) as [net.Socket];
  const [file, ...words] = command('late', before);
  const filter = spawn(file!, words, { stdio: [connection, connection, connection], env: {} });
  connection.destroy();
  server.close();
  const count = 20_000; // more than both buffers hold
  client.write(shortRequest('10.0.0.4', 's@example.org', 'r@example.net').repeat(count));
  const state = () => readFileSync(`/proc/${filter.pid}/io`, 'latin1');
  let last = '';
  // As long as it writes, it is not stuck yet. (It is no fault to read too soon.)
  await until(async () => {
    const now = /^wchar: .*/m.exec(state())![0];
    const isSame = now === last && /wchar: \d{5}/.test(now);
    last = now;
    await new Promise((resolve) => setTimeout(resolve, 300));
    return isSame;
  });
  let received = '';
  client.setEncoding('latin1').on('data', (text: string) => {
    received += text;
  });
  await until(() => received.length >= count * (deferred.length + 2));
  expect(new Set(received.split('\n\n'))).toEqual(new Set([deferred, '']));
  client.end();
  expect(await once(filter, 'exit')).toEqual([0, null]);
});

test('a client that is gone ends the session', async () => {
  const session = await startFilter(command('plain'));
  expect(await session.ask(shortRequest('10.0.0.3', 's@example.org', 'r@example.net'))).toBe(deferred);
  expect(await session.hangUp()).toMatchObject({ code: 0, rest: '' });
});
