// kill -9 at random moments among twenty writing filters: nobody waits for a lock of the dead, nothing that was
// answered is lost, and the database stays what it is. GREYLATCH_KILLS=1000 kills more than CI does.
import { expect, test } from 'vitest';
import { makeRandom } from '../support/random.ts';
import { deferred, dunno } from '../support/requests.ts';
import { testScratch } from '../support/scratch.ts';
import { until } from '../support/until.ts';
import { critLines, expectSound, requestFor, Smtpd, setAside } from './database.ts';

const KILLS = Number(process.env.GREYLATCH_KILLS ?? 100);
const FILTERS = 20;

test(`${KILLS} kills among ${FILTERS} writing filters`, async () => {
  const scratch = testScratch();
  const random = makeRandom(Number(process.env.GREYLATCH_SEED ?? 1));
  const smtpds = await Promise.all(
    Array.from({ length: FILTERS }, () => Smtpd.start(scratch.path, '--auto-whitelist', '0')),
  );
  const answered: number[] = [];
  let next = 0;
  let over = false;
  const write = async (smtpd: Smtpd) => {
    while (!over) {
      const triple = next++;
      const before = smtpd.deaths;
      const reply = await smtpd.ask(requestFor(triple, 'k')); // within the patience of `ask`, dead or not
      // Who was killed may have stored it; then the second try, a second later, finds it old enough.
      if (reply !== dunno || smtpd.deaths === before) expect(reply).toBe(deferred);
      answered.push(triple);
    }
  };
  const writers = smtpds.map(write);
  const killed = new Set<number>();
  while (killed.size < KILLS) {
    const before = answered.length;
    await new Promise((resolve) => setTimeout(resolve, random.below(15)));
    const victim = random.pick(smtpds).pid();
    if (victim === undefined || killed.has(victim)) continue; // not yet replaced
    process.kill(victim, 'SIGKILL');
    killed.add(victim);
    await until(() => answered.length > before); // somebody goes on
  }
  const deaths = () => smtpds.reduce((sum, { deaths }) => sum + deaths, 0);
  await until(() => deaths() >= KILLS); // whoever was killed is asked again
  over = true;
  await Promise.all(writers);
  for (const smtpd of smtpds) await smtpd.stop();
  expect(deaths()).toBe(KILLS);

  expect(setAside(scratch.path)).toEqual([]);
  expect(critLines(scratch.path)).toEqual([]);
  expectSound(scratch.path);

  const witness = await Smtpd.start(scratch.path, '--auto-whitelist', '0');
  await until(async () => (await witness.ask(requestFor(answered.at(-1)!, 'k'))) === dunno);
  const lost: number[] = [];
  for (const triple of answered)
    if ((await witness.ask(requestFor(triple, 'k'))) !== dunno) lost.push(triple);
  expect(lost).toEqual([]);
  await witness.stop();
});
