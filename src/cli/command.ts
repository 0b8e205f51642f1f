// An administrator's command as typed data: each has a file in src/admin that exports one, and parsing, --help, completion
// and the manual page are made from it. Types only.
import type { Option } from './options.ts';

/** A word without a name, e.g. the FILE of `salvage FILE`. */
export interface Positional {
  describe: string;
  required?: boolean;
  /** The words that it can be. */
  choices?: readonly string[];
  /** Takes all the words that are left. */
  many?: boolean;
}

export type Options = Readonly<Record<string, Option>>;
export type Positionals = Readonly<Record<string, Positional>>;

type Value<O extends Option> = O['kind'] extends 'flag'
  ? boolean
  : O['repeat'] extends true
    ? string[]
    :
        | (O['kind'] extends 'duration' | 'milliseconds' | 'count' ? number : Choice<O['choices']>)
        | (O['required'] extends true ? never : O['default'] extends string ? never : undefined);

type Word<P extends Positional> = P['many'] extends true
  ? string[]
  : Choice<P['choices']> | (P['required'] extends true ? never : undefined);

/** One of the words, where they are known. */
type Choice<C> = C extends readonly (infer W extends string)[] ? W : string;

/** The arguments of `run`: durations in seconds (or milliseconds), counts as numbers, flags as booleans, else text:
 * where there are choices, one of them. */
export type Arguments<O extends Options, P extends Positionals> = Values<O> & { [K in keyof P]: Word<P[K]> };

export type Values<O extends Options> = { [K in keyof O]: Value<O[K]> };

export interface Command<O extends Options = Options, P extends Positionals = Positionals> {
  name: string;
  /** One sentence, for the list of commands. */
  describe: string;
  /** What to know before using it: paragraphs for --help and the manual page. */
  text?: readonly string[];
  options: O;
  positionals: P;
  /** A command line (without "greylatch") and what it is for. */
  examples: readonly (readonly [command: string, what: string])[];
  /** Exit statuses. Status 2, if not listed, means a wrong command line or a database that cannot be used. */
  statuses: Readonly<Record<number, string>>;
  /** Does the work and returns the exit status. An Error that it throws is one line for the user, and status 2. */
  run(args: Arguments<O, P>): number | Promise<number>;
}

/** Returns the command as it is; the types of `run`'s arguments follow from its tables. */
export function defineCommand<const O extends Options, const P extends Positionals>(
  command: Command<O, P>,
): Command<O, P> {
  return command;
}
