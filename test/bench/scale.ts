// How greylatch grows: one database, filled through filters, looked at when it holds ten thousand triples, a hundred
// thousand, and so on. Requests are for triples all over it, so that pages come from everywhere.
import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { newBar } from '../../src/admin/progress.ts';
import { drive, type Plan, type Target } from './driver.ts';
import { DELAY, makeLab, sizeOf } from './lab.ts';
import { header } from './machine.ts';
import type { Sizes } from './measures.ts';
import { greylatch } from './peers.ts';
import { judged, markdown, meanMemory, median, spread } from './table.ts';

interface Sample {
  triples: number;
  bytes: number;
  /** Microseconds a request, of one session that shares a core with the driver. */
  known: number[];
  noted: number[];
  fresh: number[];
  /** Requests a second, of 20 sessions. */
  noted20: number[];
  fresh20: number[];
  /** Milliseconds. */
  first: number[];
  /** MB. */
  pss: number[];
  private: number[];
}

const FIRST_SIZE = 10_000;
const SLICE = 500_000; // triples between two drawings of the bar
const BURST = 10;
const FEW_ATTRIBUTES = ['client_address={client}', 'sender={sender}', 'recipient={recipient}'];
const SHORT = `request=smtpd_access_policy\n${FEW_ATTRIBUTES.join('\n')}\n\n`;
const GOALS = { known: 1.3, fresh: 2, bytes: 110 };

export async function scale(most: number, sizes: Sizes): Promise<void> {
  const lab = makeLab();
  const directory = path.join(lab.directory, 'scale');
  mkdirSync(directory);
  // As many wait as no server's administrator would let wait.
  const open = async (...more: string[]) => {
    const program = greylatch(lab.interpreters.node, 'later', '--max-waiting', `${10 * most}`, ...more);
    return (await program.open(directory, { delay: DELAY * 24, pinned: false })).target;
  };
  const target = await open();
  // Here a known triple is one that comes back too early, which greylatch notes; without a note it is a look-up.
  const noteless = await open('--dry-run');
  console.log(`${header(lab.directory)}\n`);
  const samples: Sample[] = [];
  let stored = 0;
  for (let size = FIRST_SIZE; size <= most; size *= 10) {
    stored = await fill(target, stored, size);
    checkHeld(lab.interpreters.node, directory, stored);
    const bytes = sizeOf(directory) / stored;
    const sample: Sample = {
      triples: size,
      bytes,
      known: [],
      noted: [],
      fresh: [],
      noted20: [],
      fresh20: [],
      first: [],
      pss: [],
      private: [],
    };
    for (let round = 0; round < sizes.rounds; round++)
      stored = await look(target, noteless, stored, sizes, sample, round);
    samples.push(sample);
  }
  console.log(
    `Medians of ${sizes.rounds} rounds (least–greatest); × is the ratio to ${FIRST_SIZE} triples.\n`,
  );
  console.log(table(samples));
  lab.remove();
}

/** Stores triples until there are `wanted`, in slices, and returns how many there are. */
async function fill(target: Target, stored: number, wanted: number): Promise<number> {
  const bar = newBar(`filling up to ${wanted.toLocaleString('en')}`);
  const begun = stored;
  while (stored < wanted) {
    // Whole bursts: there may be up to nine triples more than wanted.
    const requests = Math.ceil(Math.min(SLICE, wanted - stored) / BURST) * BURST;
    const steps = [{ share: 0, requests, burst: BURST }];
    const report = await drive(target, { template: SHORT, sessions: 2, known: 0, fresh: stored, steps });
    const { deferred } = report.steps[0]!;
    if (deferred !== requests) throw new Error(`only ${deferred} of ${requests} triples were new`);
    stored = report.fresh;
    bar.show((stored - begun) / (wanted - begun));
  }
  bar.end();
  return stored;
}

/** What was lost would make the file small and the look-ups quick. */
function checkHeld(node: string, directory: string, stored: number): void {
  const options = ['verify', '--json', '--db', path.join(directory, 'greylist.mdb')];
  const { stdout } = spawnSync(node, ['bin/greylatch.js', ...options], { encoding: 'utf8' });
  const { waiting, passed } = JSON.parse(stdout) as { waiting: number; passed: number };
  const missing = stored - waiting - passed;
  if (missing > 0) console.log(`LOST: of ${stored} triples, ${missing} are not in the database`);
}

/** One round of measures. Returns how many triples there are then. */
async function look(
  target: Target,
  noteless: Target,
  stored: number,
  sizes: Sizes,
  sample: Sample,
  seed: number,
): Promise<number> {
  const { seconds, warm, starts } = sizes;
  const plan: Plan = { sessions: 1, known: sample.triples, fresh: stored, seed, steps: [] };
  const first = await drive(target, { ...plan, first: 'known', repeat: starts });
  sample.first.push(median(first.first.map(([time]) => time!)));
  const rates = [
    { share: 1, seconds },
    { share: 0, requests: warm },
    { share: 0, seconds },
  ];
  const warmUp = (sessions: number) => ({ share: 1, requests: warm * sessions, memory: sessions > 1 });
  const [warming, known] = [warmUp(1), { share: 1, seconds }];
  const lookUps = await drive(noteless, { ...plan, steps: [warming, known] }, true);
  sample.known.push(1e6 / lookUps.steps[1]!.rate);
  const one = await drive(target, { ...plan, steps: [warming, ...rates] }, true);
  sample.noted.push(1e6 / one.steps[1]!.rate);
  sample.fresh.push(1e6 / one.steps[3]!.rate);
  const many = { ...plan, sessions: 20, fresh: one.fresh, steps: [warmUp(20), ...rates] };
  const twenty = await drive(target, many);
  const { memory } = twenty.steps[0]!;
  sample.pss.push(meanMemory(memory!, 'pss'));
  sample.private.push(meanMemory(memory!, 'private'));
  sample.noted20.push(twenty.steps[1]!.rate);
  sample.fresh20.push(twenty.steps[3]!.rate);
  return twenty.fresh;
}

function table(samples: Sample[]): string {
  const base = samples[0]!;
  const row = (title: string, of: (sample: Sample) => number[], digits: number, most?: number) => [
    title,
    ...samples.map((sample) => {
      const ratio = sample === base ? '' : `, ${judged(median(of(sample)) / median(of(base)), most)}`;
      return spread(of(sample), digits) + ratio;
    }),
  ];
  const bytes = samples.map((sample) => {
    const goal =
      sample === samples.at(-1) ? `, goal ≤ ${GOALS.bytes}: ${met(sample.bytes <= GOALS.bytes)}` : '';
    return sample.bytes.toFixed(1) + goal;
  });
  return markdown(
    ['', ...samples.map(({ triples }) => `${triples.toLocaleString('en')} triples`)],
    [
      row('a known triple (us), 1 session on the core of the driver', (s) => s.known, 1, GOALS.known),
      row('one that comes back early, which is noted (us)', (s) => s.noted, 1),
      row('a new triple (us), 1 session on the core of the driver', (s) => s.fresh, 1, GOALS.fresh),
      row('early retries/s, 20 sessions', (s) => s.noted20, 0),
      row('new triples/s, 20 sessions', (s) => s.fresh20, 0),
      row('first reply, known triple, 1 process (ms)', (s) => s.first, 0),
      row('PSS per process (MB), 20 live: of the file too', (s) => s.pss, 1),
      row('... private', (s) => s.private, 1),
      ['bytes a triple on disk', ...bytes],
    ],
  );
}

function met(goal: boolean): string {
  return goal ? 'met' : 'MISSED';
}
