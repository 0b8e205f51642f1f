// The command line of a filter, read by the table of options. Runs at every start, so not with yargs: that takes three
// times as long to load as all the rest (85 ms).
import { OPTIONS, type Option, type OptionName } from './options.ts';
import {
  action,
  bits,
  choice,
  count,
  duration,
  logTarget,
  milliseconds,
  path,
  recipient,
  text,
  UsageError,
} from './values.ts';

/** What the options mean is said in OPTIONS. Times are in seconds, that of --store-timeout in milliseconds. */
export type FilterArguments = ReturnType<typeof filterArguments>;

/** The values given for each option, as typed, in the order of the command line. */
export type Words = Partial<Record<OptionName, string[]>>;

type ChoiceOf<N extends OptionName> = (typeof OPTIONS)[N] extends { choices: readonly (infer W)[] }
  ? W
  : never;

/** The settings of a filter; options that are not given have their defaults. Throws UsageError. */
export function filterArguments(words: Words) {
  const word = (name: OptionName) => words[name]?.at(-1) ?? (OPTIONS[name] as Option).default!;
  const one = <N extends OptionName>(name: N) => choice(name, word(name), OPTIONS[name]) as ChoiceOf<N>;
  const files = (name: OptionName) => (words[name] ?? []).map((file) => path(name, file));
  const flag = (name: OptionName) => words[name] !== undefined;
  const delay = duration('delay', word('delay'));
  const retryWindow = duration('retry-window', word('retry-window'));
  if (retryWindow > 0 && retryWindow <= delay)
    throw new UsageError(
      `--retry-window ${word('retry-window')}: has to be longer than --delay ${word('delay')}, or no new mail would ever pass; 0: for ever`,
    );
  return {
    db: path('db', word('db')),
    store: words.store?.at(-1),
    storePasswordFile: words['store-password-file']?.at(-1),
    storeTimeout: milliseconds('store-timeout', word('store-timeout')),
    delay,
    autoWhitelist: count('auto-whitelist', word('auto-whitelist')),
    clientKey: one('client-key'),
    ipv4Prefix: bits('ipv4-prefix', word('ipv4-prefix'), 32),
    ipv6Prefix: bits('ipv6-prefix', word('ipv6-prefix'), 128),
    senderKey: one('sender-key'),
    greylist: one('greylist'),
    dryRun: flag('dry-run'),
    retryWindow,
    maxAge: duration('max-age', word('max-age')),
    maxWaiting: count('max-waiting', word('max-waiting')),
    whitelistClients: files('whitelist-clients'),
    whitelistRecipients: files('whitelist-recipients'),
    onlyRecipients: files('only-recipients'),
    exceptRecipients: (words['except-recipient'] ?? []).map((text) => recipient('except-recipient', text)),
    roleAccounts: flag('role-accounts'),
    header: flag('header'),
    privacy: flag('privacy'),
    text: text('text', word('text')),
    action: action('action', word('action')),
    onError: one('on-error'),
    sync: one('sync'),
    timeLimit: duration('time-limit', word('time-limit')),
    log: logTarget('log', word('log')),
    verbose: flag('verbose'),
  };
}

/**
 * Reads a command line in its plain form: `--name value`, `--name=value` and `-v`. Undefined for any other: words.ts reads
 * those with yargs-parser, which would read this form to the same result, but takes 2 ms to load.
 */
export function plainWords(argv: string[]): Words | undefined {
  const words: Words = {};
  for (let i = 0; i < argv.length; i++) {
    const word = argv[i] === '-v' ? '--verbose' : argv[i]!;
    const equals = word.indexOf('=');
    const name = word.slice(2, equals < 0 ? undefined : equals);
    if (!word.startsWith('--') || !Object.hasOwn(OPTIONS, name)) return undefined;
    const known = name as OptionName;
    const flag = OPTIONS[known].kind === 'flag';
    if (flag && equals >= 0) return undefined;
    const value = flag ? 'true' : equals < 0 ? argv[++i] : word.slice(equals + 1);
    if (value === undefined || !/^[\w/.:][^"']*$/.test(value)) return undefined;
    words[known] = flag ? [value] : [...(words[known] ?? []), value];
  }
  return words;
}
