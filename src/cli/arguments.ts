// The command line of a filter, from the table of options. Runs at every start: no yargs here, which takes
// longer to load than all the rest (FACTS: 85 ms), only its parser.
import parse from 'yargs-parser';
import type { OnError } from '../filter/answer.ts';
import type { LogTarget } from '../log/log.ts';
import { OPTIONS, type Option, type OptionName } from './options.ts';
import { action, choice, count, duration, logTarget, path, text, UsageError } from './values.ts';

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

const names = Object.keys(OPTIONS) as OptionName[];

/** Throws UsageError. */
export function filterArguments(argv: string[]): FilterArguments {
  const words = argv.length === 0 ? {} : readWords(argv);
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

/** The words given for each option. What the table does not know is an error. */
function readWords(argv: string[]): Partial<Record<OptionName, string>> {
  const isFlag = (name: OptionName) => OPTIONS[name].kind === 'flag';
  const { _: rest, ...given } = parse(argv, {
    string: names.filter((name) => !isFlag(name)),
    boolean: names.filter(isFlag),
    alias: Object.fromEntries(names.flatMap((name) => aliasOf(name).map((alias) => [name, [alias]]))),
    configuration: {
      'boolean-negation': false,
      'camel-case-expansion': false,
      'dot-notation': false,
      'duplicate-arguments-array': false,
      'parse-numbers': false,
      'parse-positional-numbers': false,
      'strip-aliased': true,
    },
  });
  if (rest.length > 0) throw new UsageError(`${rest[0]}: no such command`);
  const words: Partial<Record<OptionName, string>> = {};
  for (const [name, value] of Object.entries(given)) {
    if (!Object.hasOwn(OPTIONS, name))
      throw new UsageError(`-${name.length > 1 ? '-' : ''}${name}: no such option`);
    if (value === '' && name !== 'text') throw new UsageError(`--${name}: needs a value`);
    if (value !== undefined) words[name as OptionName] = String(value);
  }
  return words;
}

function aliasOf(name: OptionName): string[] {
  const { alias } = OPTIONS[name] as Option;
  return alias === undefined ? [] : [alias];
}
