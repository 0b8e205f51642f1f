// The Public Suffix List, a bundle of its own: only a filter with --client-key pool ever loads it.
// Loading it and asking it once took a tenth of the time that tldts 7.5.5 took, a sixth of tldts-icann's, a quarter of that
// of a Set of the same rules, and a fortieth of psl 1.15's (all bundled; Node 20, median of 20 processes).
import table from '../../dist/suffixes.json';
import { registrableDomain as find } from './suffixes.ts';

/** The registrable domain of a host name in lower case; undefined where the name is a public suffix. */
export function registrableDomain(name: string): string | undefined {
  return find(table, name);
}
