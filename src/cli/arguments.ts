// The command line of a filter, read by the table of options. Runs at every start, so not with yargs: that takes three
// times as long to load as all the rest (85 ms).
import type { LogTarget } from '../log/log.ts';
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

export interface FilterArguments {
  db: string;
  /** The URL of the engine that several hosts share; undefined: there is none. */
  store: string | undefined;
  storePasswordFile: string | undefined;
  /** Milliseconds. */
  storeTimeout: number;
  /** Seconds. */
  delay: number;
  autoWhitelist: number;
  clientKey: 'address' | 'subnet' | 'pool';
  /** Bits. */
  ipv4Prefix: number;
  ipv6Prefix: number;
  senderKey: 'exact' | 'normalised';
  greylist: 'all' | 'suspicious' | 'observe';
  dryRun: boolean;
  /** Seconds; 0: for ever. */
  retryWindow: number;
  maxAge: number;
  /** 0: no bound. */
  maxWaiting: number;
  /** Names of files. */
  whitelistClients: string[];
  whitelistRecipients: string[];
  onlyRecipients: string[];
  /** In lower case. */
  exceptRecipients: string[];
  roleAccounts: boolean;
  header: boolean;
  privacy: boolean;
  text: string;
  action: string;
  onError: 'dunno' | 'defer' | 'exit';
  sync: 'later' | 'always';
  /** Seconds; 0: none. */
  timeLimit: number;
  log: LogTarget;
  verbose: boolean;
}

/** The values given for each option, as typed, in the order of the command line. */
export type Words = Partial<Record<OptionName, string[]>>;

/** The settings of a filter; options that are not given have their defaults. Throws UsageError. */
export function filterArguments(words: Words): FilterArguments {
  const word = (name: OptionName) => words[name]?.at(-1) ?? (OPTIONS[name] as Option).default!;
  const one = <T extends string>(name: OptionName) => choice(name, word(name), OPTIONS[name]) as T;
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
