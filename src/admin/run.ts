// Runs an administrator's command: parses the command line by yargs, and prints help and version, all by the commands' tables.
// A bundle of its own, loaded only when needed.
import path from 'node:path';
import type { Argv, Options as YargsOption } from 'yargs';
import { version } from '../../package.json';
import type { Command, Options } from '../cli/command.ts';
import { OPTIONS, type Option } from '../cli/options.ts';
import { optionValue, refuseFlagValues, UsageError } from '../cli/values.ts';
import { COMMANDS } from './commands.ts';
import { print } from './write.ts';

const USAGE_STATUS = 2;
const FILTER_HELP = `Usage: greylatch [options]            the filter, for Postfix's spawn(8)
or:    greylatch COMMAND [options]    see each command's --help

Reads policy requests from standard input and writes one action for each to
standard output: new (client, sender, recipient) triples are deferred, those
first seen more than --delay ago pass.`;
const TIMES = 'Times are numbers of seconds, or written 60s, 5m, 2h, 2d, 1w.';
const FILTER_STATUSES = {
  0: 'end of input, the time limit, or a signal',
  1: 'a request of an unknown type or too long, a reply that cannot be written, or --on-error exit',
  2: 'wrong command line',
};
/** By its path: where npm 12 or pnpm has installed it, man(1) knows of no greylatch. */
const MORE = `"greylatch doctor" examines an installation. The manual page says more:
  man ${path.join(__dirname, 'greylatch.8')}`;

/** Runs the command and sets the exit status. */
export async function runCommand(argv: string[]): Promise<void> {
  // Ctrl-Z: in a transaction, it would keep the lock from all filters. A listener is called when none is open.
  process.on('SIGTSTP', () => process.kill(process.pid, 'SIGSTOP'));
  // Where a full disk of btrfs has kept a database from being closed (closeWriter), Node would close it at its end, and die of
  // SIGBUS. It does not where its end is asked for. (Asked for on 'exit', what nobody has caught would not be told.)
  process.on('beforeExit', () => process.exit());
  process.stdout.on('error', ({ code, message }: NodeJS.ErrnoException) => {
    if (code === 'EPIPE') process.exit(0); // e.g. `greylatch list | head`
    fail(new Error(`cannot write to standard output: ${message}`));
  });
  try {
    refuseEarly(argv);
  } catch (error) {
    fail(error as Error, argv);
  }
  const { default: yargs } = await import('yargs'); // an ES module: older Node 20 cannot require it
  const cli = yargs(argv)
    .scriptName('greylatch')
    .usage(FILTER_HELP)
    .version(version)
    .strict()
    .wrap(Math.min(100, process.stdout.columns || 100)) // 0: a terminal that does not know its size
    .parserConfiguration({
      'dot-notation': false,
      'parse-numbers': false,
      'parse-positional-numbers': false,
    })
    .updateStrings({ 'Options:': 'Options of the filter:' })
    .command('$0', false, (y) =>
      addOptions(y, OPTIONS).epilogue(`${TIMES}\n\n${statusText(FILTER_STATUSES)}\n\n${MORE}`),
    )
    .fail((message, error) => fail(message || error, argv));
  for (const command of COMMANDS) addCommand(cli, command, argv);
  // Help and version come as text: yargs itself would print them by the console, to which a full disk is no error.
  await cli.parseAsync(argv, (_error: unknown, _args: unknown, text: string) => {
    if (text !== '') print(`${text}\n`);
  });
}

/** Throws an Error for the user for what yargs would not notice, or would end with a trace for. */
function refuseEarly(argv: readonly string[]): void {
  const flags = [OPTIONS, ...COMMANDS.map(({ options }) => options)].flatMap((options: Options) =>
    Object.keys(options).filter((name) => options[name]!.kind === 'flag'),
  );
  refuseFlagValues(argv, (name) => flags.includes(name));
  try {
    process.cwd();
  } catch (error) {
    throw new Error(
      `cannot find out the current directory: ${(error as Error).message}; go to another (cd /)`,
    );
  }
}

/** `statuses` as lines of a help text. */
function statusText(statuses: Readonly<Record<number, string>>): string {
  const lines = Object.entries(statuses).map(([status, what]) => `  ${status}  ${what}`);
  return `Exit status:\n${lines.join('\n')}`;
}

