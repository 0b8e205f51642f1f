// smtpd's restriction lists, read as smtpd reads them: with restriction classes expanded, and where each asks a policy
// service. Text only.
import { nameOf, type Parameters, type Service, valueFor } from './postconf.ts';
import { tokens, unbraced } from './tokens.ts';

/** The lists that can hold check_policy_service, in the order in which smtpd evaluates them at RCPT TO. */
const LISTS = ['client', 'helo', 'sender', 'relay', 'recipient', 'data', 'end_of_data', 'etrn'].map(
  (stage) => `smtpd_${stage}_restrictions`,
);

export interface Step {
  name: string;
  /** Its argument, '' where it takes none. */
  argument: string;
  /** Whether warn_if_reject stands before it, so that it can only warn. */
  onlyWarns: boolean;
}

/** One check_policy_service of one smtpd service. */
export interface Question {
  service: Service;
  list: string;
  /** `main.cf: NAME`, or where the service sets it for itself. */
  where: string;
  steps: Step[];
  at: number;
  /** `unix:private/policy`, `inet:127.0.0.1:9998` */
  endpoint: string;
  /** Its own settings: timeout, default_action and so on. */
  settings: Readonly<Record<string, string>>;
}

export function smtpdServices(services: readonly Service[]): Service[] {
  return services.filter(({ command }) => command[0] === 'smtpd');
}

export function questionsOf(services: readonly Service[], parameters: Parameters): Question[] {
  return smtpdServices(services).flatMap((service) =>
    LISTS.flatMap((list) => {
      const steps = stepsOf(service, parameters, list);
      return steps.flatMap(({ name, argument }, at) => {
        if (name !== 'check_policy_service') return [];
        return [{ service, list, where: whereIs(service, list), steps, at, ...readEndpoint(argument) }];
      });
    }),
  );
}

/** What stands in the lists in place of a restriction, though smtpd(8) does not know it (it may be an undeclared class). */
export function unknownIn(
  services: readonly Service[],
  parameters: Parameters,
  isKnown: (name: string) => boolean,
): { where: string; name: string }[] {
  return smtpdServices(services).flatMap((service) =>
    LISTS.flatMap((list) => {
      const names = stepsOf(service, parameters, list).map(({ name }) => name);
      const end = names.indexOf('permit');
      return names
        .slice(0, end < 0 ? undefined : end)
        .filter((name) => !/[:/{]/.test(name) && !isKnown(name)) // TYPE:TABLE is one
        .map((name) => ({ where: whereIs(service, list), name }));
    }),
  );
}

export function stepsOf(service: Service, parameters: Parameters, list: string): Step[] {
  const classes = tokens(valueFor(service, parameters, 'smtpd_restriction_classes'), SEPARATORS);
  return expand(valueFor(service, parameters, list), (name) =>
    classes.includes(name) ? valueFor(service, parameters, name) : undefined,
  );
}

/** Restriction classes that ask a policy service, but that no list names: only an access table can lead there. */
export function hiddenClasses(parameters: Parameters): string[] {
  const classes = tokens(parameters.smtpd_restriction_classes ?? '', SEPARATORS);
  const named = [...LISTS, ...classes].flatMap((list) => tokens(parameters[list] ?? '', SEPARATORS));
  return classes.filter(
    (name) => !named.includes(name) && /(^|[\s,])check_policy_service[\s,]/.test(parameters[name] ?? ''),
  );
}

export function whereIs(service: Service, parameter: string): string {
  return Object.hasOwn(service.overrides, parameter)
    ? `master.cf: ${nameOf(service)} -o ${parameter}`
    : `main.cf: ${parameter}`;
}

export const SEPARATORS = ', \t\r\n';
const MOST_DEPTH = 10; // a class may name itself by mistake
const TAKES_ARGUMENT =
  /^(check_(?!relay_domains$).*|reject_rbl_client|reject_rhsbl_.*|permit_dnswl_client|permit_rhswl_client|sleep)$/;

function expand(value: string, classOf: (name: string) => string | undefined, depth = 0): Step[] {
  const words = tokens(value, SEPARATORS);
  const steps: Step[] = [];
  let onlyWarns = false;
  for (let i = 0; i < words.length; i++) {
    const name = words[i]!.toLowerCase();
    if (name === 'warn_if_reject') {
      onlyWarns = true;
      continue;
    }
    const members = depth < MOST_DEPTH ? classOf(words[i]!) : undefined;
    if (members !== undefined) steps.push(...expand(members, classOf, depth + 1));
    else
      steps.push({
        name,
        argument: TAKES_ARGUMENT.test(name) ? (words[++i] ?? '') : '',
        onlyWarns,
      });
    onlyWarns = false;
  }
  return steps;
}

/** `unix:private/policy`, or `{ unix:private/policy, default_action=DUNNO, { name = value } }`. */
function readEndpoint(argument: string): Pick<Question, 'endpoint' | 'settings'> {
  const [endpoint = '', ...settings] = tokens(unbraced(argument), SEPARATORS);
  const pairs = settings.map((setting) => /^([^=]*?)\s*=\s*(.*)$/s.exec(unbraced(setting)));
  return {
    endpoint,
    settings: Object.fromEntries(pairs.flatMap((pair) => (pair === null ? [] : [[pair[1]!, pair[2]!]]))),
  };
}
