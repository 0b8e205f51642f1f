// Postfix's configuration as postconf(1) prints it: parameters, the services of master.cf, and the parameters that these set
// for themselves. Runs nothing but postconf; changes nothing.
import { spawnSync } from 'node:child_process';
import { tokens, unbraced } from './tokens.ts';

export type Parameters = Readonly<Record<string, string>>;

/** A line of master.cf (master(5)), each column as it was typed. */
export interface Service {
  name: string;
  type: string;
  private: string;
  unprivileged: string;
  chroot: string;
  maxproc: string;
  /** The program and its arguments, { } taken off. */
  command: string[];
  /** What `-o name=value` sets for this service alone. */
  overrides: Parameters;
  /** How many lines of master.cf are for this service: master(8) uses the last one. */
  lines: number;
}

export interface Configuration {
  directory: string;
  /** ` -c DIR`, for commands in advice; '' where postconf finds the directory by itself. */
  option: string;
  version: string;
  /** All parameters, `$name` expanded. */
  parameters: Parameters;
  services: Service[];
  /** Warnings of postconf: mostly of unused and undefined parameters. */
  remarks: string[];
}

// Where root's PATH lacks them, as after `su` without a dash.
const SBIN = '/usr/sbin:/usr/local/sbin:/opt/postfix/sbin';

/** Throws an Error where there is no Postfix, or its configuration cannot be read. */
export function readConfiguration(directory: string | undefined): Configuration {
  const option = directory === undefined ? [] : ['-c', directory];
  const read = (...words: string[]) => postconf([...option, ...words]);
  const all = read('-x');
  const parameters = parseParameters(all.text);
  return {
    directory: directory ?? parameters.config_directory ?? '/etc/postfix',
    option: directory === undefined ? '' : ` -c ${directory}`,
    version: parameters.mail_version ?? '',
    parameters,
    services: parseServices(read('-M').text, read('-P', '-x').text),
    remarks: [...new Set(all.remarks)],
  };
}

function postconf(words: string[]): { text: string; remarks: string[] } {
  const env = { ...process.env, PATH: `${process.env.PATH ?? ''}:${SBIN}` };
  const run = spawnSync('postconf', words, { encoding: 'latin1', env, maxBuffer: 1 << 26 });
  if (run.error !== undefined) {
    const missing = (run.error as NodeJS.ErrnoException).code === 'ENOENT';
    throw new Error(
      missing ? 'postconf was not found; is Postfix installed on this machine?' : run.error.message,
    );
  }
  const said = run.stderr.split('\n').filter((line) => line !== '');
  if (run.status !== 0) {
    const why = said.find((line) => line.includes('fatal:')) ?? said.at(-1) ?? `status ${run.status}`;
    const mend = /: (No such file|Not a directory|Permission denied)/.test(why)
      ? 'name the directory of main.cf and master.cf with --config-dir'
      : 'Postfix cannot read it either; correct that line (one that continues another begins with a blank)';
    throw new Error(`${why.replace('fatal: ', '')}; ${mend}`);
  }
  return { text: run.stdout, remarks: said.map((line) => line.replace(/^.*?warning: /, '')) };
}

/** `name = value` a line. */
export function parseParameters(text: string): Parameters {
  const pairs = text.split('\n').map((line) => /^(\S+) =(?: (.*))?$/.exec(line));
  return Object.fromEntries(pairs.flatMap((pair) => (pair === null ? [] : [[pair[1]!, pair[2] ?? '']])));
}

/** Of `postconf -M` and `postconf -P` (`service/type/name = value`). */
export function parseServices(entries: string, overrides: string): Service[] {
  const own = Object.entries(parseParameters(overrides)).map(([key, value]) => {
    const [, service, name] = /^(.*\/[a-z-]+)\/([^/]+)$/.exec(key) ?? [];
    return { service, name: name!, value };
  });
  const services = entries
    .split('\n')
    .map((line) => /^(\S+) +(\S+) +(\S+) +(\S+) +(\S+) +\S+ +(\S+) +(.*)$/.exec(line))
    .filter((columns) => columns !== null)
    .map(([, name, type, hidden, unprivileged, chroot, maxproc, command]) => ({
      name: name!,
      type: type!,
      private: hidden!,
      unprivileged: unprivileged!,
      chroot: chroot!,
      maxproc: maxproc!,
      command: tokens(command!, ' \t').map(unbraced),
      overrides: Object.fromEntries(
        own
          .filter(({ service }) => service === `${name}/${type}`)
          .map(({ name: parameter, value }) => [parameter, value]),
      ),
    }));
  const linesOf = (service: Socket) => services.filter((other) => socketName(other) === socketName(service));
  return services
    .filter((service) => linesOf(service).at(-1) === service)
    .map((service) => ({ ...service, lines: linesOf(service).length }));
}

type Socket = Pick<Service, 'name' | 'type' | 'private'>;

function socketName({ name, type, private: hidden }: Socket): string {
  return `${type} ${type !== 'inet' && hidden === 'n' ? 'public' : 'private'} ${name}`;
}

/** `policy/unix`, as postconf names a service. */
export function nameOf({ name, type }: Service): string {
  return `${name}/${type}`;
}

/** Advice: a change of Postfix's files, and that Postfix has to read them again. */
export function andReload({ option }: Configuration, change: string): string {
  return `${change}, and "postfix${option} reload"`;
}

/** A parameter's value for a service: its own, or that of main.cf. */
export function valueFor(
  { overrides }: Pick<Service, 'overrides'>,
  parameters: Parameters,
  name: string,
): string {
  return overrides[name] ?? parameters[name] ?? '';
}

/** Where Postfix's programs work: relative paths of a service are relative to this. */
export function queueOf(parameters: Parameters): string {
  return parameters.queue_directory ?? '/';
}

/** Seconds of a time in main.cf (postconf(5): s, m, h, d, w; without a unit the parameter's own, `s` here). */
export function seconds(value: string): number | undefined {
  const match = /^(\d+)([smhdw]?)$/.exec(value.trim());
  if (match === null) return undefined;
  return Number(match[1]) * { '': 1, s: 1, m: 60, h: 3600, d: 86400, w: 604800 }[match[2]!]!;
}

/** Whether Postfix's version is at least this one. */
export function isAtLeast(version: string, major: number, minor: number): boolean {
  const [a = 0, b = 0] = version.split('.').map((part) => Number.parseInt(part, 10));
  return a > major || (a === major && b >= minor);
}

export const yes = (value: string | undefined): boolean => value?.trim().toLowerCase() === 'yes';
