// Gathers all the facts that are judged, from postconf, the machine and the database. Judges nothing, changes nothing.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { FilterArguments } from '../../cli/arguments.ts';
import { isAlive } from '../../store/disk/alive.ts';
import { native } from '../../store/lmdb/native.ts';
import { attempt } from '../attempt.ts';
import { type Database, gatherDatabase } from './database.ts';
import { leadsTo, socketAt, socketOf } from './endpoint.ts';
import type { Place, User } from './permissions.ts';
import { type Configuration, nameOf, queueOf, type Service } from './postconf.ts';
import { type Question, questionsOf, unknownIn } from './restrictions.ts';
import { type Invocation, isGreylatch, programPaths, readInvocation } from './spawn.ts';
import {
  groupNamed,
  isListening,
  listeningPorts,
  lookAt,
  processesOf,
  type Run,
  realpath,
  runAs,
  SPAWN_PATH,
  userNamed,
} from './system.ts';

export interface Facts {
  configuration: Configuration;
  /** Whether doctor runs as root; others cannot see much. */
  root: boolean;
  /** Whether Postfix is running; only root can see that. */
  running: boolean;
  mailOwner: User | undefined;
  /** setgid_group's number. */
  setgidGroup: number | undefined;
  questions: Question[];
  /** Every unix-domain socket that smtpd asks, or that a filter's service listens on. */
  sockets: Readonly<Record<string, Place>>;
  /** Those of them in Postfix's own directories that are there, but on which nobody listens. */
  stale: string[];
  /** The TCP ports on which somebody listens; undefined where that is not known. */
  ports: ReadonlySet<number> | undefined;
  /** What smtpd(8) does not know in its restriction lists. */
  unknown: { where: string; name: string }[];
  devLog: Place;
  /** Why what is made for this kind of machine cannot be loaded; '' where it can. */
  addons: { lmdb: string; syslog: string };
  entries: Entry[];
  /** Where no service runs greylatch: programs that services which smtpd asks name, and that do not exist. */
  mistyped: { name: string; program: string }[];
  /** The database of --db, where no entry names one. */
  database: Database | undefined;
}

/** An entry of master.cf that runs greylatch. */
export interface Entry extends Invocation {
  /** `policy/unix` */
  name: string;
  account: User | undefined;
  /** Other programs that run as that user. */
  others: string[];
  nodePlace: Place | undefined;
  scriptPlace: Place;
  /** `node --version` and `greylatch --version`, where there is a user to run them. */
  nodeRun: Run | undefined;
  run: Run | undefined;
  /** What that Node has compiled of greylatch (bin/precompile.js), where both are found. */
  compiled: Place | undefined;
  database: Database | undefined;
  /** The file of `--log file:`, and its directory. */
  log: { file: Place; directory: Place } | undefined;
  /** The whitelist files. */
  lists: { option: string; file: Place }[];
}

/** `db` is used where no service of master.cf runs greylatch. */
export function gather(configuration: Configuration, db: string | undefined): Facts {
  const { parameters, services } = configuration;
  const queue = queueOf(parameters);
  const questions = questionsOf(services, parameters);
  const invocations = services
    .map((service) => readInvocation(service, (word) => realpath(path.resolve(queue, word)) ?? word))
    .filter((invocation) => invocation !== undefined);
  const filters = invocations.map(({ service }) => service);
  const others = services.filter((service) => !filters.includes(service));
  const entries = invocations.map((invocation) => gatherEntry(invocation, others, queue));
  const paths = [
    ...questions.map(({ endpoint }) => socketAt(endpoint, parameters)),
    ...entries.map(({ service }) => (service.type === 'unix' ? socketOf(service, parameters) : undefined)),
  ].filter((socket) => socket !== undefined);
  const sockets = Object.fromEntries(paths.map((socket) => [socket, lookAt(socket)]));
  const table = attempt(() => readFileSync('/proc/net/unix', 'latin1'));
  const isStale = ({ path: socket, self }: Place) =>
    self?.kind === 'socket' &&
    isOwn(socket, queue) &&
    table !== undefined &&
    !isListening(socket, queue, table);
  return {
    configuration,
    root: process.getuid?.() === 0,
    running: isRunning(queue),
    mailOwner: userNamed(parameters.mail_owner ?? ''),
    setgidGroup: groupNamed(parameters.setgid_group ?? ''),
    questions,
    sockets,
    unknown: unknownIn(services, parameters, wordsOf(parameters.daemon_directory)),
    stale: Object.values(sockets)
      .filter(isStale)
      .map(({ path: socket }) => socket),
    ports: listeningPorts(),
    devLog: lookAt('/dev/log'),
    addons: { lmdb: whyNot(native), syslog: whyNot(() => require('node-unix-socket')) },
    entries,
    mistyped: entries.length === 0 ? mistypedIn(configuration, questions, queue) : [],
    database: entries.length === 0 && db !== undefined ? gatherDatabase(path.resolve(db)) : undefined,
  };
}

/** The first line of what is thrown. */
function whyNot(load: () => unknown): string {
  try {
    load();
    return '';
  } catch (error) {
    return (error as Error).message.split('\n', 1)[0]!;
  }
}

