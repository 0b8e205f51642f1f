// Which services ask the filter, whether their questions reach it, and what mail gets if not. Facts in, findings out.
import path from 'node:path';
import { hostAndPort, isLoopback, leadsTo, socketAt, socketOf } from '../endpoint.ts';
import { type Finding, finding, once, orOk } from '../finding.ts';
import type { Entry, Facts } from '../gather.ts';
import { andReload, isAtLeast, nameOf, queueOf } from '../postconf.ts';
import { hiddenClasses, smtpdServices, whereIs } from '../restrictions.ts';
import { judgeClient, judgeDefault, judgeNames } from './client.ts';
import { isForStrangers, judgePosition } from './position.ts';
import { canBeAsked } from './service.ts';
import { judgeSettings, judgeSyntax, judgeUnknown } from './syntax.ts';

const RECIPIENT = 'smtpd_recipient_restrictions';

export function judgeQuestions(facts: Facts): Finding[] {
  const { configuration, questions, entries } = facts;
  const { parameters, services } = configuration;
  const unreadable = new Map(questions.map((question) => [question, judgeSyntax(facts, question)]));
  const errors = [...unreadable.values()].flat();
  const found: Finding[] = [...judgeStrays(facts), ...errors, ...judgeUnknown(facts, errors)];
  const isReadable = found.length === 0;
  for (const entry of entries) {
    const own = questions.filter(({ endpoint }) => leadsTo(endpoint, entry.service, parameters));
    // What cannot be read or leads nowhere may be what was meant to ask it.
    if (own.length === 0 && isReadable && canBeAsked(entry.service))
      found.push(judgeUnasked(facts, entry, isAnyAsked(facts)));
    const all = own.flatMap((question) => {
      const its = unreadable.get(question)!;
      if (its.length > 0) return its;
      return [
        ...judgePosition(facts, question),
        ...judgeDefault(facts, question),
        ...judgeNames(facts, entry, question),
      ];
    });
    const lists = [...new Set(own.map(({ where }) => where))].join(', ');
    if (own.length > 0)
      found.push(...orOk(once(all), 'position', lists, `smtpd(8) asks ${entry.name} at the right place`));
    found.push(...judgeSocket(facts, entry));
    const silent = smtpdServices(services).filter(
      (smtpd) => own.length > 0 && isForStrangers(smtpd) && !own.some(({ service }) => service === smtpd),
    );
    for (const smtpd of silent) {
      const what = 'mail to this service is not greylisted: its own lists have no check_policy_service';
      const mend = andReload(configuration, `take the -o ${RECIPIENT} out of ${nameOf(smtpd)} in master.cf`);
      found.push(finding('note', 'unasked', `master.cf: ${nameOf(smtpd)}`, what, mend));
    }
  }
  return [...found, ...judgeSettings(facts), ...judgeClient(facts)];
}

function isAnyAsked({ configuration, questions, entries }: Facts): boolean {
  return questions.some(({ endpoint }) =>
    entries.some(({ service }) => leadsTo(endpoint, service, configuration.parameters)),
  );
}

function judgeUnasked({ configuration }: Facts, { service, name }: Entry, othersAreAsked: boolean): Finding {
  const { parameters, services, version } = configuration;
  const endpoint =
    service.type === 'unix'
      ? `unix:${service.private === 'n' ? 'public' : 'private'}/${service.name}`
      : `inet:${service.name}`;
  const [hidden] = hiddenClasses(parameters).filter((each) => parameters[each]?.includes(endpoint));
  if (hidden !== undefined) {
    const what =
      'only an access table can lead to this restriction class; whether reject_unauth_destination comes before that was not examined';
    return finding('note', 'unasked', `main.cf: ${hidden}`, what);
  }
  const severity = othersAreAsked ? 'note' : 'error';
  const over = services.find(({ overrides }) => overrides[RECIPIENT] !== undefined);
  if (over !== undefined && parameters[RECIPIENT]?.includes(endpoint)) {
    const what = `nothing is greylisted: this list hides that of main.cf, which asks ${name}`;
    const change = `take the -o ${RECIPIENT} out of ${nameOf(over)} in master.cf (or complete it: with blanks it stands in { })`;
    const mend = andReload(configuration, change);
    return finding(severity, 'unasked', whereIs(over, RECIPIENT), what, mend);
  }
  const line = isAtLeast(version, 3, 0) ? `{ ${endpoint}, default_action=DUNNO }` : endpoint;
  const what = `${othersAreAsked ? '' : 'nothing is greylisted: '}no restriction list of smtpd(8) asks this service`;
  const mend = andReload(
    configuration,
    `in main.cf, at the end of ${RECIPIENT}: check_policy_service ${line}`,
  );
  return finding(severity, 'unasked', `master.cf: ${name}`, what, mend);
}

