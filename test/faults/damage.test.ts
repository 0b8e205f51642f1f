// Whatever happens to the file: every request is answered, the damaged file is kept, and what it held is saved.
// GREYLATCH_DAMAGE=1000 tries a thousand cases instead of the hundred and more of CI.
import { execFileSync } from 'node:child_process';
import { lstatSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readQueue } from '../../src/store/queue/read.ts';
import { makeRandom } from '../support/random.ts';
import { deferred, dunno } from '../support/requests.ts';
import { testScratch } from '../support/scratch.ts';
import { until } from '../support/until.ts';
import {
  copyOf,
  critLines,
  expectSound,
  file,
  filterIn,
  isAtRest,
  isEmptied,
  isFile,
  logFile,
  makeTemplate,
  passAll,
  requestFor,
  Smtpd,
  setAside,
  type Template,
} from './database.ts';
import { DAMAGE, type Harm, noise, UPHEAVAL } from './harm.ts';

const SIZES = [1, 1000, 20_000];
const ROUNDS = Math.ceil(
  Number(process.env.GREYLATCH_DAMAGE ?? 100) /
    (SIZES.length * (Object.keys(DAMAGE).length + Object.keys(UPHEAVAL).length)),
);
const templates: Template[] = [];

beforeAll(async () => {
  for (const size of SIZES) templates.push(await makeTemplate(size));
});
afterAll(() => {
  for (const template of templates) template.remove();
});

/** When a copy is damaged: before there is a filter, between requests, under them. Each moment has its turn with each harm. */
const MOMENTS = ['before', 'between', 'under'] as const;

interface Outcome {
  /** Processes that may have died: one, where a file was cut off within a transaction. */
  excused: number;
  deaths: number;
  known: number;
  asked: number;
}

/** Damages a copy before, between or under the requests of several filters, and asks on. */
async function suffer(
  template: Template,
  harm: Harm,
  seed: number,
  check: (directory: string, outcome: Outcome) => void,
) {
  const random = makeRandom(seed);
  const copy = copyOf(template);
  const when = MOMENTS[(templates.indexOf(template) + seed) % MOMENTS.length]!;
  try {
    if (when === 'before') harm(file(copy.path), random);
    const smtpds = await Promise.all(
      Array.from({ length: 4 }, () => Smtpd.start(copy.path, '--auto-whitelist', '0')),
    );
    const store = (round: number) =>
      Promise.all(smtpds.map((smtpd, i) => smtpd.ask(requestFor(i, `new${round}`))));
    if (when !== 'before') {
      for (let i = 0; i < 40; i++) await store(-i); // so many are stored at once
      await until(() => isAtRest(copy.path)); // one of the filters has opened the database
    }
    const busy = when === 'under' ? store(1).then(() => store(2)) : undefined;
    if (when !== 'before') harm(file(copy.path), random);
    await busy;
    const outcome = { excused: when === 'under' ? 1 : 0, deaths: 0, known: 0, asked: 0 };
    for (let round = 3; round < 6; round++) {
      for (const reply of await store(round)) expect([deferred, dunno]).toContain(reply);
      for (let i = 0; i < 30; i++) {
        outcome.asked++;
        const reply = await random.pick(smtpds).ask(requestFor(random.below(template.triples)));
        expect([deferred, dunno]).toContain(reply);
        if (reply === dunno) outcome.known++;
      }
    }
    for (const smtpd of smtpds) outcome.deaths += smtpd.deaths;
    for (const smtpd of smtpds) await smtpd.stop();
    check(copy.path, outcome);
  } catch (error) {
    if (error instanceof Error)
      error.message += `\n(seed ${seed}, ${when}, ${template.triples} triples; ${readdirSync(copy.path).join(' ')})`;
    throw error;
  } finally {
    copy.remove();
  }
}

/** All at once: what takes time is mostly that filters wait before they store. */
async function withEach(work: (template: Template) => Promise<void>): Promise<void> {
  await Promise.all(templates.map(work));
}

describe.each(Object.entries(DAMAGE))('%s', (_, harm) => {
  test('every request is answered, by the first process that is asked, and one file at most is set aside', async () => {
    await withEach(async (template) => {
      for (let seed = 1; seed <= ROUNDS; seed++) {
        await suffer(template, harm, seed, (directory, { deaths, excused }) => {
          expect(deaths).toBeLessThanOrEqual(excused);
          expect(setAside(directory).length).toBeLessThanOrEqual(1);
          expect(critLines(directory)).toHaveLength(setAside(directory).length);
          if (setAside(directory).length > 0 && isFile(file(directory))) expectSound(directory);
        });
      }
    });
  });
});