/** Whether a word stands in smtpd(8) itself, which differs from version to version; where that cannot be read, any does. */
function wordsOf(directory = ''): (word: string) => boolean {
  const program = attempt(() => readFileSync(path.join(directory, 'smtpd'), 'latin1').toLowerCase());
  return (word) => program === undefined || program.includes(`${word}\0`);
}

/** Elsewhere may be the socket of a container, whose processes this host's list does not show. */
function isOwn(socket: string, queue: string): boolean {
  return ['private', 'public'].includes(path.relative(queue, path.dirname(socket)));
}

function mistypedIn(
  { services, parameters }: Configuration,
  questions: readonly Question[],
  queue: string,
): Facts['mistyped'] {
  const isAsked = (service: Service) =>
    questions.some(({ endpoint }) => leadsTo(endpoint, service, parameters));
  return services
    .filter((service) => service.command[0] === 'spawn' && isAsked(service))
    .flatMap((service) =>
      programPaths(service)
        .filter((program) => lookAt(path.resolve(queue, program)).reason === 'ENOENT')
        .map((program) => ({ name: nameOf(service), program })),
    );
}

/** `others` are the services that run no greylatch. spawn(8) works in the queue directory: paths are relative to that. */
function gatherEntry(invocation: Invocation, others: readonly Service[], queue: string): Entry {
  const { service, user, group, program, node, script, settings } = invocation;
  const account = userNamed(user, group);
  const cwd = lookAt(queue).self === undefined ? '/' : queue;
  const nodePlace = lookForCommand(node ?? 'node', queue); // the script's first line asks env(1) for it
  const inPath = node === undefined && !script.includes('/');
  const command = node === undefined ? lookForCommand(script, queue) : undefined;
  const runnable = account !== undefined && account.uid !== 0 && program[0] !== '';
  const scriptPlace = command ?? (inPath ? nowhere(script) : lookAt(path.resolve(queue, script)));
  const nodeRun =
    runnable && nodePlace?.self ? runAs(account, cwd, [nodePlace.path, '--version']) : undefined;
  const log = settings?.log.startsWith('file:') ? path.resolve(queue, settings.log.slice(5)) : undefined;
  return {
    ...invocation,
    name: nameOf(service),
    account,
    others: account === undefined ? [] : runningAs(account, others),
    nodePlace,
    scriptPlace,
    nodeRun,
    run: runnable ? runAs(account, cwd, [...program, '--version']) : undefined,
    compiled: compiledPlace(scriptPlace, nodeRun),
    database:
      settings === undefined ? undefined : gatherDatabase(path.resolve(queue, settings.db), settings.privacy),
    log: log === undefined ? undefined : { file: lookAt(log), directory: lookAt(path.dirname(log)) },
    lists: settings === undefined ? [] : listsOf(settings, queue),
  };
}

/** Where bin/greylatch.js looks for it; undefined also where the path in argv= only leads to that, as pnpm's script does. */
function compiledPlace({ path: script }: Place, nodeRun: Run | undefined): Place | undefined {
  const real = realpath(script);
  if (real === undefined || nodeRun?.status !== 0) return undefined;
  if (lookAt(path.join(path.dirname(real), 'precompile.js')).self === undefined) return undefined;
  return lookAt(path.join(path.dirname(real), `../dist/main.js-${nodeRun.out}-${process.arch}`));
}

function listsOf(settings: FilterArguments, queue: string): Entry['lists'] {
  const { whitelistClients, whitelistRecipients, onlyRecipients } = settings;
  const look = (option: string, files: readonly string[]) =>
    files.map((file) => ({ option, file: lookAt(path.resolve(queue, file)) }));
  return [
    ...look('--whitelist-clients', whitelistClients),
    ...look('--whitelist-recipients', whitelistRecipients),
    ...look('--only-recipients', onlyRecipients),
  ];
}

/** As execvp(3) finds a command: what names no directory, in the PATH that spawn(8) leaves. */
function lookForCommand(word: string, queue: string): Place | undefined {
  if (word.includes('/')) return lookAt(path.resolve(queue, word));
  return SPAWN_PATH.split(':')
    .map((directory) => lookAt(path.join(directory, word)))
    .find(({ self }) => self !== undefined);
}

function nowhere(word: string): Place {
  return { path: word, parents: [], self: undefined, reason: 'ENOENT' };
}

/** Which of these services, and which processes, run as the user; filters are left out. */
function runningAs({ name, uid }: User, services: readonly Service[]): string[] {
  const asUser = new RegExp(`^user=${name.replace(/\W/g, '\\$&')}(:|$)`, 'i');
  const neighbours = services.filter(({ command }) => command.some((word) => asUser.test(word)));
  const processes = processesOf(uid).filter((words) => !words.some(isGreylatch));
  return [
    ...neighbours.map((service) => `the service ${nameOf(service)}`),
    ...new Set(processes.map(([program]) => `the process ${path.basename(program!.split(' ')[0]!)}`)),
  ];
}

function isRunning(queue: string): boolean {
  const pid = Number(attempt(() => readFileSync(path.join(queue, 'pid/master.pid'), 'latin1')) ?? 0);
  return pid > 0 && isAlive(pid);
}
