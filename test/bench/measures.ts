// What is measured, in groups: each takes one program through one round and returns its figures by name (rows.ts
// says what they mean). Each group starts from a database of its own.
import { accessSync, constants } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { LONG } from '../../src/filter/v8.ts';
import { drive, type Outcome, type Plan, type Report, type Step, type Target } from './driver.ts';
import { type Lab, withDatabase } from './lab.ts';
import type { Program } from './peers.ts';
import { meanMemory, median } from './table.ts';

export type Figures = Record<string, number>;

export interface Sizes {
  rounds: number;
  /** Rounds in which memory is looked at, which hardly differs from one to the next. */
  memoryRounds: number;
  /** Starts of one process, and of 20 at once, in a round. */
  starts: number;
  startsAtOnce: number;
  /** Processes whose life is looked at, and the requests that each answers. */
  lives: number;
  life: number;
  /** Seconds of each rate, and the requests a session before it. */
  seconds: number;
  warm: number;
  /** Triples in the database beforehand. */
  stored: number;
  /** Databases, empty at first, in each of which 20 sessions store so many triples. */
  young: number;
  lost: number;
  /** Requests a session before memory is looked at, and in one process before it is again. */
  short: number;
  long: number;
}

export const FULL: Sizes = {
  rounds: 5,
  memoryRounds: 2,
  starts: 10,
  startsAtOnce: 3,
  lives: 5,
  life: 100,
  seconds: 2,
  warm: 2 * LONG,
  stored: 10_000,
  young: 3,
  lost: 1000,
  short: 1500,
  long: 100_000,
};

export const QUICK: Sizes = {
  ...FULL,
  rounds: 2,
  memoryRounds: 1,
  starts: 4,
  startsAtOnce: 2,
  seconds: 0.5,
  long: 10_000,
};

/** Drives the program, and keeps account of what it gets wrong. */
async function ask(
  lab: Lab,
  program: Program,
  target: Target,
  plan: Plan,
  { pinned = false, judge = true } = {},
): Promise<Report> {
  const report = await drive(target, plan, pinned);
  const trouble = lab.troubles.get(program.name) ?? { ended: 0, wrong: 0 };
  lab.troubles.set(program.name, trouble);
  trouble.ended += report.ended.length;
  for (const { requests, deferred } of judge ? report.steps : []) {
    // Within the delay all is deferred: whoever answers otherwise has not done the work that is measured.
    trouble.wrong += program.kind === 'floor' ? deferred : requests - deferred;
  }
  if (report.ended.length > 0)
    console.log(`${program.name}: sessions ended without a reply: ${report.ended.join(', ')}`);
  return report;
}

/** Seconds after which V8 has cleaned up: it takes up to nine for it, once there is nothing else to do. */
const REST = 15;

type Group = (lab: Lab, program: Program, sizes: Sizes, round: number) => Promise<Figures>;

export const GROUPS: Record<string, Group> = {
  lost,
  first: firstReplies,
  cold: coldReply,
  life,
  one: oneSession,
  pinned: onePinned,
  twenty,
  hundred,
  memory,
};

/**
 * How many of the triples that 20 sessions stored at once are known afterwards. Young databases, and sessions that
 * have only just started: this is where writers meet most.
 */
async function lost(lab: Lab, program: Program, { young, lost: requests }: Sizes): Promise<Figures> {
  if (program.kind === 'floor') return {};
  const plan = { known: 0, fresh: 0, steps: [{ share: 0, requests }] };
  let remembered = 0;
  for (let i = 0; i < young; i++) {
    const work = async ({ target }: { target: Target }) => {
      await ask(lab, program, target, { ...plan, sessions: 20 });
      await sleep(2500); // longer than the delay, in whole seconds: whoever is known passes now
      const again = await ask(lab, program, target, { ...plan, sessions: 1 }, { judge: false });
      return requests - again.steps[0]!.deferred;
    };
    remembered += await withDatabase(lab, program, 0, work, { delay: 1 });
  }
  return { remembered };
}

/** Milliseconds from before the fork to the reply; with 20 at once, to the last one's. */
export async function firstReplies(lab: Lab, program: Program, sizes: Sizes): Promise<Figures> {
  if (program.kind === 'daemon') return {};
  return withDatabase(lab, program, sizes.stored, async ({ target }) => {
    const figures: Figures = {};
    let fresh = sizes.stored;
    for (const first of ['known', 'new'] as const) {
      for (const [sessions, repeat] of [
        [1, sizes.starts],
        [20, sizes.startsAtOnce],
      ] as const) {
        const report = await drive(target, {
          sessions,
          repeat,
          first,
          known: sizes.stored,
          fresh,
          steps: [],
        });
        fresh = report.fresh;
        figures[`first-${first}-${sessions}`] = median(report.first.map((times) => times.at(-1)!));
      }
    }
    return figures;
  });
}

