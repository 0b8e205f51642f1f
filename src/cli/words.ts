// Any command line of a filter, by yargs-parser: the same rules as yargs itself, without its other 80 ms.
import parse from 'yargs-parser';
import type { Words } from './arguments.ts';
import { OPTIONS, type Option, type OptionName } from './options.ts';
import { refuseFlagValues, UsageError } from './values.ts';

const names = Object.keys(OPTIONS) as OptionName[];
const isFlag = (name: OptionName) => OPTIONS[name].kind === 'flag';

/** The words given for each option. Throws UsageError for what the table does not know. */
export function readWords(argv: string[]): Words {
  refuseFlagValues(argv, (name) => Object.hasOwn(OPTIONS, name) && isFlag(name as OptionName));
  const { _: rest, ...given } = parse(argv, {
    string: names.filter((name) => !isFlag(name)),
    boolean: names.filter(isFlag),
    alias: Object.fromEntries(names.map((name) => [name, (OPTIONS[name] as Option).alias ?? []])),
    configuration: {
      'boolean-negation': false,
      'camel-case-expansion': false,
      'dot-notation': false,
      'parse-positional-numbers': false,
      'strip-aliased': true,
    },
  });
  if (rest.length > 0) throw new UsageError(`${rest[0]}: no option; ${whatElse(argv)}`);
  const words: Words = {};
  for (const [name, value] of Object.entries(given)) {
    if (!Object.hasOwn(OPTIONS, name))
      throw new UsageError(`-${name.length > 1 ? '-' : ''}${name}: no such option`);
    const given = (Array.isArray(value) ? value : [value]).filter((v) => v !== undefined && v !== false);
    if (given.includes('') && (name !== 'text' || lacksValue(argv, name)))
      throw new UsageError(`--${name}: needs a value`);
    if (given.length > 0) words[name as OptionName] = given.map(String);
  }
  return words;
}

/** What a word that belongs to no option is likely to be. */
function whatElse(argv: readonly string[]): string {
  return argv.some((word) => /^(?:--[a-z-]+=)?["']/.test(word))
    ? 'in master.cf, a value with spaces stands in { }, not in quotes'
    : 'a command stands before all options';
}

/** Whether the option stands at the end, or another one behind it: to yargs-parser its value is then ''. */
function lacksValue(argv: readonly string[], name: string): boolean {
  return argv.some((word, i) => word === `--${name}` && (argv[i + 1] ?? '-').startsWith('-'));
}
