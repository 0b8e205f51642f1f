// The tables of names, test/data/names.txt and names-later.txt.
import { readFileSync } from 'node:fs';

export interface Named {
  kind: 'mail' | 'access';
  address: string;
  name: string;
}

/** Every line, and the two halves by line parity within each kind: one for finding rules, one kept from it. */
export function namedClients(table = 'names.txt'): { all: Named[]; found: Named[]; held: Named[] } {
  const text = readFileSync(new URL(`../data/${table}`, import.meta.url), 'utf8');
  const halves: [Named[], Named[]] = [[], []];
  const counts = { mail: 0, access: 0 };
  for (const line of text.split('\n')) {
    if (line === '' || line.startsWith('#')) continue;
    const [kind, address, name] = line.split(' ') as [Named['kind'], string, string];
    halves[counts[kind]++ % 2]!.push({ kind, address, name });
  }
  return { all: halves.flat(), found: halves[0], held: halves[1] };
}
