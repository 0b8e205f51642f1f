// The oracle on the fleet's store: greylist.pl and two hosts of a fleet get the same requests under the same clock, and
// every reply must be the same. GREYLATCH_FLEET_ORACLE sets the number of requests, GREYLATCH_SEED the seed.
import { expect, test } from 'vitest';
import { makeGenerator } from '../oracle/generator.ts';
import { originalCommand } from '../oracle/original.ts';
import { makeClock, sweepAfter } from '../support/clock.ts';
import { startFilter } from '../support/filter.ts';
import { suite } from '../support/needs.ts';
import { makeRandom } from '../support/random.ts';
import { deferred, dunno } from '../support/requests.ts';
import { testScratch } from '../support/scratch.ts';
import { startEngine } from './engine.ts';
import { makeHosts, PATIENT } from './hosts.ts';

const count = Number(process.env.GREYLATCH_FLEET_ORACLE || 2500);
const seed = Number(process.env.GREYLATCH_SEED || 1);

suite('oracle of the fleet', ['greylistPl', 'perl', 'engineClock', 'redis'], () => {
  test(
    `two hosts reply as one greylist.pl does (${count} requests, seed ${seed})`,
    async () => {
      const scratch = testScratch();
      const clock = makeClock(scratch.path);
      const engine = await startEngine(scratch.path, { env: clock.env });
      const { make, close } = makeHosts(scratch.path, `redis://127.0.0.1:${engine.port}`, () => clock.env);
      const original = await startFilter(originalCommand(scratch.path), { env: clock.env });
      const one = make('one');
      const two = make('two');
      try {
        // Nothing is to be forgotten here: greylist.pl never forgets.
        const options = [...PATIENT, '--retry-window', '0', '--max-age', '0'];
        const sessions = [await one.start(...options), await two.start(...options)];
        const random = makeRandom(seed);
        const nextBatch = makeGenerator(random);
        const seen: Record<string, number> = {};
        for (let done = 0; done < count; ) {
          const { move, requests } = nextBatch();
          clock.move(move);
          const bytes = Buffer.concat(requests.map((request) => request.bytes));
          const session = random.pick(sessions);
          original.send(bytes);
          session.send(bytes);
          const [expected, actual] = await Promise.all([
            original.replies(requests.length),
            session.replies(requests.length),
          ]);
          expect(actual, `after ${done} requests`).toEqual(expected);
          for (const reply of actual) seen[reply] = (seen[reply] ?? 0) + 1;
          done += requests.length;
        }
        for (const reply of [deferred, dunno]) expect(seen[reply]).toBeGreaterThan(count / 10);
        expect(one.log() + two.log()).not.toMatch(/away|back/);
      } finally {
        await close();
        await original.finish();
        sweepAfter(original.pid);
        await engine.stop();
      }
    },
    120_000 + count * 20,
  );
});
