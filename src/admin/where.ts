// The options that many commands share: where the records are, and how long they count.
import type { Values } from '../cli/command.ts';
import { OPTIONS, type Option } from '../cli/options.ts';
import type { Lives } from '../store/store.ts';

/** The options that say where the records are: as the filter's, so that those of its line in master.cf can be given. */
export const WHERE = {
  db: OPTIONS.db,
  store: { ...OPTIONS.store, describe: 'the records are in this engine, as the --store of the filters' },
  'store-password-file': OPTIONS['store-password-file'],
  'store-timeout': {
    ...OPTIONS['store-timeout'],
    describe: "the filters' own; a command waits for the engine at least 5 s",
  },
} as const satisfies Record<string, Option>;

/** Options of a command that writes records: an engine is told with each record how long it counts. */
export const LIVES = {
  'retry-window': OPTIONS['retry-window'],
  'max-age': OPTIONS['max-age'],
} as const satisfies Record<string, Option>;

/** What these options say; where a command does not have them, nothing expires. */
export function livesOf(args: Partial<Values<typeof LIVES>>): Lives {
  return { retryWindow: args['retry-window'] ?? 0, maxAge: args['max-age'] ?? 0 };
}

/** The values of these options. */
export type Where = Values<typeof WHERE> & Partial<Values<typeof LIVES>>;
