// Whitelists of clients and recipients, in files of postgrey's formats (postgrey(8), "Whitelists"). Knows of no request and
// no decision.
import { CLIENTS } from './clients.ts';
import type { Found, ListKind } from './list.ts';
import { RECIPIENTS } from './recipients.ts';
import { type WatchOptions, watchFile } from './watch.ts';

export interface ListOptions extends WatchOptions {
  /** Called with each entry that matches. */
  hit?: ((entry: ListEntry) => void) | undefined;
}

/** A line of a list that matches. */
export interface ListEntry extends Found {
  file: string;
}

interface FileList<Who extends string[]> {
  match(...who: Who): ListEntry | undefined;
}

/** `client_name` and `client_address` of a policy request, latin1. */
export type ClientList = FileList<[name: string, address: string]>;
export type RecipientList = FileList<[recipient: string]>;

/** Reads the files now, and again when they change; what cannot be read or understood is a warning. */
export function openClientList(paths: readonly string[], options: ListOptions): ClientList {
  return openFiles(paths, CLIENTS, options);
}

/** As `openClientList`. */
export function openRecipientList(paths: readonly string[], options: ListOptions): RecipientList {
  return openFiles(paths, RECIPIENTS, options);
}

function openFiles<Who extends string[]>(
  paths: readonly string[],
  kind: ListKind<Who>,
  options: ListOptions,
): FileList<Who> {
  const files = paths.map((path) => ({ path, current: watchFile(path, kind, options) }));
  for (const { current } of files) current();
  return {
    match(...who) {
      for (const { path, current } of files) {
        const found = current().match(...who);
        if (found === undefined) continue;
        const entry = { file: path, ...found };
        options.hit?.(entry);
        return entry;
      }
      return undefined;
    },
  };
}
