// Gathers all the facts that are judged, from postconf, the machine and the database. Judges nothing, changes nothing.
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import type { FilterArguments } from '../../cli/arguments.ts';
import { DamageError } from '../../store/damage.ts';
import { isAlive } from '../../store/disk/alive.ts';
import { litterBeside } from '../../store/disk/files.ts';
import { checkPlace } from '../../store/disk/place.ts';
import { closeFile, openFile, readHead } from '../../store/pages/file.ts';
import { lockPath } from '../../store/pages/lock.ts';
import { queuePath } from '../../store/queue/read.ts';
import { foreign, wasDatabase } from '../../store/rescue/ours.ts';
import { socketAt, socketOf } from './endpoint.ts';
import type { Place, User } from './permissions.ts';
import { type Configuration, nameOf, type Service } from './postconf.ts';
import { type Question, questionsOf } from './restrictions.ts';
import { type Invocation, isGreylatch, readInvocation } from './spawn.ts';
import {
  attempt,
  groupNamed,
  isLink,
  lookAt,
  type Mount,
  mountOf,
  processesOf,
  type Run,
  readMounts,
  realpath,
  runAs,
  SPAWN_PATH,
  type Space,
  spaceAt,
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
  devLog: Place;
  entries: Entry[];
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
  database: Database | undefined;
  /** The file of `--log file:`, and its directory. */
  log: { file: Place; directory: Place } | undefined;
  /** The whitelist files. */
  lists: { option: string; file: Place }[];
}

export interface Database {
  path: string;
  isLink: boolean;
  directory: Place;
  file: Place;
  lock: Place;
  /** False where doctor may not read the file, since it does not run as root; then what follows is not known. */
  looked: boolean;
  /** Why a filter would refuse the place, '' if it would not. */
  place: string;
  /** What is wrong with the head of the file, '' for nothing. */
  damage: string;
  /** Damaged files that were set aside. */
  aside: string[];
  /** What commands and filters that were killed have left half made. */
  litter: string[];
  /** Whether other programs' files lie, or may lie, in its directory, which then must not be given to the filter's user. */
  shared: boolean;
  mount: Mount | undefined;
  space: Space | undefined;
}

/** `db` is used where no service of master.cf runs greylatch. */
export function gather(configuration: Configuration, db: string | undefined): Facts {
  const { parameters, services } = configuration;
  const queue = parameters.queue_directory ?? '/';
  const questions = questionsOf(services, parameters);
  const entries = services.flatMap((service) => {
    const invocation = readInvocation(service, (word) => realpath(path.resolve(queue, word)) ?? word);
    return invocation === undefined ? [] : [gatherEntry(invocation, services, queue)];
  });
  const paths = [
    ...questions.map(({ endpoint }) => socketAt(endpoint, parameters)),
    ...entries.map(({ service }) => (service.type === 'unix' ? socketOf(service, parameters) : undefined)),
  ].filter((socket) => socket !== undefined);
  return {
    configuration,
    root: process.getuid?.() === 0,
    running: isRunning(queue),
    mailOwner: userNamed(parameters.mail_owner ?? ''),
    setgidGroup: groupNamed(parameters.setgid_group ?? ''),
    questions,
    sockets: Object.fromEntries(paths.map((socket) => [socket, lookAt(socket)])),
    devLog: lookAt('/dev/log'),
    entries,
    database: entries.length === 0 && db !== undefined ? gatherDatabase(path.resolve(db)) : undefined,
  };
}

/** spawn(8) works in the queue directory: relative paths are relative to that. */
function gatherEntry(invocation: Invocation, services: readonly Service[], queue: string): Entry {
  const { service, user, group, program, node, script, settings } = invocation;
  const account = userNamed(user, group);
  const cwd = lookAt(queue).self === undefined ? '/' : queue;
  const nodePlace = lookForCommand(node ?? 'node', queue); // the script's first line asks env(1) for it
  const command = node === undefined ? lookForCommand(script, queue) : undefined;
  const runnable = account !== undefined && account.uid !== 0;
  const log = settings?.log.startsWith('file:') ? path.resolve(queue, settings.log.slice(5)) : undefined;
  return {
    ...invocation,
    name: nameOf(service),
    account,
    others: account === undefined ? [] : othersThan(service, account, services),
    nodePlace,
    scriptPlace: command ?? lookAt(path.resolve(queue, script)),
    nodeRun: runnable && nodePlace?.self ? runAs(account, cwd, [nodePlace.path, '--version']) : undefined,
    run: runnable ? runAs(account, cwd, [...program, '--version']) : undefined,
    database: settings === undefined ? undefined : gatherDatabase(path.resolve(queue, settings.db)),
    log: log === undefined ? undefined : { file: lookAt(log), directory: lookAt(path.dirname(log)) },
    lists: settings === undefined ? [] : listsOf(settings, queue),
  };
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

/** Services and processes of the same user, except filters. */
function othersThan(service: Service, { name, uid }: User, services: readonly Service[]): string[] {
  const asUser = new RegExp(`^user=${name.replace(/\W/g, '\\$&')}(:|$)`, 'i');
  const neighbours = services
    .filter((other) => other !== service && other.command.some((word) => asUser.test(word)))
    .filter((other) => readInvocation(other, (word) => realpath(word) ?? word) === undefined);
  const processes = processesOf(uid).filter((words) => !words.some(isGreylatch));
  return [
    ...neighbours.map((other) => `the service ${nameOf(other)}`),
    ...new Set(processes.map(([program]) => `the process ${path.basename(program!.split(' ')[0]!)}`)),
  ];
}

/** The files that may lie in a directory of ours alone, greylist.pl's database among them. */
const OURS = /^grey(list|latch)/;

function gatherDatabase(file: string): Database {
  const directory = path.dirname(file);
  const beside = attempt(() => readdirSync(directory)) ?? [];
  const looked = process.getuid?.() === 0;
  return {
    path: file,
    isLink: isLink(file),
    directory: lookAt(directory),
    file: lookAt(file),
    lock: lookAt(lockPath(file)),
    looked,
    ...(looked ? lookInto(file) : { place: '', damage: '' }),
    aside: beside.filter((name) => name.startsWith(`${path.basename(file)}.damaged-`)).sort(),
    litter: [file, lockPath(file), queuePath(file)].flatMap(
      (each) => attempt(() => litterBeside(each)) ?? [],
    ),
    shared: beside.some((name) => !name.startsWith(path.basename(file)) && !OURS.test(name)),
    mount: mountOf(realpath(directory) ?? directory, readMounts()),
    space: spaceAt(directory),
  };
}

/** What a filter would find at its first look. */
function lookInto(file: string): Pick<Database, 'place' | 'damage'> {
  try {
    checkPlace(file);
    const opened = openFile(file);
    if (opened === undefined) return { place: '', damage: '' };
    try {
      readHead(opened);
    } finally {
      closeFile(opened);
    }
    return { place: '', damage: '' };
  } catch (error) {
    const { message } = error as Error;
    if (!(error instanceof DamageError)) return { place: message, damage: '' };
    return wasDatabase(file) ? { place: '', damage: message } : { place: foreign(file, message), damage: '' };
  }
}

function isRunning(queue: string): boolean {
  const pid = Number(attempt(() => readFileSync(path.join(queue, 'pid/master.pid'), 'latin1')) ?? 0);
  return pid > 0 && isAlive(pid);
}
