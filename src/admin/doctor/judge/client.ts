// smtpd(8) as the client of its policy services: how long it waits and keeps a connection, and what mail gets if it is not
// answered (SMTPD_POLICY_README: smtpd_policy_service_*, for all services or in { } for one). Facts in, findings out.
import { leadsTo } from '../endpoint.ts';
import { type Finding, finding, once } from '../finding.ts';
import type { Entry, Facts } from '../gather.ts';
import { andReload, isAtLeast, type Parameters, seconds, valueFor, yes } from '../postconf.ts';
import type { Question } from '../restrictions.ts';

const SHORT = 10; // seconds; a hundred filters that start at once on a small machine take some seconds

/** What mail gets if the filter cannot be run at all. */
export function judgeDefault({ configuration }: Facts, { where, endpoint, settings }: Question): Finding[] {
  const { parameters, version } = configuration;
  if (!isAtLeast(version, 3, 0)) return [];
  const action = settings.default_action ?? parameters.smtpd_policy_service_default_action ?? '';
  const line = `check_policy_service { ${endpoint}, default_action=DUNNO }`;
  const mend = andReload(configuration, `${line} in place of it`);
  if (/^dunno\b/i.test(action)) return [];
  const skips = /^(ok|permit|\d+$)/i.test(action);
  if (skips || /^(reject|5\d\d|discard)\b/i.test(action)) {
    const then = skips ? 'what stands behind it is skipped' : 'mail is lost';
    const what = `default_action=${action}: while the filter cannot be run, ${then}`;
    return [finding('warning', 'default-action', where, what, mend)];
  }
  const what = `if the filter cannot be run at all, mail gets "${action}"`;
  return [finding('note', 'default-action', where, what, mend)];
}

/** Whether smtpd(8) looks names up, where the filter's options go by them: else every client is `unknown`. */
export function judgeNames({ configuration }: Facts, entry: Entry, { service, where }: Question): Finding[] {
  const { clientKey, greylist } = entry.settings ?? {};
  const affected = [
    clientKey === 'pool' ? 'counts by its subnet, with --client-key pool too' : '',
    greylist === 'suspicious' ? 'is greylisted, with --greylist suspicious too' : '',
  ].filter((text) => text !== '');
  const lookup = valueFor(service, configuration.parameters, 'smtpd_peername_lookup') || 'yes';
  if (affected.length === 0 || yes(lookup)) return [];
  const what = `with smtpd_peername_lookup = no no client has a name: each ${affected.join(', and ')}`;
  const mend = `postconf${configuration.option} -e smtpd_peername_lookup=yes`;
  return [finding('warning', 'names', where, what, mend)];
}

/** smtpd(8) notices only at its next request that a filter has ended, and waits before it asks another one. */
export function judgeClientLimits(parameters: Parameters, option: string, life: number): Finding[] {
  return (['max_idle', 'max_ttl'] as const).flatMap((name): Finding[] => {
    const parameter = `smtpd_policy_service_${name}`;
    const kept = seconds(parameters[parameter] ?? '');
    if (kept === undefined || kept < life) return [];
    const what = `smtpd(8) keeps a connection for ${kept} s, a filter lives ${life} s: some requests wait a second for it`;
    const mend = `postconf${option} -e '${parameter}=${Math.floor(life / 3)}s'`;
    return [finding('note', 'client', `main.cf: ${parameter}`, what, mend)];
  });
}

const ODD: Record<string, { usual: string; odd(value: string): string }> = {
  timeout: {
    usual: '100s',
    odd: (value) =>
      (seconds(value) ?? SHORT) < SHORT ? 'on a busy machine, mail gets default_action without need' : '',
  },
  try_limit: {
    usual: '2',
    odd: (value) => (Number(value) < 2 ? 'a filter that was killed is not asked again' : ''),
  },
  retry_delay: {
    usual: '1s',
    odd: (value) => ((seconds(value) ?? 0) > SHORT ? 'clients wait that long after every reconnection' : ''),
  },
  request_limit: {
    usual: '0',
    odd: (value) => (Number(value) > 0 ? 'filters are started anew without need' : ''),
  },
};

/** Settings that make trouble. */
export function judgeClient({ configuration, questions, entries }: Facts): Finding[] {
  const { parameters, option } = configuration;
  const own = questions.filter(({ endpoint }) =>
    entries.some(({ service }) => leadsTo(endpoint, service, parameters)),
  );
  const findings = own.flatMap(({ where, settings }) =>
    Object.entries(ODD).flatMap(([name, judge]): Finding[] => {
      const parameter = `smtpd_policy_service_${name}`;
      const value = settings[name] ?? parameters[parameter];
      const odd = value === undefined ? '' : judge.odd(value);
      if (odd === '') return [];
      const what = `${settings[name] === undefined ? '' : `${name}=`}${value}: ${odd}`;
      const place = settings[name] === undefined ? `main.cf: ${parameter}` : where;
      const mend = `postconf${option} -e '${parameter}=${judge.usual}'`;
      return [finding('note', 'client', place, what, mend)];
    }),
  );
  return once(findings);
}
