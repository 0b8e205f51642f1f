// The administrator's side of the command line, by yargs: help, version, and the commands. Loaded only when
// asked for.
import { OPTIONS, type Option } from './options.ts';

const VERSION = '0.1.0';

export async function runCommand(argv: string[]): Promise<void> {
  const { default: yargs } = await import('yargs');
  const program = yargs(argv).scriptName('greylatch').version(VERSION).strict().wrap(100);
  for (const [name, option] of Object.entries<Option>(OPTIONS)) {
    program.option(name, {
      describe: option.describe,
      type: option.kind === 'flag' ? 'boolean' : 'string',
      ...(option.alias === undefined ? {} : { alias: option.alias }),
      ...(option.choices === undefined ? {} : { choices: option.choices }),
      ...(option.default === undefined ? {} : { default: option.default }),
    });
  }
  await program.parseAsync();
}