describe.each(Object.entries(UPHEAVAL))('%s', (name, harm) => {
  test('every request is answered, and nothing is set aside', async () => {
    await withEach((template) =>
      suffer(template, harm, 1, (directory, { deaths, excused, known, asked }) => {
        expect(deaths).toBeLessThanOrEqual(name === 'lock emptied' ? excused : 0);
        expect(setAside(directory)).toEqual([]);
        if (name.startsWith('lock')) expect(known).toBe(asked);
        if (isFile(file(directory))) expectSound(directory);
      }),
    );
  });
});

describe('what was never a database stays where it is, and mail passes', () => {
  test.each<[string, (place: string) => void]>([
    ['a directory', (place) => mkdirSync(path.join(place, 'main.cf'), { recursive: true })],
    ['a text', (place) => writeFileSync(place, 'myhostname = mail.example.org\n'.repeat(1000))],
    ['a pipe', (place) => execFileSync('mkfifo', [place])],
    ['bytes', (place) => writeFileSync(place, noise(makeRandom(1), 100_000))],
  ])('%s', async (_, make) => {
    const scratch = testScratch();
    make(file(scratch.path));
    const before = lstatSync(file(scratch.path));
    const filter = await filterIn(scratch.path);
    for (let i = 0; i < 3; i++) expect(await filter.ask(requestFor(i))).toBe(dunno);
    await filter.finish();
    expect(readdirSync(scratch.path).sort()).toEqual(['greylist.mdb', 'log']);
    expect(lstatSync(file(scratch.path)).ino).toBe(before.ino);
    expect(readFileSync(logFile(scratch.path), 'utf8')).toMatch(/ err: .* name another file with --db/);
  });
});

test('damaged, and copied without its lock file: what shows that it was a database is enough', async () => {
  const copy = copyOf(templates[1]!);
  for (const beside of ['-lock', '-queue']) rmSync(`${file(copy.path)}${beside}`, { force: true });
  DAMAGE['both meta pages']!(file(copy.path), makeRandom(1));
  const filter = await filterIn(copy.path, '--auto-whitelist', '0');
  expect(await filter.ask(requestFor(1))).toBe(dunno);
  await filter.finish();
  expect(setAside(copy.path)).toHaveLength(1);
  copy.remove();
});

describe('what is readable is saved', () => {
  test.each([
    ['a tenth random', 0.85],
    ['a tenth zero', 0.85],
    ['pages swapped', 1],
    ['the first meta page', 1],
    ['both meta pages', 1],
  ])('%s', async (name, part) => {
    const template = templates.at(-1)!;
    const copy = copyOf(template);
    // Once they have passed, nothing is written before the damage is met: for LMDB, a leaf that was moved to where a free
    // page was is a free page to write to. (Up to 588 of these triples were lost by it.)
    await passAll(copy.path, template.triples);
    DAMAGE[name]!(file(copy.path), makeRandom(9));
    const smtpd = await Smtpd.start(copy.path, '--auto-whitelist', '0');
    // Some pages of the file are free: asking for all makes sure that the damage is met.
    let known = 0;
    for (let i = 0; i < template.triples; i++) if ((await smtpd.ask(requestFor(i))) === dunno) known++;
    await smtpd.stop();
    expect(smtpd.deaths).toBe(0);
    expect(known / template.triples).toBeGreaterThanOrEqual(part);
    copy.remove();
  });
});

test('cut off while triples are queued: nobody dies of storing them, and none is lost', async () => {
  const copy = copyOf(templates[1]!);
  const smtpds = await Promise.all(
    Array.from({ length: 4 }, () => Smtpd.start(copy.path, '--auto-whitelist', '0')),
  );
  const store = (round: number) =>
    Promise.all(smtpds.map((smtpd, i) => smtpd.ask(requestFor(i, `new${round}`))));
  let round = 0;
  await store(round);
  await until(() => isEmptied(copy.path)); // one of them has opened the database
  // They stay in the queue for a second, the time to do harm. On a busy machine some may be in the database before all have had
  // their replies.
  do expect(await store(++round)).toEqual([deferred, deferred, deferred, deferred]);
  while (readQueue(file(copy.path)).size !== 4);
  DAMAGE.emptied!(file(copy.path), makeRandom(1));
  await until(() => isEmptied(copy.path));
  // Once a triple passes that is seen for the first time now, those do too, whose second may have been a later one than
  // that of the others.
  await until(async () => (await smtpds[0]!.ask(requestFor(0, 'late'))) === dunno);
  expect(await store(round)).toEqual([dunno, dunno, dunno, dunno]);
  for (const smtpd of smtpds) await smtpd.stop();
  expect(smtpds.map(({ deaths }) => deaths)).toEqual([0, 0, 0, 0]);
  // Who comes later takes it for a new one: there is nothing to save.
  expect(critLines(copy.path)).toHaveLength(setAside(copy.path).length);
  copy.remove();
});
