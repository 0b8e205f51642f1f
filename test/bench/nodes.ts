// The first reply on the versions of Node that greylatch runs on, side by side, each beside the floor on the same
// version and greylist.pl in the same rounds.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { newBar } from '../../src/admin/progress.ts';
import { type Lab, makeLab } from './lab.ts';
import { header } from './machine.ts';
import { firstReplies, type Sizes } from './measures.ts';
import { findPrograms, floor, greylatch, type Program } from './peers.ts';
import { judged, markdown, median, spread } from './table.ts';

const MAJORS = [20, 22, 24, 26];
const FIGURES = ['first-known-1', 'first-new-1', 'first-known-20', 'first-new-20'];
const HEAD = [
  '',
  'known, 1 process',
  'new, 1 process',
  'known, last of 20 at once',
  'new, last of 20 at once',
];

export async function compareNodes(sizes: Sizes): Promise<void> {
  const lab = makeLab();
  const { programs, missing } = findPrograms(lab.interpreters);
  console.log(`${header(lab.directory)}\n`);
  for (const what of missing) console.log(`Not measured, not installed: ${what}`);
  const reference = programs.find(({ name }) => name === 'greylist.pl');
  const runs: Program[] = reference === undefined ? [] : [reference];
  for (const major of MAJORS) {
    const node = findNode(lab, major);
    if (node === undefined) continue;
    spawnSync(node, [path.resolve('bin/precompile.js')]); // as npm does it with the Node that it runs on
    const version = spawnSync(node, ['--version'], { encoding: 'utf8' }).stdout.trim();
    runs.push({ ...floor(node), name: `the floor, Node ${version}` });
    runs.push({ ...greylatch(node, 'later'), name: `greylatch, Node ${version}` });
  }
  const results = await runRounds(lab, runs, sizes);
  console.log(`First reply in ms: medians of ${sizes.rounds} rounds (least–greatest), × greylist.pl's.\n`);
  console.log(
    markdown(
      HEAD,
      runs.map(({ name }) => rowOf(name, results, reference?.name)),
    ),
  );
  lab.remove();
}

type Results = Map<string, number[]>;

async function runRounds(lab: Lab, programs: Program[], sizes: Sizes): Promise<Results> {
  const results: Results = new Map();
  const bar = newBar('measuring');
  for (let round = 0; round < sizes.rounds; round++) {
    for (const [i, program] of programs.entries()) {
      bar.show((round * programs.length + i) / (sizes.rounds * programs.length));
      for (const [figure, value] of Object.entries(await firstReplies(lab, program, sizes))) {
        const key = `${program.name} ${figure}`;
        results.set(key, [...(results.get(key) ?? []), value]);
      }
    }
  }
  bar.end();
  return results;
}

function rowOf(name: string, results: Results, reference: string | undefined): string[] {
  const cells = FIGURES.map((figure) => {
    const values = results.get(`${name} ${figure}`)!;
    const others = results.get(`${reference} ${figure}`);
    const ratio = others === undefined || name === reference ? undefined : median(values) / median(others);
    return ratio === undefined ? spread(values) : `${spread(values)}, ${judged(ratio)}`;
  });
  return [name, ...cells];
}

/** The Node that runs this, or one from npm, where each version lies as a package that holds the binary. */
function findNode(lab: Lab, major: number): string | undefined {
  if (process.versions.node.startsWith(`${major}.`)) return lab.interpreters.node;
  const prefix = path.join(lab.directory, `node${major}`);
  const name = `node-${process.platform}-${process.arch}`;
  const install = ['install', '--no-save', '--silent', '--prefix', prefix, `${name}@${major}`];
  spawnSync('npm', install, { stdio: 'ignore' });
  const node = path.join(prefix, 'node_modules', name, 'bin/node');
  if (existsSync(node)) return node;
  console.log(`Not measured: Node ${major}, which npm did not bring (npm install ${name}@${major})`);
  return undefined;
}
