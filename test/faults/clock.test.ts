// A clock that jumps back, jumps ahead, stands still: nobody is deferred for longer than the delay after it.
import { expect, test } from 'vitest';
import { makeClock } from '../support/clock.ts';
import { greylatch, startFilter } from '../support/filter.ts';
import { suite } from '../support/needs.ts';
import { deferred, dunno } from '../support/requests.ts';
import { testScratch } from '../support/scratch.ts';
import { file, requestFor } from './database.ts';

const HOUR = 3600;
const YEAR = 365 * 24 * HOUR;

suite('the clock', ['faketime'], () => {
  test.each([
    ['jumps back an hour', -HOUR],
    ['jumps ahead an hour', HOUR],
    ['jumps ahead a year', YEAR],
    ['stands still', 0],
  ])('%s', async (_, jump) => {
    const own = testScratch();
    const clock = makeClock(own.path);
    const filter = await startFilter(greylatch('--db', file(own.path), '--log', 'none'), { env: clock.env });
    expect(await filter.ask(requestFor(1))).toBe(deferred);
    clock.move(61);
    expect(await filter.ask(requestFor(1))).toBe(dunno);
    expect(await filter.ask(requestFor(2))).toBe(deferred);
    clock.move(jump);
    const at = await filter.ask(requestFor(2));
    // After a year the retry window is long over: it starts anew.
    expect(at).toBe(jump === HOUR ? dunno : deferred);
    if (jump === 0) expect(await filter.ask(requestFor(2))).toBe(deferred);
    clock.move(61);
    expect(await filter.ask(requestFor(2))).toBe(dunno);
    // Seen before the jump, asked for only now: it waits once more for the delay at most.
    await filter.ask(requestFor(1));
    clock.move(61);
    expect(await filter.ask(requestFor(1))).toBe(dunno);
    await filter.finish();
  });
});
