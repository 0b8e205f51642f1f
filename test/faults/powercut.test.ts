// A power cut at any moment: the database works afterwards, or is recognised as damaged and saved; and what had to
// be on the disk is there.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { CONSUMED, HEADER } from '../../src/store/queue/format.ts';
import { greylatch, startFilter } from '../support/filter.ts';
import { suite } from '../support/needs.ts';
import { makeRandom } from '../support/random.ts';
import { deferred, dunno } from '../support/requests.ts';
import { makeScratch } from '../support/scratch.ts';
import { until } from '../support/until.ts';
import { expectSound, file, filterIn, requestFor, setAside } from './database.ts';
import { afterCut, type Event, namedAfterCut, readRecording, reboot, STRACE } from './recording.ts';

const CUTS = Number(process.env.GREYLATCH_CUTS ?? 40);

interface Run {
  /** So many triples at a time, each time until they are `settled`: until all are in the database, and that on the disk. */
  bursts: number[];
  settled?: (events: Event[], triples: number) => boolean;
  options?: string[];
  request?: (triple: number) => string;
}

/** Runs one filter under strace while it stores triples. */
async function record({ bursts, options = [], request = requestFor, ...run }: Run): Promise<Event[]> {
  const settled = run.settled ?? ((events, triples) => promised(events, events.length) === triples);
  const scratch = makeScratch();
  const trace = path.join(scratch.path, 'trace');
  const database = file(scratch.path);
  writeFileSync(trace, '');
  const command = greylatch(
    ...['--db', database, '--log', 'none', '--delay', '0', '--auto-whitelist', '0'],
    ...options,
  );
  const filter = await startFilter(['strace', ...STRACE, '-o', trace, ...command]);
  let triple = 0;
  for (const burst of bursts) {
    for (let i = 0; i < burst; i++) expect(await filter.ask(request(triple++))).toBe(deferred);
    await until(() => settled(readRecording(trace, database), triple));
  }
  await filter.kill('SIGKILL');
  const end = Date.now();
  // All are old enough to pass then. And nobody has the process number any more that stands in the queue.
  const number = readFileSync(trace, 'latin1').split(' ')[0];
  await until(() => Date.now() - end > 1000 && !existsSync(`/proc/${number}`));
  const events = readRecording(trace, database);
  scratch.remove();
  return events;
}

/** How many triples were in the database before the last flush that had both its steps finished by `cut` began. */
function promised(events: Event[], cut: number): number {
  const CONSUMED_AT = 4 * CONSUMED; // in the queue's header: up to where it is in the database
  const ends: number[] = [];
  let stored = 0;
  let pagesFlushed = false;
  let marked = false;
  let beforePages = 0; // stored when the flush of the pages began
  let kept = 0;
  let begunAt = 0;
  for (const event of events.slice(0, cut)) {
    if (event.kind === 'reply' || event.kind === 'named' || event.to === 'directory') continue;
    if (typeof event.to === 'number') {
      if (event.kind !== 'write') continue;
      if (event.at === CONSUMED_AT) stored = ends.filter((end) => end <= event.data.readUInt32LE()).length;
      else if (event.at >= HEADER) ends.push(event.at + event.data.length);
    } else if (event.kind === 'write')
      marked ||= event.at === 2048 && pagesFlushed; // a new file is marked at once
    else if (event.kind === 'flush begins') begunAt = stored;
    else {
      if (marked) kept = beforePages;
      else beforePages = begunAt;
      pagesFlushed = !marked;
      marked = false;
    }
  }
  return kept;
}

const repliesOf = (events: Event[]) => (cut: number) =>
  events.slice(0, cut).filter(({ kind }) => kind === 'reply').length;

/** Cuts the run short at many moments from event `from` on; after each, asks for the triples. */
async function cutShort(
  events: Event[],
  expected: (cut: number) => number,
  request: (triple: number) => string = requestFor,
  from = 0,
  to = events.length,
): Promise<void> {
  async function at(seed: number): Promise<void> {
    const random = makeRandom(seed);
    const cut = from + random.below(to - from + 1);
    const left = afterCut(events, cut, 'database', random);
    const name = namedAfterCut(events, cut, random);
    const queue = name === undefined ? '' : afterCut(events, cut, name, random);
    reboot(left);
    const scratch = makeScratch();
    writeFileSync(file(scratch.path), left, { mode: 0o600 });
    if (queue.length > 0) writeFileSync(`${file(scratch.path)}-queue`, queue, { mode: 0o600 });
    const filter = await filterIn(scratch.path, '--auto-whitelist', '0');
    try {
      const known = expected(cut);
      filter.send(Array.from({ length: known }, (_, i) => request(i)).join(''));
      const replies = await filter.replies(known);
      expect(replies.findIndex((reply) => reply !== dunno)).toBe(-1);
      expect(await filter.ask(requestFor(1_000_000))).toBe(deferred);
      await filter.finish();
      expectSound(scratch.path);
    } catch (error) {
      if (error instanceof Error)
        error.message += `\n(seed ${seed}, cut ${cut} of ${events.length}; ${setAside(scratch.path)})`;
      throw error;
    }
    scratch.remove();
  }
  // Two at a time: one's filter starts, or ends, while the other's is asked.
  const every = async (first: number) => {
    for (let seed = first; seed <= CUTS; seed += 2) await at(seed);
  };
  await Promise.all([every(1), every(2)]);
}

suite('a power cut', ['strace'], () => {
  test('--sync later: what was flushed is known', async () => {
    const events = await record({ bursts: [20, 25, 30] });
    expect(promised(events, events.length)).toBe(75);
    await cutShort(events, (cut) => promised(events, cut));
  });

  test('--sync always: what was answered is known', async () => {
    const events = await record({ bursts: [60], options: ['--sync', 'always'] });
    const replies = repliesOf(events);
    expect(replies(events.length)).toBe(60);
    await cutShort(events, replies);
  });

  test('--sync always: and while the file of new triples is replaced', async () => {
    const request = (triple: number) => requestFor(triple, 'x'.repeat(200));
    const replaced = (events: Event[]) =>
      events.findIndex((event) => event.kind === 'named' && event.to === 1);
    const settled = (events: Event[]) => replaced(events) >= 0;
    const events = await record({ bursts: [1000, 20], settled, options: ['--sync', 'always'], request });
    const at = replaced(events);
    await cutShort(events, repliesOf(events), request, at - 30, Math.min(at + 60, events.length));
  });

  test('in a storm of new triples: it works, or is recognised and saved', async () => {
    const events = await record({ bursts: [300] });
    await cutShort(events, () => 0);
  });
});
