// The comparison: every program through every group of measures, in rounds, so that what else the machine does
// meets all alike; then one table.
import { newBar } from '../../src/admin/progress.ts';
import { type Lab, makeLab } from './lab.ts';
import { header } from './machine.ts';
import { canDropCaches, type Figures, GROUPS, type Sizes } from './measures.ts';
import { findPrograms, type Program } from './peers.ts';
import { FURTHER, ROWS } from './rows.ts';
import { judged, markdown, median, spread } from './table.ts';

/** Of each program, of each figure, a value a round. */
type Results = Map<string, Map<string, number[]>>;

const REFERENCE = 'greylist.pl';
const OURS = ['greylatch --sync later', 'greylatch --sync always'];

/** `only`: names of groups. */
export async function compare(sizes: Sizes, only: string[]): Promise<void> {
  const unknown = only.find((name) => GROUPS[name] === undefined);
  if (unknown !== undefined)
    throw new Error(`--only: no group ${unknown}; there are ${Object.keys(GROUPS).join(', ')}`);
  const lab = makeLab();
  const { programs, missing } = findPrograms(lab.interpreters);
  console.log(`${header(lab.directory)}\n`);
  for (const what of missing) console.log(`Not measured, not installed: ${what}`);
  if (!canDropCaches()) console.log('Not measured: a start with a cold page cache, which takes root');
  const results = await runRounds(lab, programs, sizes, only);
  console.log(
    `\nMedians of ${sizes.rounds} rounds (least–greatest); × is the ratio to greylist.pl's median.\n`,
  );
  console.log(table(programs, results, sizes));
  console.log(`\n${furtherGoals(results)}`);
  lab.remove();
}

async function runRounds(lab: Lab, programs: Program[], sizes: Sizes, only: string[]): Promise<Results> {
  const results: Results = new Map(programs.map(({ name }) => [name, new Map()]));
  const bar = newBar('measuring');
  const total = sizes.rounds * only.length * programs.length;
  let done = 0;
  for (let round = 0; round < sizes.rounds; round++) {
    for (const name of only) {
      // Every program is first, second, ... in some round.
      for (let i = 0; i < programs.length; i++) {
        bar.show(done++ / total);
        const program = programs[(i + round) % programs.length]!;
        const figures = await attempt(program, () => GROUPS[name]!(lab, program, sizes, round));
        note(results.get(program.name)!, figures);
        if (process.stderr.isTTY !== true) console.error(asTheyCome(round, name, program, figures));
      }
    }
  }
  for (const [name, trouble] of lab.troubles) note(results.get(name)!, { ...trouble });
  bar.end();
  return results;
}

/** Where there is no terminal for a bar to be drawn on. */
function asTheyCome(round: number, group: string, { name }: Program, figures: Figures): string {
  const all = Object.entries(figures).map(([figure, value]) => `${figure} ${Number(value.toPrecision(4))}`);
  return `round ${round + 1}, ${group}, ${name}: ${all.join(', ')}`;
}

/** A program that fails leaves a hole in the table, and says why; the others go on. */
async function attempt(program: Program, work: () => Promise<Figures>): Promise<Figures> {
  try {
    return await work();
  } catch (error) {
    console.log(`${program.name}: ${(error as Error).message}`);
    return {};
  }
}

function note(results: Map<string, number[]>, figures: Figures): void {
  for (const [figure, value] of Object.entries(figures)) {
    if (Number.isNaN(value)) continue;
    const values = results.get(figure);
    if (values === undefined) results.set(figure, [value]);
    else values.push(value);
  }
}

function table(programs: Program[], results: Results, sizes: Sizes): string {
  const names = programs.map(({ name }) => name);
  const head = ['', ...names.flatMap((name) => (OURS.includes(name) ? [name, '×'] : [name]))];
  const measured = ROWS.filter(({ figure }) => names.some((name) => results.get(name)?.has(figure)));
  const rows = measured.map((row) => {
    const title = row.title
      .replace('{long}', sizes.long.toLocaleString('en'))
      .replace('{stored}', sizes.stored.toLocaleString('en'))
      .replace('{young}', (sizes.young * sizes.lost).toLocaleString('en'));
    const cells = names.flatMap((name) => {
      const cell = spread(valuesOf(results, name, row.figure), row.digits);
      if (!OURS.includes(name)) return [cell];
      const ratio = ratioOf(results, [name, row.figure], [REFERENCE, row.figure]);
      const least = name === OURS[1] ? (row.always?.least ?? row.least) : row.least;
      return [cell, judged(ratio, row.most, least)];
    });
    return [title, ...cells];
  });
  return markdown(head, rows);
}

function furtherGoals(results: Results): string {
  const rows = FURTHER.map(({ title, figure, to: [other, otherFigure], least }) => [
    title,
    ...OURS.map((name) => {
      const ratio = ratioOf(results, [name, figure], [other || name, otherFigure]);
      return judged(ratio, undefined, name === OURS[0] ? least : undefined);
    }),
  ]);
  return markdown(['', ...OURS], rows);
}

function valuesOf(results: Results, name: string, figure: string): number[] {
  return results.get(name)?.get(figure) ?? [];
}

function ratioOf(results: Results, of: [string, string], to: [string, string]): number | undefined {
  const [above, below] = [valuesOf(results, ...of), valuesOf(results, ...to)];
  return above.length > 0 && below.length > 0 ? median(above) / median(below) : undefined;
}
