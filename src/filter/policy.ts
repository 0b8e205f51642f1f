// What the command line says, made ready for the decision. What a setting needs is loaded only where it is set.
import type { FilterArguments } from '../cli/arguments.ts';
import { newPseudonym } from '../greylist/pseudonym.ts';
import type { ListOptions } from '../lists/lists.ts';
import { readSecret } from '../store/disk/secret.ts';
import type { Policy } from './answer.ts';

/** `options`: who is told of what is wrong in the lists' files and of what matches, and the time in seconds. */
export function policyFrom(settings: FilterArguments, options: ListOptions): Policy {
  const { whitelistClients, whitelistRecipients, onlyRecipients } = settings;
  const recipientList = (paths: string[]) =>
    paths.length > 0 ? loadLists().openRecipientList(paths, options) : undefined;
  return {
    ...settings,
    hostname: settings.header || settings.greylist === 'suspicious' ? loadHostname() : '',
    registrableDomain: settings.clientKey === 'pool' ? loadPools() : () => undefined,
    pseudonym: settings.privacy ? loadPseudonym(settings.db) : undefined,
    clientList:
      whitelistClients.length > 0 ? loadLists().openClientList(whitelistClients, options) : undefined,
    recipientList: recipientList(whitelistRecipients),
    onlyList: recipientList(onlyRecipients),
  };
}

function loadHostname(): string {
  return (require('node:os') as typeof import('node:os')).hostname().toLowerCase();
}

function loadPools(): Policy['registrableDomain'] {
  return (require('./pool.js') as typeof import('../greylist/pool.ts')).registrableDomain;
}

function loadLists(): typeof import('../lists/lists.ts') {
  return require('./lists.js') as typeof import('../lists/lists.ts');
}

function loadPseudonym(db: string): (text: string) => string {
  let pseudonym: ((text: string) => string) | undefined;
  // Read with the first request: trouble with the file is trouble with the store, and mail gets its answer.
  return (text) => {
    pseudonym ??= newPseudonym(readSecret(db));
    return pseudonym(text);
  };
}
