// Whether check_policy_service stands after what keeps the server from relaying, and where it is reached at all. Facts in,
// findings out.
import { type Finding, finding } from '../finding.ts';
import type { Facts } from '../gather.ts';
import { andReload, isAtLeast, type Service, valueFor, yes } from '../postconf.ts';
import { type Question, type Step, stepsOf } from '../restrictions.ts';

const RELAY = 'smtpd_relay_restrictions';
const RECIPIENT = 'smtpd_recipient_restrictions';
// What smtpd(8) accepts as a relay policy (rcpt_required in its sources).
const GUARDS = [
  'reject_unauth_destination',
  'defer_unauth_destination',
  'reject',
  'defer',
  'defer_if_permit',
  'check_relay_domains',
];
const ENDS = ['permit', 'reject', 'defer'];
// They permit all mail for the domains of this server (postconf(5)).
const ENDS_FOR_OWN_DOMAINS = ['permit_auth_destination', 'permit_mx_backup'];
/** Ports on which users submit their mail. */
const SUBMISSION = /^(?:.*:)?(submissions?|smtps|587|465)$/;

export function judgePosition(facts: Facts, question: Question): Finding[] {
  const { list, where, steps, at } = question;
  const reloaded = (change: string) => andReload(facts.configuration, change);
  const ends = [...ENDS, ...ENDS_FOR_OWN_DOMAINS];
  const end = steps.slice(0, at).find(({ name, onlyWarns }) => ends.includes(name) && !onlyWarns);
  if (end !== undefined) {
    const whose = ENDS_FOR_OWN_DOMAINS.includes(end.name) ? ' for all mail to your domains' : '';
    const what = `check_policy_service is never reached: "${end.name}" before it ends the list${whose}`;
    const mend = reloaded(`move check_policy_service before "${end.name}" in ${list}`);
    return [finding('error', 'unreached', where, what, mend)];
  }
  const found: Finding[] = [];
  if (steps[at]!.onlyWarns) {
    const what = 'warn_if_reject before check_policy_service: nothing is deferred';
    found.push(finding('error', 'warns', where, what, reloaded('take out warn_if_reject')));
  }
  found.push(...judgeStage(facts, question), ...judgeGuard(facts, question), ...judgeOwn(facts, question));
  found.push(...judgeNetworks(facts, question));
  const later = steps.slice(at + 1).find(({ name }) => name.startsWith('reject_'));
  if (later !== undefined && later.name !== 'reject_unauth_destination') {
    const what = `mail that ${later.name} rejects behind it is stored in the database, too`;
    const mend = reloaded(`check_policy_service as the last one in ${list}`);
    found.push(finding('note', 'last', where, what, mend));
  }
  return found;
}

/** Whether own users and own hosts are spared. */
function judgeOwn({ configuration }: Facts, { service, list, where, steps, at }: Question): Finding[] {
  const { parameters } = configuration;
  const isBefore = (wanted: string) => steps.slice(0, at).some(({ name }) => name === wanted);
  if (SUBMISSION.test(service.name) && !isBefore('permit_sasl_authenticated')) {
    const what = `${service.name} is where users hand in mail: clients that are not logged in are greylisted there`;
    const mend = `in master.cf, below ${service.name}: -o smtpd_recipient_restrictions=permit_sasl_authenticated,reject`;
    return [finding('note', 'submission', where, what, mend)];
  }
  if (list !== RECIPIENT || isBefore('permit_mynetworks') || !parameters.mynetworks) return [];
  const mend = andReload(configuration, `permit_mynetworks before it in ${list}`);
  return [finding('note', 'own-hosts', where, 'your own hosts are greylisted, too', mend)];
}

