// The command line of a filter, from the table of options. Runs at every start: no yargs here, which takes
// three times as long to load as all the rest (FACTS: 85 ms).
import type { OnError } from '../filter/answer.ts';
import type { LogTarget } from '../log/log.ts';
import { OPTIONS, type Option, type OptionName } from './options.ts';
import { action, choice, count, duration, logTarget, path, text } from './values.ts';

export interface FilterArguments {
  db: string;
  /** Seconds. */
  delay: number;
  autoWhitelist: number;
  text: string;
  action: string;
  onError: OnError;
  sync: 'later' | 'always';
  /** Seconds; 0: none. */
  timeLimit: number;
  log: LogTarget;
  /** False where the log is the default. */
  logGiven: boolean;
  verbose: boolean;
}

/** What the command line gives for each option, as it was typed. */
export type Words = Partial<Record<OptionName, string>>;

/** Throws UsageError. */
export function filterArguments(words: Words): FilterArguments {
  const word = (name: OptionName) => words[name] ?? (OPTIONS[name] as Option).default!;
  return {
    db: path('db', word('db')),
    delay: duration('delay', word('delay')),
    autoWhitelist: count('auto-whitelist', word('auto-whitelist')),
    text: text('text', word('text')),
    action: action('action', word('action')),
    onError: choice('on-error', word('on-error'), OPTIONS['on-error']) as OnError,
    sync: choice('sync', word('sync'), OPTIONS.sync) as 'later' | 'always',
    timeLimit: duration('time-limit', word('time-limit')),
    log: logTarget('log', word('log')),
    logGiven: words.log !== undefined,
    verbose: words.verbose !== undefined,
  };
}

/**
 * Reads a command line in its plain form: `--name value`, `--name=value` and `-v`. Undefined for any other,
 * which yargs-parser reads (words.ts) as it reads this one too, only 2 ms later.
 */
export function plainWords(argv: string[]): Words | undefined {
  const words: Words = {};
  for (let i = 0; i < argv.length; i++) {
    const word = argv[i]!;
    if (word === '-v' || word === '--verbose') {
      words.verbose = 'true';
      continue;
    }
    const equals = word.indexOf('=');
    const name = word.slice(2, equals < 0 ? undefined : equals);
    const value = equals < 0 ? argv[++i] : word.slice(equals + 1);
    const known = word.startsWith('--') && Object.hasOwn(OPTIONS, name) && name !== 'verbose';
    if (!known || value === undefined || !/^[\w/.:][^"']*$/.test(value)) return undefined;
    words[name as OptionName] = value;
  }
  return words;
}
