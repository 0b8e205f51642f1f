// The store of a fleet: the engine decides, asked by a thread (thread.ts); what it does not decide in time, this host's own
// store decides. What the engine has decided is noted in that too, so that a host without its engine still knows whom it has
// seen.
import type { Level } from '../../log/log.ts';
import type { Release } from '../releases.ts';
import type { Rules, Store, Triple, Verdict } from '../store.ts';
import { nameOf, readAddress } from './address.ts';
import { isLeft, isWaiting, journalPath, leave, note } from './journal.ts';
import { AWAY, NO_REASON, UP } from './messages.ts';
import { startThread, type ThreadOptions } from './thread.ts';

export interface FleetOptions extends Omit<ThreadOptions, 'journal'> {
  /** This host's own database; the journal lies beside it. */
  database: string;
  /** Logs trouble that may come with every request, now and then; `kind` is the same for the same trouble. */
  complain: (level: Level, kind: string, text: string) => void;
}

/** Seconds between two looks for a journal that nobody has handed over, or for files that could not be read. */
const EVERY = 5;

export { readAddress };

/** The fleet's store on top of `local`, the host's own. Throws nothing: trouble is logged, and `local` decides. */
export function openFleet(local: Store, options: FleetOptions): Store {
  const { database, complain, ...ofThread } = options;
  const { address, say } = ofThread;
  const journal = journalPath(database);
  const where = nameOf(address);
  const thread = startThread({ ...ofThread, journal });
  let alone = false; // the current decision is made without the engine
  let journalled = false; // this process has written to the journal since the engine was last there
  let unexplained = false; // it has told that the engine is away, and not why
  let releases: readonly Release[] = []; // the fleet's, as far as they are known
  let number = 0;
  let looked = 0;

  function askEngine(triple: Triple, now: number, rules: Rules, idle: boolean): Verdict | undefined {
    alone = true;
    // If the journal is gone, another process has handed it over: the engine is back.
    if (thread.state() === AWAY && !(journalled && thread.isAlive() && !isWaiting(journal))) return undefined;
    journalled = false;
    const { delay, autoWhitelist } = rules; // of which the thread can be sent no more
    const answer = thread.ask({ number: ++number, ...triple, delay, autoWhitelist, idle });
    if (answer === undefined) return undefined;
    if ('trouble' in answer) {
      if (answer.ofOneKey) {
        alone = false; // not for the journal: the engine could not merge it into that key
        complain('err', 'key', `the store ${where}: ${answer.trouble}`);
      }
      return undefined;
    }
    alone = false;
    unexplained = false;
    releases = answer.releases;
    const [passes, age, delayed] = answer.verdict;
    const verdict = { passes: passes === 1, age, delayed: delayed === 1 };
    if (!idle) mirror(triple, now, verdict, rules);
    return verdict;
  }

  /** Notes in the host's own store what the engine has decided, unless that store knows it already. */
  function mirror(
    triple: Triple,
    now: number,
    { passes, age }: Verdict,
    { delay, autoWhitelist }: Rules,
  ): void {
    atBest(undefined, () => {
      const seen = local.look(triple, now);
      const first = now - (passes ? Math.max(age, delay + 1) : age);
      if (seen.firstSeen === 0) local.remember(triple, first);
      // Come-backs only until they suffice, as the engine counts them: each is a write.
      const counts = autoWhitelist > 0 && seen.comeBacks <= autoWhitelist;
      if (passes && (counts || !seen.fresh)) local.pass(triple, now, autoWhitelist > 0);
    });
  }

  /** What the host's own store says; `otherwise` where that is in trouble, which the fleet's does not need. */
  function atBest<T>(otherwise: T, work: () => T): T {
    try {
      return work();
    } catch (error) {
      complain('err', 'mirror', `${(error as Error).message}; the fleet's store decides meanwhile`);
      return otherwise;
    }
  }

  /** Returns when the triple was first seen. */
  function passLocally(triple: Triple, now: number, comeBack: boolean): number {
    local.pass(triple, now, comeBack);
    return local.look(triple, now).firstSeen;
  }

  /** Notes in the journal what was decided without the engine. */
  function keep(triple: Triple, firstSeen: number, passed: number, comeBack: boolean): void {
    if (!alone) return;
    try {
      const known = note(journal, { ...triple, firstSeen, passed, comeBack });
      journalled = true;
      // This filter does not ask it, whatever the log says of the others.
      if (known && !thread.isAlive()) complain('err', 'thread', `the store ${where}: ${thread.trouble()}`);
      // UP: the engine is back already, and the journal before this one was handed over a moment ago.
      if (known) tellWhy();
      else if (thread.state() === UP) thread.send('merge');
      else tellAway();
    } catch (error) {
      complain(
        'err',
        'journal',
        `${isAway()}; the fleet will not know of it: cannot write to ${journal}: ${(error as Error).message}`,
      );
    }
  }

  /** The reason may show later, e.g. that the Sentinels do not know the engine's name. */
  const saysLittle = (why: string) => why === NO_REASON || why.startsWith('no answer');

  function tellAway(): void {
    unexplained = saysLittle(thread.trouble());
    say('warning', isAway());
  }

  const isAway = () => `the store ${where} is away: ${thread.trouble()}; this host decides by itself`;

  /** Why it is away, e.g. that the password was changed, may show only at the next try to connect. */
  function tellWhy(): void {
    if (!unexplained || saysLittle(thread.trouble())) return;
    unexplained = false;
    say('warning', `the store ${where} does not come back: ${thread.trouble()}`);
  }

  return {
    ...local,
    decide(triple, now, rules, idle) {
      const verdict = askEngine(triple, now, rules, idle);
      // Nothing will be noted in the journal, which would tell.
      if (verdict === undefined && alone && idle) complain('warning', 'away', isAway());
      return verdict;
    },
    look(triple, now) {
      try {
        return local.look(triple, now);
      } catch (error) {
        if (alone) complain('warning', 'away', isAway());
        throw error;
      }
    },
    remember(triple, now) {
      const first = local.remember(triple, now);
      keep(triple, first, 0, false);
      return first;
    },
    defer(triple, now) {
      local.defer(triple, now);
      // So that an engine which comes back without its data learns how long this triple has waited.
      if (alone) keep(triple, local.look(triple, now).firstSeen, 0, false);
    },
    pass(triple, now, comeBack) {
      if (alone) return keep(triple, passLocally(triple, now, comeBack), now, comeBack);
      // The engine deferred it, but an administrator released it.
      const firstSeen = atBest(0, () => passLocally(triple, now, comeBack)) || now;
      thread.send({ ...triple, firstSeen, passed: now, comeBack });
    },
    releases: () => [...atBest([], local.releases), ...releases],
    tidy(now) {
      if (Math.abs(now - looked) >= EVERY) {
        looked = now;
        thread.retry();
        if (isWaiting(journal) || isLeft(journal, Date.now())) thread.send('merge');
      }
      local.tidy(now);
    },
    close() {
      local.close();
      thread.end();
      leave(journal);
    },
  };
}
