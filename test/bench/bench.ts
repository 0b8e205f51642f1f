// `npm run bench`: greylatch beside greylist.pl, postgrey and a Node program that does nothing. See --help.
import { parseArgs } from 'node:util';
import { compare } from './compare.ts';
import { compareStores } from './fleet.ts';
import { FULL, GROUPS, QUICK } from './measures.ts';
import { compareNodes } from './nodes.ts';
import { scale } from './scale.ts';

const HELP = `npm run bench [-- OPTIONS]

Without options: greylatch, greylist.pl, postgrey and the floor (a Node program that answers dunno to everything),
in five rounds. Databases lie in TMPDIR: it should be on a disk.

  --quick        two short rounds, to see that it works
  --only GROUPS  some groups of measures, separated by commas: ${Object.keys(GROUPS).join(', ')}
  --scale        how greylatch grows, from 10,000 triples to 10 million
  --scale-to N   the same, to N triples
  --fleet        the store that several hosts share beside LMDB; needs Debian's redis-server
  --nodes        the first reply on Node 20, 22, 24 and 26; fetches them with npm`;

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      help: { type: 'boolean' },
      quick: { type: 'boolean' },
      only: { type: 'string' },
      scale: { type: 'boolean' },
      'scale-to': { type: 'string' },
      nodes: { type: 'boolean' },
      fleet: { type: 'boolean' },
    },
  });
  const sizes = values.quick ? QUICK : FULL;
  if (values.help) console.log(HELP);
  else if (values.scale || values['scale-to'] !== undefined) {
    const most = Number(values['scale-to'] ?? 10_000_000);
    if (!Number.isSafeInteger(most) || most < 10_000) throw new Error('--scale-to: at least 10000 triples');
    await scale(most, sizes);
  } else if (values.nodes) await compareNodes(sizes);
  else if (values.fleet) await compareStores();
  else await compare(sizes, values.only?.split(',') ?? Object.keys(GROUPS));
}

main().catch((error: Error) => {
  console.error(`bench: ${error.message}`);
  process.exitCode = 1;
});
