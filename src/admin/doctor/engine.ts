// Gathers facts about the engine of --store as this host sees it, for a service or for the command line. Judges nothing,
// changes nothing.
import path from 'node:path';
import type { Address } from '../../store/fleet/address.ts';
import type { Engine } from '../../store/fleet/examine.ts';
import type { Sources } from '../../store/fleet/secrets.ts';
import { engineAt } from '../records.ts';
import type { Entry } from './gather.ts';
import type { Place, User } from './permissions.ts';
import { lookAt } from './system.ts';

export interface EngineFacts {
  /** The --store in words. */
  where: string;
  /** A shell command that asks whether it is alive. */
  ping: string;
  /** The shell command that talks to its nodes, without host and user. */
  cli: string;
  encrypted: boolean;
  /** Whether a user or a password is given. */
  identified: boolean;
  /** Undefined: none is given. */
  passwordFile: Place | undefined;
  /** The user that has to read the password file; undefined where it is not known. */
  account: User | undefined;
  /** Of --store-timeout, in milliseconds. */
  timeout: number;
  /** Why it could not be asked, '' where it could; if not, `engine` is undefined. */
  trouble: string;
  engine: Engine | undefined;
}

export interface Asked {
  store: string;
  /** Where the paths of files begin that are relative. */
  directory: string;
  passwordFile: string | undefined;
  /** Milliseconds. */
  timeout: number;
  account: User | undefined;
  /** What filters may read, or a command by hand. */
  from: Sources;
}

/** The engines that services ask, each once. spawn(8) works in the `queue` directory: paths are relative to it. */
export function askedBy(entries: readonly Entry[], queue: string): Asked[] {
  const all = entries.flatMap(({ settings, account }): Asked[] => {
    if (settings?.store === undefined) return [];
    const { store, storePasswordFile: file, storeTimeout: timeout } = settings;
    const passwordFile = file === undefined ? undefined : path.resolve(queue, file);
    return [{ store, directory: queue, passwordFile, timeout, account, from: 'files' }];
  });
  return [...new Map(all.map((one) => [JSON.stringify(one), one])).values()];
}

/** Throws UsageError where --store is no address. */
export async function gatherEngine(asked: Asked): Promise<EngineFacts> {
  const { store, directory, passwordFile, timeout, account, from } = asked;
  const { address: given, opener } = engineAt(store);
  const address = { ...given, tls: filesFrom(directory, given.tls) };
  const known = {
    where: opener.nameOf(address),
    ping: pingOf(address, passwordFile !== undefined),
    cli: cliOf(address, passwordFile !== undefined && address.user === ''),
    encrypted: address.tls !== undefined,
    identified: passwordFile !== undefined || address.user !== '',
    passwordFile: passwordFile === undefined ? undefined : lookAt(passwordFile),
    account,
    timeout,
  };
  const lives = { retryWindow: 0, maxAge: 0 }; // nothing is stored
  try {
    const fleet = await opener.openEngine(address, { passwordFile, from, patience: timeout, lives });
    try {
      return { ...known, trouble: '', engine: await fleet.examine() };
    } finally {
      fleet.close();
    }
  } catch (error) {
    const trouble = (error as Error).message.replace(`${known.where}: `, '');
    return { ...known, trouble, engine: undefined };
  }
}

/** The certificates by paths that hold wherever one is: what is shown is to be typed. */
export function filesFrom(directory: string, tls: Address['tls']): Address['tls'] {
  const found = Object.entries(tls ?? {}).map(([name, file]) => [name, path.resolve(directory, file)]);
  return tls === undefined ? undefined : Object.fromEntries(found);
}

function pingOf(address: Address, hasPassword: boolean): string {
  const { kind, hosts, path: socket, name, user } = address;
  const [first] = hosts;
  const words = [
    cliOf(address, hasPassword || user !== ''),
    ...(first === undefined ? ['-s', socket] : ['-h', first.host, '-p', `${first.port}`]),
    ...(user === '' ? [] : ['--user', user]),
    ...(kind === 'sentinel' ? ['SENTINEL', 'GET-MASTER-ADDR-BY-NAME', name] : ['PING']),
  ];
  return words.join(' ');
}

/** `asks`: for a password, which goes into no command line. */
function cliOf({ tls }: Address, asks: boolean): string {
  const words = ['redis-cli'];
  if (tls !== undefined) words.push('--tls');
  if (tls?.ca !== undefined) words.push('--cacert', tls.ca);
  if (asks) words.push('--askpass');
  return words.join(' ');
}
