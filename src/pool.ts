// The Public Suffix List, a bundle of its own: only a filter with --client-key pool ever loads it.
import table from '../build/suffixes.json';
import { registrableDomain as find } from './greylist/suffixes.ts';

/** The registrable domain of a host name in lower case; undefined where the name is a public suffix. */
export function registrableDomain(name: string): string | undefined {
  return find(table, name);
}
