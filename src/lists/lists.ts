// Exceptions from greylisting in files: who and for whom, in postgrey's formats (postgrey(8), "Whitelists").
// Knows of no request and no decision.
import { parseClients } from './clients.ts';
import type { Found } from './pattern.ts';
import { parseRecipients } from './recipients.ts';
import { type WatchOptions, watchFile } from './watch.ts';

export interface ListOptions extends WatchOptions {
  /** Told of each entry that matches. */
  hit?: ((entry: Entry) => void) | undefined;
}

/** A line of a list that matches. */
export interface Entry extends Found {
  file: string;
}

export interface ClientList {
  /** `client_name` and `client_address` of a policy request, latin1. */
  match(name: string, address: string): Entry | undefined;
}

export interface RecipientList {
  match(recipient: string): Entry | undefined;
}

/** Reads the files now, and again when they change; what cannot be read or understood is a warning. */
export function openClientList(paths: readonly string[], options: ListOptions): ClientList {
  const files = openFiles(paths, (path) => watchFile(path, parseClients, options));
  return { match: (name, address) => firstEntry(files, options.hit, (list) => list.match(name, address)) };
}

/** As `openClientList`. */
export function openRecipientList(paths: readonly string[], options: ListOptions): RecipientList {
  const files = openFiles(paths, (path) => watchFile(path, parseRecipients, options));
  return { match: (recipient) => firstEntry(files, options.hit, (list) => list.match(recipient)) };
}

interface ListFile<T> {
  path: string;
  current: () => T;
}

function openFiles<T>(paths: readonly string[], open: (path: string) => () => T): ListFile<T>[] {
  return paths.map((path) => {
    const current = open(path);
    current();
    return { path, current };
  });
}

function firstEntry<T>(
  files: readonly ListFile<T>[],
  hit: ListOptions['hit'],
  match: (list: T) => Found | undefined,
): Entry | undefined {
  for (const { path, current } of files) {
    const found = match(current());
    if (found === undefined) continue;
    const entry = { file: path, ...found };
    hit?.(entry);
    return entry;
  }
  return undefined;
}