function addCommand(cli: Argv, command: Command, argv: readonly string[]): void {
  const { name, positionals, options, examples, statuses, text = [] } = command;
  const words = Object.entries(positionals).map(([word, { required, many }]) => {
    const dots = many ? '..' : '';
    return required ? `<${word}${dots}>` : `[${word}${dots}]`;
  });
  cli.command(
    [name, ...words].join(' '),
    command.describe,
    (y) => {
      y.usage(
        `greylatch ${[name, ...words].join(' ')} [options]\n\n${[command.describe, ...text].join('\n\n')}`,
      );
      y.updateStrings({ 'Options:': 'Options:' });
      addOptions(y, options);
      for (const [word, { describe }] of Object.entries(positionals)) {
        y.positional(word, { type: 'string', describe });
      }
      const usual =
        'wrong command line; or the database, the engine of --store, or the output cannot be used';
      const timed = Object.values(options).some(({ kind }) => kind === 'duration');
      return y.epilogue(
        [
          ...(timed ? [TIMES] : []),
          // Not by yargs, which would break a command line across lines, so that it could not be copied.
          `Examples:\n${examples.map(([line, what]) => `  greylatch ${line}\n      ${what}`).join('\n')}`,
          statusText({ 2: usual, ...statuses }),
        ].join('\n\n'),
      );
    },
    async (args) => {
      try {
        process.exitCode = await command.run(values(command, args) as never);
      } catch (error) {
        fail(error as Error, argv);
      }
    },
  );
}

/** What yargs has read, as the values that `Command.run` takes. Throws UsageError. */
function values(
  { name, options, positionals }: Command,
  args: Record<string, unknown>,
): Record<string, unknown> {
  const read = Object.entries(options).map(([word, option]) => [word, optionValue(word, args[word], option)]);
  const words = Object.entries(positionals).map(([word, { choices }]) => {
    const given = args[word] === '' ? '-' : args[word]; // yargs makes nothing of a lone "-"
    if (choices !== undefined && !choices.includes(String(given)))
      throw new UsageError(`${name} ${given}: write ${choices.join(' or ')}`);
    return [word, given];
  });
  return Object.fromEntries([...read, ...words]);
}

function addOptions(y: Argv, options: Readonly<Record<string, Option>>): Argv {
  return y.options(Object.fromEntries(Object.entries(options).map(([name, o]) => [name, yargsOption(o)])));
}

function yargsOption(option: Option): YargsOption {
  return {
    describe: option.describe,
    type: option.kind === 'flag' ? 'boolean' : 'string',
    requiresArg: option.kind !== 'flag',
    ...(option.alias === undefined ? {} : { alias: option.alias }),
    ...(option.choices === undefined ? {} : { choices: option.choices }),
    ...(option.default === undefined ? {} : { default: option.default }),
    ...(option.repeat === true ? { array: true, nargs: 1 } : {}),
    ...(option.required === true ? { demandOption: true } : {}),
  };
}

/** A message of yargs, in the words of the filter's own messages. */
function inOurWords(message: string, argv: readonly string[]): string {
  const text = message.replace(/\s*\n\s*/g, ' ').trim();
  const unknown = /^Unknown (?:argument|command)s?: (.*)$/.exec(text)?.[1]?.split(', ')[0];
  if (unknown !== undefined) {
    const option = argv.find((word) => /^--?/.test(word) && word.replace(/^--?|=.*$/g, '') === unknown);
    if (option !== undefined) return `${option.replace(/=.*$/, '')}: no such option`;
    return unknown === argv[0] ? `${unknown}: no such command` : `${unknown}: one word too many`;
  }
  const [, option, given, choices] =
    /^Invalid values: Argument: ([^,]*), Given: "?(.*?)"?, Choices: (.*)$/.exec(text) ?? [];
  if (choices !== undefined)
    return `--${option} ${given}: write ${choices.replaceAll('"', '').replaceAll(', ', ' or ')}`;
  const value = /^Not enough arguments following: (.*)$/.exec(text)?.[1];
  if (value !== undefined) return `--${value}: needs a value`;
  const required = /^Missing required arguments?: (.*)$/.exec(text)?.[1];
  if (required !== undefined) return `--${required.split(', ')[0]} is missing`;
  const [, got] = /^Not enough non-option arguments: got (\d+)/.exec(text) ?? [];
  if (got === undefined) return text;
  const words = COMMANDS.find(({ name }) => name === argv[0])?.positionals ?? {};
  const [word, positional] = Object.entries(words)[Number(got)] ?? ['word'];
  const write = positional?.choices?.join(' or ');
  return `${argv[0]}: ${word.toUpperCase()} is missing${write === undefined ? '' : `; write ${write}`}`;
}

/** Ends the process with a message of yargs, or with what a command has thrown. `argv`: the command line, for advice. */
function fail(error: string | Error, argv: readonly string[] = []): never {
  const said = typeof error === 'string' ? inOurWords(error, argv) : error.message.replace(/\s*\n\s*/g, ' ');
  const usage = typeof error === 'string' || error instanceof UsageError;
  const command = COMMANDS.find(({ name }) => name === argv[0]);
  const help =
    command === undefined ? 'greylatch --help lists the commands' : `see greylatch ${command.name} --help`;
  process.stderr.write(`greylatch: ${said}${usage ? ` (${help})` : ''}\n`);
  process.exit(USAGE_STATUS);
}
