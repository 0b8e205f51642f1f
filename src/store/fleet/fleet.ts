// The store of a fleet: the engine decides, asked by a thread (worker.ts); what it does not decide in time, this host's own
// store decides. What the engine has decided is noted in that too, so that a host without its engine still knows whom it has
// seen.
import { join } from 'node:path';
import { MessageChannel, receiveMessageOnPort, Worker } from 'node:worker_threads';
import type { Level } from '../../log/log.ts';
import { monotonic } from '../../time/monotonic.ts';
import type { Release } from '../releases.ts';
import type { Limits, Rules, Store, Triple, Verdict } from '../store.ts';
import { type Address, nameOf, readAddress } from './address.ts';
import { isLeft, isWaiting, journalPath, note } from './journal.ts';
import {
  type Answer,
  AWAY,
  LOADING,
  type Note,
  type Question,
  STATE,
  type ToWorker,
  UP,
  WAKE,
  type WorkerData,
} from './messages.ts';
import { readSecrets, type Secrets } from './secrets.ts';

export interface FleetOptions {
  address: Address;
  /** Undefined: the engine asks for none. */
  passwordFile: string | undefined;
  /** How long a request waits for the engine, in milliseconds. */
  timeout: number;
  /** This host's own database; the journal lies beside it. */
  database: string;
  limits: Limits;
  /** Logs a message, e.g. that the engine is away, or back. */
  say: (level: Level, text: string) => void;
  /** Logs trouble that may come with every request, now and then; `kind` is the same for the same trouble. */
  complain: (level: Level, kind: string, text: string) => void;
}

/** How long the first request may wait for the thread to be loaded, in milliseconds; its own timeout begins after that. */
const LOADED = 5000;
/** Seconds between two looks for a journal that nobody has handed over. */
const EVERY = 5;
/** The thread's space for young objects, in MB: it needs little, and this saves 10 MB a filter. */
const YOUNG = 1;

export { readAddress };

/** The fleet's store on top of `local`, the host's own. Throws nothing: trouble is logged, and `local` decides. */
export function openFleet(local: Store, options: FleetOptions): Store {
  const { address, timeout, database, limits, say, complain } = options;
  const journal = journalPath(database);
  const shared = new Int32Array(new SharedArrayBuffer(8));
  const { port1: port, port2 } = new MessageChannel();
  const where = nameOf(address);
  let secrets: Secrets | undefined;
  let trouble = '';
  let alone = false; // the current decision is made without the engine
  let journalled = false; // this process has written to the journal since the engine was last there
  let releases: readonly Release[] = []; // the fleet's, as far as they are known
  let number = 0;
  let looked = 0;
  try {
    secrets = readSecrets(options.passwordFile, address.tls);
  } catch (error) {
    trouble = (error as Error).message;
  }
  const worker = secrets === undefined ? undefined : startWorker(secrets);
  let alive = worker !== undefined;
  if (!alive) Atomics.store(shared, STATE, AWAY);

  function startWorker(secrets: Secrets): Worker {
    const data: WorkerData = { shared, port: port2, address, secrets, timeout, limits, journal };
    const started = new Worker(join(__dirname, 'fleet-worker.js'), {
      workerData: data,
      transferList: [port2],
      // Captured, so that nothing that the thread prints reaches descriptor 1 or 2.
      stdout: true,
      stderr: true,
      env: {},
      execArgv: [],
      resourceLimits: { maxYoungGenerationSizeMb: YOUNG },
    });
    started.on('message', ({ level, text }: Note) => say(level, text));
    started.on('error', (error) => {
      trouble = `its thread has died: ${error.message}`;
      alive = false;
      Atomics.store(shared, STATE, AWAY);
    });
    started.unref();
    return started;
  }

  const send = (message: ToWorker) => worker?.postMessage(message);
  const state = () => Atomics.load(shared, STATE);

  /** The thread's next message, if there is one; it may be a late answer. */
  function received(): Answer | undefined {
    const answer = receiveMessageOnPort(port)?.message as Answer | undefined;
    if (answer !== undefined && 'trouble' in answer) trouble = answer.trouble;
    return answer;
  }

  /** The answer to the question; undefined where there is none in time. */
  function ask(question: Question): Answer | undefined {
    send(question);
    let end = monotonic() + (state() === LOADING ? LOADED : timeout);
    let loading = state() === LOADING;
    for (;;) {
      const count = Atomics.load(shared, WAKE);
      for (let answer = received(); answer !== undefined; answer = received()) {
        if (answer.number === question.number) return answer;
      }
      if (loading && state() !== LOADING) {
        loading = false;
        end = monotonic() + timeout;
      }
      const left = end - monotonic();
      if (left <= 0) {
        trouble = `no answer within ${timeout} ms`;
        Atomics.store(shared, STATE, AWAY);
        send('late');
        return undefined;
      }
      Atomics.wait(shared, WAKE, count, left);
    }
  }

  function decide(triple: Triple, now: number, rules: Rules, idle: boolean): Verdict | undefined {
    alone = true;
    // If the journal is gone, another process has handed it over: the engine is back.
    if (state() === AWAY && !(journalled && alive && !isWaiting(journal))) return undefined;
    journalled = false;
    const { client, sender, recipient } = triple;
    const { delay, autoWhitelist } = rules;
    const answer = ask({ number: ++number, client, sender, recipient, delay, autoWhitelist, idle });
    if (answer === undefined) return undefined;
    if ('trouble' in answer) {
      if (answer.ofOneKey) {
        alone = false; // not for the journal: the engine could not merge it into that key
        complain('err', 'key', `the store ${where}: ${trouble}`);
      }
      return undefined;
    }
    alone = false;
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
    try {
      const seen = local.look(triple, now);
      const first = now - (passes ? Math.max(age, delay + 1) : age);
      if (seen.firstSeen === 0) local.remember(triple, first);
      if (passes && !seen.fresh) local.pass(triple, now, autoWhitelist > 0);
    } catch (error) {
      complain('err', 'mirror', `${(error as Error).message}; the fleet's store decides meanwhile`);
    }
  }

  /** Notes in the journal what was decided without the engine. */
  function keep(triple: Triple, firstSeen: number, passed: number, comeBack: boolean): void {
    if (!alone) return;
    const { client, sender, recipient } = triple;
    try {
      const known = note(journal, { client, sender, recipient, firstSeen, passed, comeBack });
      journalled = true;
      // This filter will never ask it, whatever the log says of the others.
      if (known && worker === undefined) complain('err', 'secrets', `the store ${where}: ${trouble}`);
      if (known) return;
      while (received() !== undefined);
      // UP: the engine is back already, and the journal before this one was handed over a moment ago.
      if (state() === UP) send('merge');
      else say('warning', `the store ${where} is away: ${trouble}; this host decides by itself`);
    } catch (error) {
      complain(
        'err',
        'journal',
        `cannot write to ${journal}: ${(error as Error).message}; the fleet will not know of it`,
      );
    }
  }

  return {
    ...local,
    decide,
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
      local.pass(triple, now, comeBack);
      const { firstSeen } = local.look(triple, now);
      if (alone) keep(triple, firstSeen, now, comeBack);
      else send({ ...triple, firstSeen, passed: now, comeBack }); // the engine deferred it, but an administrator released it
    },
    releases: () => [...local.releases(), ...releases],
    tidy(now) {
      if (Math.abs(now - looked) >= EVERY) {
        looked = now;
        if (isWaiting(journal) || isLeft(journal, Date.now())) send('merge');
      }
      local.tidy(now);
    },
    close() {
      local.close();
      void worker?.terminate();
    },
  };
}
