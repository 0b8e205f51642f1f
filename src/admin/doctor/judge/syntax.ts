// What smtpd(8) cannot read in a check_policy_service: then it does not start, or answers mail with an error
// (policy_client_register and attr_override in its sources). Facts in, findings out.
import { type Finding, finding, once } from '../finding.ts';
import type { Facts } from '../gather.ts';
import { andReload, isAtLeast, seconds } from '../postconf.ts';
import { type Question, SEPARATORS, whereIs } from '../restrictions.ts';
import { tokens, unbraced } from '../tokens.ts';

const isTime = (value: string) => (seconds(value) ?? 0) >= 1;
const isText = (value: string) => value !== '';

/** What a policy service may have in { }, and the values that smtpd(8) takes. */
const SETTINGS: Record<string, (value: string) => boolean> = {
  timeout: isTime,
  max_idle: isTime,
  max_ttl: isTime,
  retry_delay: isTime,
  request_limit: (value) => /^\d+$/.test(value),
  try_limit: (value) => /^\d+$/.test(value) && Number(value) >= 1,
  default_action: isText,
  policy_context: isText,
};
const OUTSIDE = new RegExp(`^\\{?\\s*(${Object.keys(SETTINGS).join('|')})\\s*(=|$)`);

export function judgeSyntax({ configuration }: Facts, { where, steps, at }: Question): Finding[] {
  const { version } = configuration;
  const { argument } = steps[at]!;
  const hasBraces = isAtLeast(version, 3, 0);
  const service = tokens(unbraced(argument), SEPARATORS).find(isEndpoint) ?? 'unix:private/policy';
  const line = hasBraces ? `{ ${service}, default_action=DUNNO }` : service;
  const found = (what: string): Finding[] => {
    const mend = andReload(configuration, `check_policy_service ${line}`);
    return [finding('error', 'restriction', where, what, mend)];
  };
  const refuses = (what: string) =>
    found(`${what}, and all mail that gets there is answered with "451 4.3.5"`);
  if (argument === '') return refuses('nothing stands behind check_policy_service');
  if (argument.startsWith('{') && !hasBraces)
    return found(`smtpd(8) does not start: Postfix ${version} knows no { } here`);
  const fault = faultOf(argument);
  if (fault !== '') return found(`smtpd(8) does not start: ${fault}`);
  const outside = steps[at + 1]?.name ?? '';
  return OUTSIDE.test(outside)
    ? refuses(`"${outside}" stands outside of { }: smtpd(8) takes it for a restriction that it does not know`)
    : [];
}

/** The same settings for all policy services: a value that smtpd(8) does not take keeps it from starting. */
export function judgeSettings({ configuration, questions }: Facts): Finding[] {
  const { parameters } = configuration;
  const asking = [...new Set(questions.map(({ service }) => service))];
  const found = asking.flatMap((service) =>
    Object.entries(SETTINGS).flatMap(([name, isTaken]): Finding[] => {
      const parameter = `smtpd_policy_service_${name}`;
      const value = service.overrides[parameter] ?? parameters[parameter];
      if (value === undefined || isTaken(value) || name === 'policy_context') return [];
      const what = `smtpd(8) does not start: "${value}" is no value that it takes`;
      const mend = andReload(configuration, 'take it out, for the value that it has by default');
      return [finding('error', 'restriction', whereIs(service, parameter), what, mend)];
    }),
  );
  return once(found);
}

export function judgeUnknown({ configuration, unknown }: Facts, errors: readonly Finding[]): Finding[] {
  const { remarks } = configuration;
  // postconf(1) does not print what is nowhere used, but says so.
  const isClass = (name: string) => remarks.some((remark) => remark.includes(`: unused parameter: ${name}=`));
  return unknown
    .filter(({ where }) => !errors.some((error) => error.where === where)) // which may be why it stands there
    .map(({ where, name }) => {
      const what = `"${name}" is no restriction that this smtpd(8) knows: mail that gets there is answered with "451 4.3.5"`;
      const mend = isClass(name)
        ? `smtpd_restriction_classes = ${name} in main.cf`
        : `correct it in ${where}`;
      return finding('error', 'restriction', where, what, andReload(configuration, mend));
    });
}

/** Why smtpd(8) would not start; '' if it would. */
function faultOf(argument: string): string {
  const inner = unbraced(argument);
  if (inner === argument && argument.startsWith('{')) return '"}" is missing';
  const [endpoint = '', ...settings] = tokens(inner, SEPARATORS);
  if (!isEndpoint(endpoint)) return `"${endpoint}" begins with neither unix: nor inet:`;
  for (const [i, setting] of settings.entries()) {
    const [, name, value] = /^([^=]*?)\s*=\s*(.*)$/s.exec(unbraced(setting)) ?? [];
    if (name === undefined || value === undefined)
      return `"${setting}" is no NAME=VALUE; a value with blanks stands in braces of its own${example(settings, i)}`;
    if (!Object.hasOwn(SETTINGS, name)) return `"${name}" is no setting of a policy service`;
    if (value === '') return `${name}= has no value`;
    if (!SETTINGS[name]!(value)) return `${name}=${value} is no value that it takes`;
  }
  return '';
}

/** How the setting whose value goes on at the word `at` has to be written. */
function example(settings: readonly string[], at: number): string {
  const start = settings.slice(0, at).findLastIndex((setting) => setting.includes('='));
  if (start < 0) return '';
  const next = settings.findIndex((setting, i) => i > at && setting.includes('='));
  const words = settings.slice(start, next < 0 ? undefined : next).join(' ');
  return `: { ${words.replace(/\s*=\s*/, ' = ')} }`;
}

function isEndpoint(word: string): boolean {
  return /^(unix|local|inet):./.test(word);
}
