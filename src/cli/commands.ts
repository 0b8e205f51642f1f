// The administrator's side of the command line, by yargs: help, version, and the commands. Loaded only when
// asked for.
import type { Argv } from 'yargs';
import { version } from '../../package.json';
import { runSalvage } from '../admin/salvage.ts';
import { runVerify } from '../admin/verify.ts';
import { OPTIONS, type Option, type OptionName } from './options.ts';

const USAGE_STATUS = 2;
const FILTER_HELP = `Usage: greylatch [options]            the filter, for Postfix's spawn(8)
       greylatch COMMAND [options]    see each command's --help

Reads policy requests from standard input and writes one action for each to
standard output: new (client, sender, recipient) triples are deferred, those
first seen more than --delay ago pass.`;

/** Runs the command and sets the exit status. */
export async function runCommand(argv: string[]): Promise<void> {
  const { default: yargs } = await import('yargs'); // an ES module: older Node 20 cannot require it
  await yargs(argv)
    .scriptName('greylatch')
    .usage(FILTER_HELP)
    .version(version)
    .strict()
    .demandCommand(1, 'name a command')
    .wrap(100)
    .updateStrings({ 'Options:': 'Options of the filter:' })
    .command('$0', false, addFilterOptions)
    .command(
      'verify',
      'read the whole database and say whether it is sound (status 0), damaged (1) or cannot be read (2)',
      (y) =>
        addOption(y, 'db')
          .option('json', { type: 'boolean', describe: 'the same for programs' })
          .example(
            'greylatch verify --db /var/mta/greylist.mdb',
            'also while filters run: it changes nothing',
          ),
      ({ db, json }) => {
        process.exitCode = runVerify(String(db), json === true);
      },
    )
    .command(
      'salvage <damaged>',
      'copy what a damaged file still holds into a database',
      (y) =>
        y
          .positional('damaged', {
            type: 'string',
            demandOption: true,
            describe: 'the damaged file; it stays as it is',
          })
          .option('into', {
            type: 'string',
            demandOption: true,
            describe: 'the database; what it has already stays',
          })
          .example(
            'greylatch salvage greylist.mdb.damaged-20261124T020304Z --into greylist.mdb',
            'what the filter does by itself',
          ),
      ({ damaged, into }) => {
        process.exitCode = runSalvage(damaged, into);
      },
    )
    .fail((message, error) => {
      if (!message) throw error;
      process.stderr.write(`greylatch: ${message} (greylatch --help lists the commands)\n`);
      process.exit(USAGE_STATUS);
    })
    .parseAsync();
}

function addFilterOptions(y: Argv): Argv {
  return (Object.keys(OPTIONS) as OptionName[]).reduce(addOption, y);
}

function addOption(y: Argv, name: OptionName): Argv {
  const option: Option = OPTIONS[name];
  return y.option(name, {
    describe: option.describe,
    type: option.kind === 'flag' ? 'boolean' : 'string',
    ...(option.alias === undefined ? {} : { alias: option.alias }),
    ...(option.choices === undefined ? {} : { choices: option.choices }),
    ...(option.default === undefined ? {} : { default: option.default }),
  });
}
