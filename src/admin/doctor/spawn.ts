// A service of master.cf that runs greylatch, with its arguments read as spawn(8) and then greylatch read them. Text only:
// does not look whether any of it exists.
import path from 'node:path';
import { type FilterArguments, filterArguments } from '../../cli/arguments.ts';
import { UsageError } from '../../cli/values.ts';
import { readWords } from '../../cli/words.ts';
import type { Service } from './postconf.ts';

export interface Invocation {
  service: Service;
  /** '' where there is none. */
  user: string;
  group: string;
  /** An attribute that spawn(8) does not know, because of which it refuses to run. */
  unknown: string | undefined;
  /** The command, up to and including the path of greylatch. */
  program: string[];
  /** Node's path as it stands in argv; undefined where the script's first line has to find it. */
  node: string | undefined;
  script: string;
  /** The filter's settings, by the words after the script; undefined where those are wrong. */
  settings: FilterArguments | undefined;
  /** What greylatch would say is wrong with them. */
  usage: string | undefined;
}

/** Undefined for a service that does not run greylatch. `resolve` follows the links of a path. */
export function readInvocation(service: Service, resolve: (path: string) => string): Invocation | undefined {
  if (service.command[0] !== 'spawn') return undefined;
  const { user, group, unknown, argv } = readAttributes(service.command.slice(1));
  const at = argv.findIndex((word) => isGreylatch(word) || isGreylatch(resolve(word)));
  if (at < 0) return undefined;
  const program = argv.slice(0, at + 1);
  const node = program.slice(0, -1).findLast((word) => /^node(js)?[\d.]*$/.test(path.basename(word)));
  return {
    service,
    user,
    group,
    unknown,
    program,
    node,
    script: argv[at]!,
    ...readOptions(argv.slice(at + 1)),
  };
}

/** The paths in a service's argv= that may be a program's: those that are no option's value. */
export function programPaths(service: Service): string[] {
  const { argv } = readAttributes(service.command.slice(1));
  return argv.filter((word, i) => word.startsWith('/') && !/^--[^=]*$/.test(argv[i - 1] ?? ''));
}

/** An attribute that spawn(8) does not know. */
export function unknownIn({ command }: Service): string | undefined {
  return readAttributes(command.slice(1)).unknown;
}

export function isGreylatch(word: string): boolean {
  return /^greylatch(\.c?js)?$/.test(path.basename(word));
}

/** spawn(8): user=NAME or user=NAME:GROUP, and argv= as the last one, which takes all that follows. */
function readAttributes(
  words: string[],
): Pick<Invocation, 'user' | 'group' | 'unknown'> & { argv: string[] } {
  let user = '';
  let group = '';
  let unknown: string | undefined;
  for (let i = 0; i < words.length; i++) {
    const word = words[i]!;
    const name = word.slice(0, 5).toLowerCase();
    if (name === 'argv=') return { user, group, unknown, argv: [word.slice(5), ...words.slice(i + 1)] };
    if (name === 'user=') [user = '', group = ''] = word.slice(5).split(':');
    else if (word === '-o')
      i++; // its value; postconf -P has it
    else if (!word.startsWith('-')) unknown ??= word;
  }
  return { user, group, unknown, argv: [] };
}

function readOptions(words: string[]): Pick<Invocation, 'settings' | 'usage'> {
  try {
    return { settings: filterArguments(readWords(words)), usage: undefined };
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    return { settings: undefined, usage: error.message };
  }
}
