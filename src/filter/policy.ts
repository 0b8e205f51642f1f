// The Policy that the command line asks for. What an option needs is loaded only where the option is set.
import type { FilterArguments } from '../cli/arguments.ts';
import { newPseudonym } from '../greylist/pseudonym.ts';
import type { ListOptions } from '../lists/lists.ts';
import { readSecret } from '../store/disk/secret.ts';
import type { Policy } from './answer.ts';

/** `options` is for the whitelist files: callbacks for what is wrong in them and for what matches, and a clock. */
export function policyFrom(settings: FilterArguments, options: ListOptions): Policy {
  const { whitelistClients, whitelistRecipients, onlyRecipients } = settings;
  const recipientList = (paths: string[]) =>
    paths.length > 0 ? loadLists().openRecipientList(paths, options) : undefined;
  return {
    ...settings,
    hostname: settings.header || settings.greylist === 'suspicious' ? loadHostname() : '',
    registrableDomain: settings.clientKey === 'pool' ? loadPools() : () => undefined,
    pseudonym: settings.privacy ? loadPseudonym(settings.db, settings.dryRun) : undefined,
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

function loadPseudonym(db: string, dryRun: boolean): (text: string) => string {
  let pseudonym: ((text: string) => string) | undefined;
  // The key is read with the first request, so that trouble with its file is handled as trouble with the store.
  return (text) => {
    pseudonym ??= newPseudonym(readSecret(db, dryRun));
    return pseudonym(text);
  };
}