/** Whether strangers count as own hosts. */
function judgeNetworks({ configuration }: Facts, { where, service, steps, at }: Question): Finding[] {
  const { parameters } = configuration;
  if (!steps.slice(0, at).some(({ name }) => name === 'permit_mynetworks')) return [];
  const networks = valueFor(service, parameters, 'mynetworks').split(/[\s,]+/);
  const wide = networks.find(isWide);
  if (wide === undefined) return [];
  const what = `permit_mynetworks lets strangers pass without greylisting, and relay mail: mynetworks has ${wide}`;
  const mend = andReload(configuration, 'only your own networks in mynetworks');
  return [finding('error', 'own-hosts', where, what, mend)];
}

/** A network that is nobody's own: wider than 10.0.0.0/8, or fc00::/7. */
function isWide(network: string): boolean {
  const [, address, prefix] = /^\[?([\da-f:.]+)\]?\/(\d+)$/i.exec(network) ?? [];
  return address !== undefined && Number(prefix) < (address.includes(':') ? 7 : 8);
}

/** Whether the attributes that it needs are known when it is asked (SMTPD_POLICY_README: attributes by protocol state). */
function judgeStage({ configuration }: Facts, { service, list, where }: Question): Finding[] {
  const mend = andReload(configuration, `move check_policy_service to the end of ${RECIPIENT}`);
  if (list === RECIPIENT || list === RELAY) return [];
  const found = (severity: Finding['severity'], what: string) => [
    finding(severity, 'stage', where, what, mend),
  ];
  if (list === 'smtpd_etrn_restrictions')
    return found('error', 'mail is never greylisted: this list is for ETRN only');
  if (list === 'smtpd_data_restrictions' || list === 'smtpd_end_of_data_restrictions') {
    return found('warning', 'at this stage, mail to several recipients comes without recipient');
  }
  if (!yes(valueFor(service, configuration.parameters, 'smtpd_delay_reject') || 'yes')) {
    return found(
      'error',
      'with smtpd_delay_reject = no, this list is looked at before the recipient is known',
    );
  }
  return found(
    'note',
    'asked before the recipient is checked: mail for elsewhere and for nobody is stored, too',
  );
}

/**
 * A policy service that answered OK (a default_action may) would end its list with a permit. That makes an open relay unless
 * something else, another list or an earlier restriction of this one, refuses strangers' mail for elsewhere.
 */
function judgeGuard({ configuration }: Facts, question: Question): Finding[] {
  const { service, list, where, steps, at } = question;
  if (list !== RELAY && list !== RECIPIENT) return [];
  const { parameters, version } = configuration;
  const hasRelay = isAtLeast(version, 2, 10);
  const guarded = guardOf(steps);
  if (guarded >= 0 && guarded < at) return [];
  const other = list === RECIPIENT ? RELAY : RECIPIENT;
  const guard = list === RECIPIENT && !hasRelay ? -1 : guardOf(stepsOf(service, parameters, other));
  const mend = andReload(
    configuration,
    `in main.cf: reject_unauth_destination before check_policy_service in ${list}`,
  );
  if (guard >= 0) {
    const first = yes(parameters.smtpd_relay_before_recipient_restrictions);
    if (list === RECIPIENT && first) return [];
    const what = `strangers' attempts to relay are stored, too: ${other}, which refuses them, comes later`;
    return [finding('note', 'relay-later', where, what, mend)];
  }
  const what =
    guarded < 0
      ? `no reject_unauth_destination in ${RECIPIENT}${hasRelay ? ` nor ${RELAY}` : ''}: an open relay, and smtpd(8) does not start`
      : 'check_policy_service stands before reject_unauth_destination: an OK in place of an answer makes an open relay';
  return [finding('error', 'open-relay', where, what, mend)];
}

/** The index in the list of the first restriction that refuses strangers' mail for elsewhere; -1: there is none. */
function guardOf(steps: Step[]): number {
  const at = steps.findIndex(({ name, onlyWarns }) => GUARDS.includes(name) && !onlyWarns);
  const permit = steps.findIndex(({ name }) => name === 'permit');
  return permit >= 0 && permit < at ? -1 : at;
}

/** Whether the service takes mail from strangers. */
export function isForStrangers({ name, type }: Service): boolean {
  return type === 'pass' || /^(?:.*:)?(smtp|25)$/.test(name);
}
