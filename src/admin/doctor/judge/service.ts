// The service's line in master.cf: its columns, how many filters it allows, and for how long. Facts in, findings out.
import { plural } from '../../text.ts';
import { hostAndPort, isLoopback } from '../endpoint.ts';
import { type Finding, finding, orOk } from '../finding.ts';
import type { Entry, Facts } from '../gather.ts';
import { andReload, type Service, seconds, valueFor } from '../postconf.ts';
import { smtpdServices, whereIs } from '../restrictions.ts';
import { judgeClientLimits } from './client.ts';

export function judgeService(facts: Facts, entry: Entry): Finding[] {
  const where = `master.cf: ${entry.name}`;
  const found = [
    ...judgeColumns(facts, entry),
    ...judgeProcessLimit(facts, entry),
    ...judgeTimeLimit(facts, entry),
  ];
  return orOk(found, 'service', where, 'columns and limits are right for spawn(8)');
}

/** Whether smtpd(8) can reach a service of this type. */
export function canBeAsked({ type }: Service): boolean {
  return type === 'unix' || type === 'inet';
}

function judgeColumns({ configuration }: Facts, { service, name }: Entry): Finding[] {
  const { option, parameters } = configuration;
  const where = `master.cf: ${name}`;
  const found: Finding[] = [];
  /** The check has the name of the column, as postconf(1) knows it. */
  const wrong = (column: string, what: string) => {
    const mend = `postconf${option} -F '${name}/${column}=n' && postfix${option} reload`;
    found.push(finding('error', column, where, what, mend));
  };
  if (service.unprivileged !== 'n') {
    wrong('unprivileged', 'column unpriv is not "n": spawn(8) needs its rights to change to user=');
  }
  if (!canBeAsked(service)) {
    const mend = andReload(configuration, `unix in place of ${service.type} in master.cf`);
    found.push(finding('error', 'type', where, `is of type ${service.type}: smtpd(8) cannot ask it`, mend));
  }
  // "-" means "y" where compatibility_level is 0 (COMPATIBILITY_README).
  const level = Number.parseFloat(parameters.compatibility_level ?? '0');
  if (service.chroot === 'y' || (service.chroot === '-' && !(level >= 1))) {
    wrong('chroot', 'column chroot is not "n": neither Node nor the program is in the chroot');
  }
  if (service.type !== 'inet') return found;
  if (service.private !== 'n') {
    wrong('private', 'column private is not "n": master(8) does not start with such an inet service');
  }
  const { host, port } = hostAndPort(service.name);
  if (!isLoopback(host) && !(host === '' && isLocalOnly(parameters.inet_interfaces))) {
    const what = 'listens beyond this host: anybody who reaches the port can fill the database';
    const change = `name the service 127.0.0.1:${port} in master.cf, its time limit 127.0.0.1:${port}_time_limit in main.cf`;
    found.push(finding('warning', 'loopback', where, what, andReload(configuration, change)));
  }
  return found;
}

function isLocalOnly(interfaces: string | undefined): boolean {
  const hosts = (interfaces ?? '').split(/[\s,]+/).filter((host) => host !== '');
  return (
    hosts.length > 0 &&
    hosts.every((host) => host === 'loopback-only' || isLoopback(host.replace(/[[\]]/g, '')))
  );
}

/** Every smtpd process that asks has a filter of its own. */
function judgeProcessLimit({ configuration, questions }: Facts, { service, name }: Entry): Finding[] {
  const { option, parameters, services } = configuration;
  const limit = (maxproc: string) => {
    const number = Number(maxproc === '-' ? (parameters.default_process_limit ?? 100) : maxproc);
    return number === 0 ? Number.POSITIVE_INFINITY : number;
  };
  const asking = smtpdServices(services).filter((smtpd) =>
    questions.some((question) => question.service === smtpd),
  );
  const needed = asking.reduce((sum, smtpd) => sum + limit(smtpd.maxproc), 0);
  const own = limit(service.maxproc);
  if (own >= needed) return [];
  const processes = Number.isFinite(needed) ? `${needed} processes` : 'any number of processes';
  const what = `at most ${plural(own, 'filter')} for ${processes} of smtpd(8): the others wait, then mail gets default_action`;
  const mend = `postconf${option} -F '${name}/process_limit=0' && postfix${option} reload`;
  return [finding('warning', 'process-limit', `master.cf: ${name}`, what, mend)];
}

/** The filter should end before spawn(8) kills it, but not before smtpd(8) is done with it. */
function judgeTimeLimit({ configuration }: Facts, { service, name, settings }: Entry): Finding[] {
  const { option, parameters } = configuration;
  const parameter = `${service.name}_time_limit`;
  const limit = seconds(valueFor(service, parameters, parameter));
  if (limit === undefined || settings === undefined) return [];
  const { timeLimit } = settings;
  if (timeLimit > 0 && timeLimit < limit) return judgeClientLimits(parameters, option, timeLimit);
  const own = Object.hasOwn(service.overrides, parameter);
  const leaves =
    timeLimit === 0 ? 'it never leaves by itself' : `it would leave by itself after ${timeLimit} s`;
  const what = `spawn(8) kills the filter after ${limit} s, also amid a request; ${leaves} (--time-limit)`;
  const mend =
    timeLimit === 0
      ? `in argv= of ${name}: --time-limit ${Math.floor(limit * 0.97)}`
      : `postconf${option} ${own ? `-P '${name}/` : "-e '"}${parameter}=${timeLimit + 100}s' && postfix${option} reload`;
  return [finding('warning', 'time-limit', whereIs(service, parameter), what, mend)];
}