export function canDropCaches(): boolean {
  try {
    accessSync('/proc/sys/vm/drop_caches', constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

async function coldReply(lab: Lab, program: Program, { stored }: Sizes): Promise<Figures> {
  if (program.kind === 'daemon' || !canDropCaches()) return {};
  return withDatabase(lab, program, stored, async ({ target }) => {
    const plan = {
      sessions: 1,
      first: 'known',
      cold: true,
      known: stored,
      fresh: stored,
      steps: [],
    } as const;
    const report = await ask(lab, program, target, { ...plan, steps: [] });
    return { 'first-cold': report.first[0]![0]! };
  });
}

/**
 * Milliseconds of a processor that a process takes in all: to start, and for as many requests as an smtpd process asks.
 * These come a few at a time: what a program does behind its replies counts as well.
 */
async function life(lab: Lab, program: Program, { stored, lives, life }: Sizes): Promise<Figures> {
  if (program.kind === 'daemon') return {};
  return withDatabase(lab, program, stored, async ({ target }) => {
    let fresh = stored;
    const take = async (step: Step, times: number, seed = 1) => {
      const steps = Array<Step>(times).fill(step);
      const report = await ask(lab, program, target, { sessions: 1, known: stored, fresh, seed, steps });
      fresh = report.fresh;
      const taken = ({ cpu = Number.NaN, requests }: Outcome) => (cpu * requests) / 1000;
      return report.steps.reduce((sum, step) => sum + taken(step), report.end);
    };
    const several = async (share: number) => {
      const some: Step = { share, requests: life / 10, rest: 0.05 };
      const taken: number[] = [];
      for (let seed = 1; seed <= lives; seed++) taken.push(await take(some, 10, seed));
      return median(taken);
    };
    return {
      'life-known': await several(1),
      'life-new': await several(0),
      'life-slow': await take({ share: 0, requests: 1, rest: 0.5 }, 20),
    };
  });
}

async function oneSession(lab: Lab, program: Program, sizes: Sizes, round: number): Promise<Figures> {
  const [known, fresh] = await rates(lab, program, sizes, 1, round);
  return { 'known-1': known!.rate, 'new-1': fresh!.rate };
}

/** Driver and program on one processor: no wake-up of another one hides what the program costs. */
async function onePinned(lab: Lab, program: Program, sizes: Sizes, round: number): Promise<Figures> {
  const [known, fresh] = await rates(lab, program, sizes, 1, round, true);
  return { 'known-pinned': known!.rate, 'new-pinned': fresh!.rate };
}

async function twenty(lab: Lab, program: Program, sizes: Sizes, round: number): Promise<Figures> {
  const [known, fresh, mix] = await rates(lab, program, sizes, 20, round);
  return {
    'known-20': known!.rate,
    'known-20-cpu': known!.cpu ?? Number.NaN,
    'known-20-driver': known!.driver * 100,
    'new-20': fresh!.rate,
    'new-20-cpu': fresh!.cpu ?? Number.NaN,
    'new-20-driver': fresh!.driver * 100,
    'mix-rate': mix!.rate,
    'mix-p99': mix!.p99!,
  };
}

async function hundred(lab: Lab, program: Program, sizes: Sizes, round: number): Promise<Figures> {
  const [known, fresh] = await rates(lab, program, { ...sizes, warm: 500 }, 100, round);
  return { 'known-100': known!.rate, 'new-100': fresh!.rate };
}

/** What is known, what is new, and 70/30 of both; each kind after a warming up. */
async function rates(
  lab: Lab,
  program: Program,
  { stored, seconds, warm }: Sizes,
  sessions: number,
  seed: number,
  pinned = false,
): Promise<Outcome[]> {
  // A daemon has one memory for all sessions, and would take half a minute.
  const requests = program.kind === 'daemon' ? warm : warm * sessions;
  const steps: Step[] = [
    { share: 1, requests },
    { share: 1, seconds },
    { share: 0, requests: requests / 10 },
    { share: 0, seconds },
    { share: 0.7, seconds, latencies: true },
  ];
  const outcomes = await withDatabase(
    lab,
    program,
    stored,
    async ({ target }) => {
      const report = await ask(
        lab,
        program,
        target,
        { sessions, known: stored, fresh: stored, seed, steps },
        { pinned },
      );
      return report.steps;
    },
    { pinned },
  );
  return [outcomes[1]!, outcomes[3]!, outcomes[4]!];
}

async function memory(lab: Lab, program: Program, sizes: Sizes, round: number): Promise<Figures> {
  if (round >= sizes.memoryRounds) return {};
  const { stored, short, long } = sizes;
  const daemon = program.kind === 'daemon';
  const steps: Step[] = [{ share: 0.7, requests: short * (daemon ? 1 : 20), memory: true }];
  if (!daemon) {
    // One request more, which is noise.
    steps.push({ share: 0.7, requests: 1, sessions: 1, rest: REST, memory: true });
    steps.push({ share: 0.7, requests: long, sessions: 1, memory: true });
    steps.push({ share: 0.7, requests: 1, sessions: 1, rest: REST, memory: true });
  }
  return withDatabase(lab, program, stored, async ({ target }) => {
    const report = await ask(lab, program, target, { sessions: 20, known: stored, fresh: stored, steps });
    const [all, rested, after, restedAfter] = report.steps.map((step) => step.memory!);
    const figures: Figures = { pss: meanMemory(all!, 'pss'), private: meanMemory(all!, 'private') };
    if (rested !== undefined) figures['pss-rest'] = meanMemory(rested, 'pss');
    if (after !== undefined) {
      figures['pss-long'] = after[0]!.pss / 1024;
      figures['private-long'] = after[0]!.private / 1024;
    }
    if (restedAfter !== undefined) figures['pss-long-rest'] = restedAfter[0]!.pss / 1024;
    if (program.kind !== 'floor') figures.bytes = lab.sizes.get(program.name)! / stored;
    return figures;
  });
}
