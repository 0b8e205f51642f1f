// Commands about the database's file: an engine has none, so with --store they refuse, and say what to do instead.
import type { Command, Options, Positionals } from '../cli/command.ts';
import { WHERE } from './where.ts';

/** The command with the options that name an engine; `run` throws an Error for the user where --store is given. */
export function refusingStore<O extends Options, P extends Positionals>(
  command: Command<O, P>,
  instead: string,
): Command<O, P> {
  const { db: _, ...engine } = WHERE;
  const refused = { ...engine, store: { ...WHERE.store, describe: `refused: ${instead}` } };
  return {
    ...command,
    options: { ...command.options, ...refused },
    run(args) {
      if ('store' in args && args.store !== undefined) {
        throw new Error(`${command.name}: this is for the file of a database, not for --store; ${instead}`);
      }
      return command.run(args);
    },
  };
}
