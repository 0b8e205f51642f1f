// A Postfix of our own on loopback: its configuration, queue, data and log lie in one directory below /tmp, and
// nothing of the machine's own Postfix is touched. Mail that is accepted goes to discard(8).
import { execFile } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import net from 'node:net';
import { networkInterfaces } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { until } from '../support/until.ts';
import { filtersOf } from './processes.ts';

const run = promisify(execFile);

export interface PostfixOptions {
  /** Lines for master.cf: the policy service. */
  master: (place: Place) => string;
  /** Lines for main.cf; without any, the restrictions of every example. */
  main?: string;
}

/** Where things are, known before Postfix starts. */
export interface Place {
  /** Everybody may enter it; only root may write here. */
  directory: string;
  /** Belong to nobody, mode 0700: for the database, and for a log of the filter. */
  mta: string;
  logs: string;
}

export interface Postfix extends Place {
  port: number;
  /** Does this machine have ::1? */
  hasIPv6: boolean;
  /** The mail log. */
  log(): string;
  /** `postfix COMMAND` */
  command(command: 'reload' | 'status'): Promise<void>;
}

export const RESTRICTIONS = `
smtpd_recipient_restrictions =
    reject_unauth_destination
    check_policy_service unix:private/policy
`;

/** Starts Postfix, does `body`, stops Postfix and removes all its traces. A failure shows the logs. */
export async function withPostfix(
  options: PostfixOptions,
  body: (postfix: Postfix) => Promise<void>,
): Promise<void> {
  const place = makePlace();
  const abort = () => void execFile('postfix', ['-c', path.join(place.directory, 'config'), 'abort']);
  process.once('exit', abort); // if the test run is interrupted
  try {
    const postfix = await start(place, options);
    try {
      await body(postfix);
    } finally {
      await stop(place);
    }
  } catch (error) {
    if (error instanceof Error) error.message += `\n${logsOf(place)}`;
    throw error;
  } finally {
    process.off('exit', abort);
    rmSync(place.directory, { recursive: true, force: true });
  }
}

function makePlace(): Place {
  // Not TMPDIR: nobody and postfix must be able to walk there.
  const directory = mkdtempSync('/tmp/greylatch-e2e-');
  chmodSync(directory, 0o755);
  return { directory, mta: path.join(directory, 'mta'), logs: path.join(directory, 'logs') };
}

async function start(place: Place, options: PostfixOptions): Promise<Postfix> {
  const { directory, mta, logs } = place;
  const hasIPv6 = Object.values(networkInterfaces()).some((of) =>
    of?.some(({ address }) => address === '::1'),
  );
  const port = await freePort(hasIPv6);
  const config = path.join(directory, 'config');
  for (const name of ['config', 'queue', 'data']) mkdirSync(path.join(directory, name), { mode: 0o755 });
  for (const name of [mta, logs]) mkdirSync(name, { mode: 0o700 });
  await run('chown', ['nobody', mta, logs]);
  await run('chown', ['postfix', path.join(directory, 'data')]);
  writeFileSync(path.join(config, 'main.cf'), mainCf(directory) + (options.main ?? RESTRICTIONS));
  writeFileSync(path.join(config, 'master.cf'), masterCf(port, hasIPv6) + options.master(place));
  const command = async (word: string) => {
    await run('postfix', ['-c', config, word]);
  };
  cool(config);
  await command('start');
  return { ...place, port, hasIPv6, log: () => mailLog(directory), command };
}

/**
 * Makes main.cf look as if it had not been written just now: every program of Postfix reads such a file again and again until
 * that is two seconds ago, lest it be half written.
 */
export function cool(config: string): void {
  const aMinuteAgo = Date.now() / 1000 - 60;
  utimesSync(path.join(config, 'main.cf'), aMinuteAgo, aMinuteAgo);
}

async function stop({ directory }: Place): Promise<void> {
  const config = path.join(directory, 'config');
  const pidFile = path.join(directory, 'queue/pid/master.pid');
  const master = existsSync(pidFile) ? Number(readFileSync(pidFile, 'utf8')) : 0;
  cool(config);
  await run('postfix', ['-c', config, 'stop']).catch(() => {
    if (master > 0) process.kill(-master, 'SIGKILL'); // spawn(8) and the others are in its process group
  });
  // The filters are in groups of their own; they leave when smtpd(8) has gone.
  await until(() => filtersOf(directory).length === 0);
}

export function mailLog(directory: string): string {
  const file = path.join(directory, 'mail.log');
  return existsSync(file) ? readFileSync(file, 'utf8') : '';
}

function logsOf({ directory, logs }: Place): string {
  const filterLog = path.join(logs, 'filter.log');
  return [
    "--- Postfix's log",
    mailLog(directory),
    "--- the filter's log",
    existsSync(filterLog) ? readFileSync(filterLog, 'utf8') : '(none)',
  ].join('\n');
}

/** Below the range from which connections get theirs, so that none takes it before Postfix does. */
async function freePort(hasIPv6: boolean): Promise<number> {
  for (;;) {
    const port = 20_000 + Math.floor(Math.random() * 10_000);
    const hosts = hasIPv6 ? ['127.0.0.1', '::1'] : ['127.0.0.1'];
    const free = await Promise.all(hosts.map((host) => isFree(host, port)));
    if (free.every((yes) => yes)) return port;
  }
}

function isFree(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = net.createServer();
    server.once('error', () => resolve(false));
    server.listen(port, host, () => server.close(() => resolve(true)));
  });
}

function mainCf(directory: string): string {
  return `
compatibility_level = 3.6
queue_directory = ${directory}/queue
data_directory = ${directory}/data
maillog_file = ${directory}/mail.log
maillog_file_prefixes = ${directory}
syslog_name = postfix
myhostname = mx.example.org
mydestination =
mynetworks = 192.0.2.25
inet_interfaces = loopback-only
inet_protocols = all
relay_domains = example.org
relay_recipient_maps =
relay_transport = discard:
local_transport = discard:
default_transport = discard:
local_recipient_maps =
alias_maps =
alias_database =
smtpd_relay_restrictions =
smtpd_authorized_xclient_hosts = 127.0.0.0/8 [::1]
smtpd_peername_lookup = no
smtpd_tls_security_level = none
smtpd_client_connection_count_limit = 0
disable_dns_lookups = yes
biff = no
`;
}

function masterCf(port: number, hasIPv6: boolean): string {
  return `
127.0.0.1:${port} inet n - n - - smtpd
${hasIPv6 ? `[::1]:${port} inet n - n - - smtpd` : ''}
cleanup   unix  n       -       n       -       0       cleanup
qmgr      unix  n       -       n       300     1       qmgr
rewrite   unix  -       -       n       -       -       trivial-rewrite
bounce    unix  -       -       n       -       0       bounce
defer     unix  -       -       n       -       0       bounce
trace     unix  -       -       n       -       0       bounce
verify    unix  -       -       n       -       1       verify
flush     unix  n       -       n       1000?   0       flush
proxymap  unix  -       -       n       -       -       proxymap
showq     unix  n       -       n       -       -       showq
error     unix  -       -       n       -       -       error
retry     unix  -       -       n       -       -       error
discard   unix  -       -       n       -       -       discard
anvil     unix  -       -       n       -       1       anvil
postlog   unix-dgram n  -       n       -       1       postlogd
`;
}
