// Many processes: fifty filters, one database, the same triples and clients at the same time. What is stored is shown
// by behaviour only, by what the filters answer when the clock moves.
import { expect, test } from 'vitest';
import { suite } from '../support/needs.ts';
import { makeRandom } from '../support/random.ts';
import { deferred, dunno, shortRequest } from '../support/requests.ts';
import { crowdSize, withCrowd } from './crowd.ts';

const patience = 180_000;
const random = makeRandom(50);

/** `count` numbers from 0 on. */
const range = (count: number) => Array.from({ length: count }, (_, i) => i);

const triple = (client: number, number: number, kind = 'known') =>
  shortRequest(`192.0.2.${client}`, `sender-${kind}-${number}@example.org`, 'recipient@example.net');

/** Every reply is this one; says which not, without printing thousands. */
function expectAll(replies: string[][], wanted: string, when: string): void {
  const others = replies.flat().filter((reply) => reply !== wanted);
  expect({ when, others: others.length, example: others[0] }).toEqual({
    when,
    others: 0,
    example: undefined,
  });
}

suite('many processes', ['faketime'], () => {
  test('agree on one time stamp for each triple, whoever stored it', { timeout: patience }, async () => {
    await withCrowd(['--auto-whitelist', '0'], async ({ clock, members, join, ask, leave }) => {
      const seconds = 6;
      const triples = range(120).map((i) => triple(i % 7, i));
      const start = clock.now();
      const share = triples.length / seconds;
      const storm: Promise<string[]>[] = [];
      for (const second of range(seconds)) {
        const fresh = triples.slice(second * share, (second + 1) * share);
        // Each process meets them in an order of its own.
        const asked = members.map((member) => ask(member, random.shuffle([...fresh])));
        // Now some have answered, some are at it, some have not yet read a byte.
        clock.set(start + second + 1);
        storm.push(...asked);
        await Promise.all(asked.slice(0, 5));
      }
      expectAll(await Promise.all(storm), deferred, 'storm');

      const latecomer = await join();
      const everybody = [...members, latecomer];
      const passedAt = new Map<string, number>();
      for (const second of range(seconds + 3)) {
        clock.set(start + 60 + second);
        const answers = await Promise.all(everybody.map((member) => ask(member, triples)));
        triples.forEach((request, t) => {
          const votes = new Set(answers.map((answer) => answer[t]));
          expect([...votes], `60 + ${second} s, triple ${t}`).toHaveLength(1);
          const passes = votes.has(dunno);
          expect(passes || !passedAt.has(request), 'what has passed passes').toBe(true);
          if (passes && !passedAt.has(request)) passedAt.set(request, second);
        });
        if (second === 0) expect(passedAt.size).toBe(0);
      }
      expect(passedAt.size).toBe(triples.length);
      // Or the storm was none, and all this has shown nothing.
      expect(new Set(passedAt.values()).size).toBeGreaterThan(2);
      await leave();
    });
  });

  test('count come-backs exactly', { timeout: patience }, async () => {
    const each = 8;
    const threshold = crowdSize * each;
    await withCrowd(['--auto-whitelist', `${threshold}`], async ({ clock, members, join, ask, leave }) => {
      const clients = range(4);
      const known = clients.map((client) => range(20).map((i) => triple(client, i)));
      expectAll([await ask(members[0]!, known.flat())], deferred, 'first time');
      clock.move(61);
      const comeBacks = await Promise.all(
        members.map((member) => {
          const requests = clients.flatMap((client) => range(each).map(() => random.pick(known[client]!)));
          return ask(member, random.shuffle(requests));
        }),
      );
      expectAll(comeBacks, dunno, 'come-backs');

      const askAll = (kind: string) =>
        Promise.all(
          members.map((member) =>
            ask(
              member,
              clients.map((client) => triple(client, 0, kind)),
            ),
          ),
        );
      expectAll(
        await askAll('too-early'),
        deferred,
        `${threshold} come-backs are not more than ${threshold}`,
      );
      // The last ones are counted by four different processes.
      const last = await Promise.all(
        clients.map((client) => ask(members[client * 11]!, [known[client]![client]!])),
      );
      expectAll(last, dunno, 'one more each');
      expectAll(await askAll('whitelisted'), dunno, 'one come-back more, seen by all');
      const latecomer = await join();
      expectAll([await ask(latecomer, [triple(3, 1, 'late')])], dunno, 'by a new process too');
      expectAll([await ask(latecomer, [triple(99, 1, 'late')])], deferred, 'but not for another client');
      await leave();
    });
  });

  test('lose nothing, and see at once what another has stored', { timeout: patience }, async () => {
    await withCrowd(['--auto-whitelist', '0'], async ({ clock, members, ask, leave }) => {
      const own = members.map((_, m) => range(100).map((i) => triple(m, i, `of-${m}`)));
      const first = await Promise.all(members.map((member, m) => ask(member, own[m]!)));
      expectAll(first, deferred, 'first time');
      clock.move(61);
      const next = members.map((member, m) => ask(member, own[(m + 1) % crowdSize]!));
      expectAll(await Promise.all(next), dunno, 'asked of the neighbour');

      for (const round of range(100)) {
        const request = triple(round, 0, 'handed-on');
        const [one, other] = random.shuffle([...members]);
        expect(await ask(one!, [request])).toEqual([deferred]);
        clock.move(61);
        expect(await ask(other!, [request]), `round ${round}`).toEqual([dunno]);
      }
      await leave();
    });
  });

  test('go on when some of them are killed in the middle', { timeout: patience }, async () => {
    await withCrowd(['--auto-whitelist', '0'], async ({ clock, members, join, ask, leave }) => {
      const each = 120;
      const own = members.map((_, m) => range(each).map((i) => triple(m, i, `of-${m}`)));
      const doomed = members.filter((_, m) => m % 5 === 0);
      const survivors = members.filter((_, m) => m % 5 !== 0);
      const storm = survivors.map((member) => ask(member, own[members.indexOf(member)]!));
      for (const member of doomed) {
        const mine = own[members.indexOf(member)]!;
        member.send(mine.join(''));
        await member.replies(1 + random.below(mine.length / 2));
        await member.kill('SIGKILL');
      }
      expectAll(await Promise.all(storm), deferred, 'those that were not killed');

      // Whatever was answered is remembered, also what the dead had answered.
      clock.move(61);
      const answered = members.flatMap((member, m) => {
        const replies = member.everything().split('\n\n').length - 1;
        return own[m]!.slice(0, replies);
      });
      expect(answered.length).toBeGreaterThan(survivors.length * each);
      const shares = survivors.map((_, s) => answered.filter((__, i) => i % survivors.length === s));
      const again = survivors.map((member, s) => ask(member, shares[s]!));
      expectAll(await Promise.all(again), dunno, 'asked again');
      const latecomer = await join();
      expectAll([await ask(latecomer, own[1]!)], dunno, 'asked of a new process');
      await leave();
    });
  });
});
