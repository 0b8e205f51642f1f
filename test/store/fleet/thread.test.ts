// The filter's end of the thread that asks the engine, with one in its place that answers as it is told; the clock and the waiting
// are the test's, too. The thread itself is tried in ../../fleet.
import { EventEmitter } from 'node:events';
import { writeFileSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import path from 'node:path';
import threads, { type WorkerOptions } from 'node:worker_threads';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { readAddress } from '../../../src/store/fleet/address.ts';
import {
  type Answer,
  AWAY,
  CONNECTING,
  LOADING,
  type Question,
  STATE,
  type ToWorker,
  UP,
  WAKE,
  type WorkerData,
} from '../../../src/store/fleet/messages.ts';
import { startThread } from '../../../src/store/fleet/thread.ts';
import { useScratch } from '../../support/scratch.ts';
import { unmock } from '../../support/unmock.ts';

const scratch = useScratch('of each');
const TIMEOUT = 100;

class FakeWorker extends EventEmitter {
  readonly heard: ToWorker[] = [];
  readonly data: WorkerData;
  keepsRunning = true;
  ended = false;
  constructor(
    readonly file: string,
    readonly options: WorkerOptions,
  ) {
    super();
    this.data = options.workerData;
    started.push(this);
  }
  postMessage(message: ToWorker): void {
    this.heard.push(message);
  }
  unref(): void {
    this.keepsRunning = false;
  }
  terminate(): void {
    this.ended = true;
  }
  answer(answer: Answer): void {
    this.data.port.postMessage(answer);
  }
  setState(state: number): void {
    Atomics.store(this.data.shared, STATE, state);
  }
}

/** A function, so that what a constructor returns is what `new` gives. */
function newWorker(file: string, options: WorkerOptions): FakeWorker {
  return new FakeWorker(file, options);
}

let started: FakeWorker[];
let now: number;
/** How long each wait was to last at most. */
let waits: number[];
/** What happens in the waits, one after the other; after those, time runs out. */
let happens: (() => void)[];

beforeEach(() => {
  [started, now, waits, happens] = [[], 5000, [], []];
  vi.spyOn(process, 'uptime').mockImplementation(() => now / 1000);
  vi.spyOn(Atomics, 'wait').mockImplementation((shared: unknown, cell: number, count: unknown, left = 0) => {
    expect([cell, count]).toEqual([WAKE, Atomics.load(shared as Int32Array, WAKE)]);
    waits.push(Math.round(left));
    const happen = happens.shift();
    if (happen === undefined) now += left;
    else happen();
    return 'ok';
  });
  vi.spyOn(threads, 'Worker').mockImplementation(newWorker as never);
  syncBuiltinESMExports();
});
afterEach(unmock);

const said: string[] = [];
const start = (passwordFile?: string) =>
  startThread({
    address: readAddress('redis://store.example'),
    passwordFile,
    timeout: TIMEOUT,
    lives: { retryWindow: 0, maxAge: 0 },
    journal: '',
    keys: '',
    say: (level, text) => void said.push(`${level} ${text}`),
  });

const question = (number: number): Question => ({
  ...{ number, client: 'c', sender: 's', recipient: 'r' },
  ...{ delay: 60, autoWhitelist: 10, idle: false },
});
const verdict = (number: number): Answer => ({ number, verdict: [0, 0, 0], releases: [] });

test('the answer is that of the question: what comes late for another is not, but what is wrong is known from it', () => {
  const thread = start();
  started[0]!.setState(UP);
  const troubled: Answer = { number: 1, trouble: 'it is full', ofOneKey: false };
  for (const answer of [verdict(0), troubled, verdict(2)]) started[0]!.answer(answer);
  expect(thread.ask(question(2))).toEqual(verdict(2));
  expect([waits, thread.trouble(), thread.state()]).toEqual([[], 'it is full', UP]);
  happens.push(
    () => {},
    () => started[0]!.answer(verdict(3)),
  );
  expect(thread.ask(question(3))).toEqual(verdict(3));
  expect(started[0]!.heard).toEqual([question(2), question(3)]);
});

test('without an answer in time, the engine counts as away, and the thread hears of it', () => {
  const thread = start();
  started[0]!.setState(UP);
  happens.push(() => {
    now += 30;
    started[0]!.answer(verdict(1));
  });
  expect(thread.ask(question(2))).toBeUndefined();
  expect(waits).toEqual([TIMEOUT, TIMEOUT - 30]);
  expect([thread.state(), thread.trouble()]).toEqual([AWAY, 'no answer within 100 ms']);
  expect(started[0]!.heard).toEqual([question(2), 'late']);
  started[0]!.answer({ number: 0, trouble: 'refused', ofOneKey: false });
  started[0]!.answer(verdict(2));
  expect(thread.trouble()).toBe('refused');
});

test('the thread has time to be loaded, and then as long as ever', () => {
  const thread = start();
  expect(thread.state()).toBe(LOADING);
  happens.push(() => {
    now += 4000;
    started[0]!.setState(CONNECTING);
  });
  expect(thread.ask(question(1))).toBeUndefined();
  expect(waits).toEqual([5000, TIMEOUT]);
});

test('its notes are logged; it prints nothing, keeps nothing running, and ends with the filter', () => {
  const thread = start();
  const [worker] = started;
  worker!.emit('message', { level: 'info', text: 'is back' });
  expect(said).toEqual(['info is back']);
  expect(worker).toMatchObject({ keepsRunning: false, ended: false });
  expect(worker!.options).toMatchObject({ stdout: true, stderr: true, env: {}, execArgv: [] });
  expect(path.basename(worker!.file)).toBe('fleet-worker.js');
  thread.end();
  expect(worker!.ended).toBe(true);
});

test('one that dies is started again, more and more rarely, and is asked when it says that the engine is there', () => {
  const thread = start();
  started[0]!.setState(UP);
  thread.retry();
  expect(started).toHaveLength(1);
  const calls = [];
  for (let deaths = 1; deaths < 9; deaths++) {
    started.at(-1)!.emit('error', new Error(`death ${deaths}`));
    expect([thread.isAlive(), thread.state()]).toEqual([false, AWAY]);
    expect(thread.trouble()).toBe(`its thread has died: death ${deaths}`);
    thread.send('merge'); // to nobody
    let n = 0;
    for (; started.length === deaths; n++) thread.retry();
    calls.push(n);
    expect([thread.isAlive(), thread.state()]).toEqual([true, AWAY]);
  }
  expect(calls).toEqual([1, 2, 4, 8, 16, 32, 64, 64]);
  started.at(-1)!.setState(UP);
  started.at(-1)!.answer(verdict(1));
  expect(thread.ask(question(1))).toEqual(verdict(1));
  expect(started.flatMap(({ heard }) => heard)).toEqual([question(1)]);
});

test('without its password there is none, until the file can be read', () => {
  const file = path.join(scratch.path, 'password');
  const thread = start(file);
  for (let i = 0; i < 3; i++) thread.retry();
  expect([started.length, thread.isAlive(), thread.state()]).toEqual([0, false, AWAY]);
  expect(thread.trouble()).toBe(`cannot read ${file}: it does not exist`);
  thread.end();
  writeFileSync(file, 'secret\n', { mode: 0o600 });
  thread.retry();
  expect([thread.isAlive(), thread.state()]).toEqual([true, AWAY]);
  expect(started[0]!.data).toMatchObject({ secrets: { password: 'secret' }, timeout: TIMEOUT });
  expect(started[0]!.data).not.toHaveProperty('say');
});
