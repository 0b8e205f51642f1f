// Makes dist/suffixes.json, the Public Suffix List as one sorted text, from the data of tldts (a devDependency, so
// that a newer list is one update away). Run by "npm run build", before the bundle that the text goes into.
import { mkdirSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { domainToASCII } from 'node:url';

// tldts keeps the list as a trie in flat arrays: a node's edges follow one another, their labels lie end to end.
const trie = createRequire(import.meta.url)('tldts/dist/cjs/src/data/trie.js');
const starts = [];
let length = 0;
for (const size of trie.edgeLength) {
  starts.push(length);
  length += size;
}

function collect(node, suffix, mark, rules) {
  if (trie.nodeFlags[node] !== 0 && suffix !== '') rules.push(mark + suffix);
  for (let edge = trie.edgeStart[node]; edge < trie.edgeStart[node + 1]; edge++) {
    const label = trie.labelText.slice(starts[edge], starts[edge] + trie.edgeLength[edge]);
    collect(trie.edgeChild[edge], suffix === '' ? label : `${label}.${suffix}`, mark, rules);
  }
  return rules;
}

const ascii = (rule) => (/^[ -~]*$/.test(rule) ? rule : domainToASCII(rule));
const rules = [...collect(trie.rulesRoot, '', '', []), ...collect(trie.exceptionsRoot, '', '!', [])].map(
  ascii,
);

// Rules grouped by what follows their first label: written with each rule, that would be nearly half of the text. Rules of
// one label are left out: by the list's own algorithm they change nothing.
const groups = new Map();
for (const rule of new Set(rules)) {
  const dot = rule.indexOf('.');
  if (dot < 0) continue;
  const parent = rule.slice(dot + 1);
  groups.set(parent, [...(groups.get(parent) ?? []), rule.slice(0, dot)]);
}
if (rules.length < 8000 || !groups.get('uk')?.includes('co') || !groups.get('ck')?.includes('!www')) {
  throw new Error('suffixes.build.mjs cannot read the data of this version of tldts; look at its trie.js');
}
const text = [...groups.keys()].sort().map((parent) => `${parent},${groups.get(parent).sort().join(',')},`);

const folder = new URL('../../dist/', import.meta.url);
mkdirSync(folder, { recursive: true });
writeFileSync(new URL('suffixes.json', folder), JSON.stringify(` ${text.join(' ')} `));