/** Questions that neither a service of master.cf nor another program's socket answers. */
function judgeStrays({ configuration, questions, sockets, stale, running, root, ports }: Facts): Finding[] {
  const { parameters, services } = configuration;
  const withinQueue = (socket: string) => path.relative(queueOf(parameters), socket);
  const findings = questions.flatMap(({ endpoint, list, where, service: smtpd }): Finding[] => {
    const add = (what: string, mend: string): Finding[] => [finding('error', 'endpoint', where, what, mend)];
    const isOurs = services.some((service) => leadsTo(endpoint, service, parameters));
    if (running && !isOurs && isDeadPort(endpoint, ports)) {
      const what = `${endpoint}: nobody listens there, so that mail gets the default_action, "451 4.3.5 ..." without one`;
      const change = `start what should listen there; or, if that is not used any more, take it out of ${list}`;
      return add(what, andReload(configuration, change));
    }
    const socket = socketAt(endpoint, parameters);
    if (socket === undefined || isOurs) {
      if (socket === undefined || !endpoint.includes(':/') || smtpd.chroot !== 'y') return [];
      return add(
        `${endpoint} does not exist for ${nameOf(smtpd)}, which is in a chroot`,
        `write unix:${withinQueue(socket)}`,
      );
    }
    const near = services.find(({ name, type }) => type === 'unix' && socket.endsWith(`/${name}`));
    const place = sockets[socket];
    // It may be another program's socket, in a directory that only root can look into.
    const isLeft = running && stale.includes(socket);
    if (isLeft && near === undefined)
      return add(
        `${endpoint}: nobody listens there; the socket is left of a service that master.cf had before`,
        'write the name of the service in master.cf, unix:private/NAME',
      );
    if (near === undefined && (place?.self !== undefined || (!root && place?.reason !== 'ENOENT'))) return [];
    const what = `${endpoint}: no service of master.cf listens there`;
    if (near === undefined) return add(what, 'write the name of the service in master.cf, unix:private/NAME');
    return add(
      what,
      `write unix:${withinQueue(socketOf(near, parameters))}, as the private column of ${nameOf(near)} says`,
    );
  });
  return once(findings);
}

/** A port of this host, by number, on which nobody listens: what used to greylist before, say. */
function isDeadPort(endpoint: string, ports: Facts['ports']): boolean {
  const { host, port } = hostAndPort(endpoint.replace(/^inet:/, ''));
  if (!endpoint.startsWith('inet:') || !/^\d+$/.test(port) || ports === undefined) return false;
  return (host === '' || isLoopback(host)) && !ports.has(Number(port));
}

function judgeSocket(
  { configuration, sockets, running, root, mailOwner }: Facts,
  { service, name }: Entry,
): Finding[] {
  if (service.type !== 'unix' || !root) return []; // others see neither the process nor the socket
  const { parameters, option } = configuration;
  const where = socketOf(service, parameters);
  const socket = sockets[where];
  if (!running) return [finding('note', 'socket', where, 'Postfix is not running', `postfix${option} start`)];
  const reload = `postfix${option} reload`;
  if (socket?.self === undefined) {
    const mend = `${reload} (and see the mail log if that does not help)`;
    return [finding('error', 'socket', where, `Postfix does not listen for ${name} yet`, mend)];
  }
  if (socket.self.kind !== 'socket')
    return [finding('error', 'socket', where, 'is no socket', `rm ${where}; ${reload}`)];
  const rights = `postfix${option} set-permissions && ${reload}`;
  // Whoever can reach the socket can fill the database; master(8) makes it 0666, so its directory has to keep others out.
  const directory = socket.parents.at(-1);
  if (directory !== undefined && (directory.mode & 0o001) !== 0) {
    const what = `every user of this machine can ask the filter: ${directory.path} may be searched by all`;
    return [finding('warning', 'socket', where, what, rights)];
  }
  if ((socket.self.mode & 0o200) === 0 || (mailOwner !== undefined && directory?.uid !== mailOwner.uid)) {
    return [finding('error', 'socket', where, 'smtpd(8) cannot connect to it', rights)];
  }
  return [];
}
