// The thread that asks the engine: for decisions, for releases, and whether it is back; then it hands over what was decided
// without it. It has an event loop of its own while the filter's main thread waits, and never holds that up.
import { setTimeout as sleep } from 'node:timers/promises';
import { parentPort, workerData } from 'node:worker_threads';
import { monotonic } from '../../time/monotonic.ts';
import { nameOf } from './address.ts';
import { backOff, NAME, newClient, setSecrets } from './client.ts';
import { newHandOver } from './handover.ts';
import { keysOf, probeKey } from './key.ts';
import { mergeOne } from './merge.ts';
import {
  type Answer,
  AWAY,
  CONNECTING,
  isVerdict,
  LOADING,
  NO_REASON,
  type Note,
  type Question,
  STATE,
  type ToWorker,
  UP,
  WAKE,
  type WorkerData,
} from './messages.ts';
import { newReleased } from './released.ts';
import { readSecrets } from './secrets.ts';
import { explain, isNoConnection, isOfOneKey, isRefusal } from './trouble.ts';

const { shared, port, address, secrets, passwordFile, timeout, lives, journal, keys } =
  workerData as WorkerData;
/** A connection that is silent for so many milliseconds is closed and made anew. */
const patience = Math.max(1000, 5 * timeout);
/** After so many milliseconds UP, the next probes come soon again. */
const STEADY = 10_000;

const client = newClient(address, secrets, patience, {
  socketTimeout: patience,
  connectionName: `${NAME}/${keys}`,
});
const released = newReleased(client);
let held: Question | undefined; // asked while the first connection is being made
let lastClient = '';
let lastTrouble: unknown = new Error(NO_REASON);
let upSince = 0; // 0: not up
let failures = 0;
let nextProbe: NodeJS.Timeout | undefined;

function setState(state: number): void {
  Atomics.store(shared, STATE, state);
  wake();
}

function answer(message: Answer): void {
  port.postMessage(message);
  wake();
}

/** Wakes the filter, which may be waiting. */
function wake(): void {
  Atomics.add(shared, WAKE, 1);
  Atomics.notify(shared, WAKE);
}

const say = (level: Note['level'], text: string) => parentPort!.postMessage({ level, text } satisfies Note);
const state = () => Atomics.load(shared, STATE);
const handOver = newHandOver(client, journal, lives, {
  say,
  name: nameOf(address),
  onTrouble: (error) => {
    if (state() === UP) away(error);
  },
});

async function ask(question: Question): Promise<void> {
  const { number, delay, autoWhitelist, idle } = question;
  const begun = monotonic();
  lastClient = question.client;
  // Asked although it is away: another process has found it back, so the next try to connect is made now.
  if (state() === AWAY && client.status === 'reconnecting') {
    setState(CONNECTING);
    connect();
  }
  if (state() === CONNECTING) {
    held = question;
    return;
  }
  const keys = keysOf(question);
  // Sent first, so that on one connection the answer is there before the verdict.
  const known = released.look();
  try {
    const verdict = await client.decide(
      keys.triple,
      keys.client,
      lives.retryWindow,
      lives.maxAge,
      delay,
      autoWhitelist,
      idle ? 1 : 0,
    );
    if (!isVerdict(verdict)) {
      client.disconnect(true); // nobody knows which question its next replies would be for
      throw new Error(
        'it replies as no engine does; is it one, and nothing in between that spoils its replies?',
      );
    }
    // In a Cluster the releases may come from another node, for which the decision cannot wait long.
    if (verdict[0] === 0) await Promise.race([known, sleep(timeout / 4, undefined, { ref: false })]);
    answer({ number, verdict, releases: released.list() });
    lastTrouble = new Error(NO_REASON); // what was wrong before explains nothing from now on
    // A late answer is none: as long as the engine is slow, every request would wait for it.
    if (state() === AWAY && monotonic() - begun <= timeout) up();
  } catch (error) {
    const ofOneKey = isOfOneKey(error);
    if (!ofOneKey) away(error);
    answer({ number, trouble: explain(causeOf(error)), ofOneKey });
  }
}

/** The error to report: not that there is no connection, but why the last one broke. */
function causeOf(error: unknown): unknown {
  return isNoConnection(error) ? lastTrouble : error;
}

function up(): void {
  upSince = monotonic();
  setState(UP);
  if (held !== undefined) void ask(held);
  held = undefined;
  void handOver();
}

/** The engine is not asked until a probe has come through. */
function away(error: unknown): void {
  lastTrouble = causeOf(error);
  readFiles();
  answer({ number: held?.number ?? 0, trouble: explain(lastTrouble), ofOneKey: false });
  held = undefined;
  setState(AWAY);
  if (upSince > 0 && monotonic() - upSince > STEADY) failures = 0;
  upSince = 0;
  if (nextProbe !== undefined) return;
  nextProbe = setTimeout(() => {
    nextProbe = undefined;
    void probe();
  }, backOff(++failures)).unref();
}

/** A password or a certificate may have been changed: the next try to connect is made with what is in the files now. */
function readFiles(): void {
  try {
    setSecrets(client, readSecrets(passwordFile, address.tls));
  } catch (error) {
    if (isRefusal(lastTrouble)) lastTrouble = error;
  }
}

/** Writes a key, as a decision does, in the slot of the last one. If that is done in time, the engine is back. */
async function probe(): Promise<void> {
  if (state() !== AWAY) return;
  if (client.status !== 'ready') return away(lastTrouble);
  const begun = monotonic();
  try {
    await client.set(probeKey(lastClient), '', 'PX', 1000);
    if (monotonic() - begun <= timeout) up();
    else away(new Error(`answers only after ${Math.round(monotonic() - begun)} ms`));
  } catch (error) {
    away(error);
  }
}

client.on('ready', () => (state() === CONNECTING ? up() : void probe()));
// A Cluster tells of its nodes' errors by an event of their own, and then, as of all of them, that there is no connection.
for (const event of ['error', 'node error'])
  client.on(event, (error: unknown) => {
    lastTrouble = causeOf(error);
  });
client.on('close', () => away(lastTrouble));
// ioredis has given up: e.g. the Sentinels told of a failover just as they were asked for the master.
client.on('end', () => void setTimeout(connect, backOff(++failures)).unref());
// It throws where replies come that nothing was asked for. Without this thread the filter would be alone until its end.
process.on('uncaughtException', (error) => {
  away(error);
  client.disconnect(true);
});

parentPort!.on('message', (message: ToWorker) => {
  if (message === 'late') away(new Error(`no answer within ${timeout} ms`));
  else if (message === 'merge') {
    if (state() === UP) void handOver();
  } else if ('firstSeen' in message) void mergeOne(client, message, lives).catch(() => {});
  else void ask(message);
});

function connect(): void {
  client.connect().catch((error: unknown) => {
    lastTrouble = causeOf(error);
  });
}

if (state() === LOADING) setState(CONNECTING);
connect();
