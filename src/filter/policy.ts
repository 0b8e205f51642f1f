// What the command line says, made ready for the decision. What a setting needs is loaded only where it is set.
import { hostname } from 'node:os';
import type { FilterArguments } from '../cli/arguments.ts';
import { newPseudonym } from '../greylist/pseudonym.ts';
import { readSecret } from '../store/secret.ts';
import type { Policy } from './answer.ts';

/** Throws StoreError where the key of --privacy cannot be read. */
export function policyFrom(settings: FilterArguments): Policy {
  return {
    ...settings,
    hostname: hostname().toLowerCase(),
    registrableDomain: settings.clientKey === 'pool' ? loadPools() : () => undefined,
    pseudonym: settings.privacy ? loadPseudonym(settings.db) : undefined,
    clientList: undefined,
    recipientList: undefined,
    onlyList: undefined,
  };
}

function loadPools(): Policy['registrableDomain'] {
  return (require('./pool.js') as typeof import('../greylist/pool.ts')).registrableDomain;
}

function loadPseudonym(db: string): (text: string) => string {
  let pseudonym: ((text: string) => string) | undefined;
  // Read with the first request: trouble with the file is trouble with the store, and mail gets its answer.
  return (text) => {
    pseudonym ??= newPseudonym(readSecret(db));
    return pseudonym(text);
  };
}
