// What can come next on a command line, by the tables: for the scripts of all shells.
import type { Command, Options } from '../../cli/command.ts';
import type { Kind, Option } from '../../cli/options.ts';

/** What an option's value, or a positional, can be: a file, or one of some words (none are known: an empty list). */
export type Values = 'files' | readonly string[];

const WORDS: Partial<Record<Kind, readonly string[]>> = {
  action: ['defer_if_permit', 'defer'],
  log: ['syslog', 'stderr', 'none', 'file:'],
};

/** Undefined for a flag, which takes no value. */
export function valuesOf({ kind, choices }: Option): Values | undefined {
  if (kind === 'flag') return undefined;
  return kind === 'path' ? 'files' : (choices ?? WORDS[kind] ?? []);
}

/** What the positionals can be: files, unless they have choices. */
export function wordsOf({ positionals }: Command): Values {
  const words = Object.values(positionals);
  return words.length === 0 ? [] : (words[0]!.choices ?? 'files');
}

/** `--db`, `-v`. */
export function flagsOf(options: Options): [flag: string, option: Option][] {
  return Object.entries(options).flatMap(([name, option]): [string, Option][] => [
    [`--${name}`, option],
    ...(option.alias === undefined ? [] : [[`-${option.alias}`, option] as [string, Option]]),
  ]);
}
