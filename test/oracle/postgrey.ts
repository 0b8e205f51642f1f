// postgrey itself, as its package installs it, with lists, database and socket in a directory of the test. It runs
// as whoever runs the test, reads other lists at SIGHUP, and never finds a sender that it knows.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import path from 'node:path';
import { postgrey } from '../support/needs.ts';
import { until } from '../support/until.ts';

export interface Query {
  name: string;
  address: string;
  recipient: string;
}

export interface Postgrey {
  /** Other lists; returns when they are read. */
  lists(clients: string, recipients: string): Promise<void>;
  /** Is each of them excepted from greylisting? */
  passes(queries: readonly Query[]): Promise<boolean[]>;
  stop(): Promise<void>;
}

/** Of its log, for the message when it ends; each request is a line there. */
const LAST_WORDS = 1000;
const PATIENCE = 30_000; // ms
/** Requests that are sent together; of more than it reads at once (8 KiB) it would leave some unanswered. */
const AT_ONCE = 20;

export async function startPostgrey(directory: string): Promise<Postgrey> {
  const place = (name: string) => path.join(directory, name);
  const write = (clients: string, recipients: string) => {
    writeFileSync(place('clients'), clients, 'latin1');
    writeFileSync(place('recipients'), recipients, 'latin1');
  };
  mkdirSync(place('db'));
  // Berkeley DB's own configuration: no wait for the disk at each query.
  writeFileSync(place('db/DB_CONFIG'), 'set_flags DB_TXN_NOSYNC on\n');
  write('', '');
  const child = spawn(
    postgrey,
    [
      `--unix=${place('socket')}`,
      `--dbdir=${place('db')}`,
      `--whitelist-clients=${place('clients')}`,
      `--whitelist-recipients=${place('recipients')}`,
      `--user=${whoami('-un')}`,
      `--group=${whoami('-gn')}`,
      '--auto-whitelist-clients=0',
    ],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  );
  let log = '';
  child.stderr.on('data', (chunk: Buffer) => {
    log = (log + chunk.toString('latin1')).slice(-LAST_WORDS);
  });
  const alive = () => {
    if (child.exitCode !== null || child.signalCode !== null) throw new Error(`postgrey ended:\n${log}`);
  };
  const socket = await until(() => {
    alive();
    return tryConnect(place('socket'));
  });

  let sender = 0;
  async function passes(queries: readonly Query[]): Promise<boolean[]> {
    const passed: boolean[] = [];
    for (let i = 0; i < queries.length; i += AT_ONCE) {
      alive();
      const some = queries.slice(i, i + AT_ONCE);
      const replies = nextReplies(socket, some.length);
      socket.write(some.map((query) => request(query, ++sender)).join(''), 'latin1');
      for (const reply of await replies) {
        if (!/^action=(DUNNO$|DEFER_IF_PERMIT )/.test(reply)) throw new Error(`not expected: ${reply}`);
        passed.push(reply === 'action=DUNNO');
      }
    }
    return passed;
  }

  return {
    async lists(clients, recipients) {
      write(clients, recipients);
      child.kill('SIGHUP');
      // It looks for signals when there is something to read, and before it reads that.
      await passes([{ name: 'unknown', address: '192.0.2.1', recipient: '' }]);
    },
    passes,
    stop: () => stop(child, socket),
  };
}

/** The name of the user or group that runs this: postgrey takes no 0. */
function whoami(option: string): string {
  return spawnSync('id', [option], { encoding: 'utf8' }).stdout.trim();
}

async function tryConnect(place: string): Promise<Socket | undefined> {
  const socket = connect(place);
  try {
    await once(socket, 'connect');
    return socket;
  } catch {
    return undefined;
  }
}

function request({ name, address, recipient }: Query, sender: number): string {
  const attributes = [
    'request=smtpd_access_policy',
    `client_name=${name}`,
    `client_address=${address}`,
    `sender=x${sender}y@example.org`,
    `recipient=${recipient}`,
  ];
  return `${attributes.join('\n')}\n\n`;
}

function nextReplies(socket: Socket, count: number): Promise<string[]> {
  return new Promise((resolve, reject) => {
    let received = '';
    const end = () => {
      clearTimeout(timer);
      socket.off('data', take).off('close', gone);
    };
    const fail = (what: string) => {
      end();
      reject(new Error(`postgrey ${what} after ${JSON.stringify(received)}`));
    };
    const gone = () => fail('hung up');
    const timer = setTimeout(() => fail('was silent'), PATIENCE);
    const take = (chunk: Buffer) => {
      received += chunk.toString('latin1');
      const replies = received.split('\n\n');
      if (replies.length <= count) return;
      end();
      resolve(replies.slice(0, count));
    };
    socket.on('data', take).once('close', gone);
  });
}

async function stop(child: ChildProcess, socket: Socket): Promise<void> {
  socket.destroy();
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGKILL'); // its database is gone with the directory
  await ended;
}
