// What a fleet's store costs beside LMDB, on a redis-server of its own on loopback: npm run bench -- --fleet. Figures of one
// run belong together, and to no other.
import { readFileSync } from 'node:fs';
import { Redis } from 'ioredis';
import { keysOf } from '../../src/store/fleet/key.ts';
import { DECIDE } from '../../src/store/fleet/script.ts';
import { type Engine, startEngine } from '../fleet/engine.ts';
import { greylatch, type Session, startFilter } from '../support/filter.ts';
import { policyRequest } from '../support/requests.ts';
import { makeScratch } from '../support/scratch.ts';

const PER_SESSION = 400;
const SESSIONS = [1, 20, 60];
const TRIPLES = 100_000;
const KILLS = 3;
const LIVES = [172_800, 3_024_000] as const;

let scratch: ReturnType<typeof makeScratch>;
let engine: Engine;
let socket: string;
let asked = 0;

const triple = (n: number) => ({
  client: `10.${(n >> 16) & 255}.${(n >> 8) & 255}.${n & 255}`,
  sender: `newsletter-${n}@mail.example.org`,
  recipient: `recipient${n % 500}@example.net`,
});
const requestOf = (n: number) => {
  const { client, sender, recipient } = triple(n);
  return policyRequest({ client_address: client, sender, recipient });
};
const quantile = (sorted: number[], q: number) =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))]!;
const pss = (pid: number) =>
  Number(/^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))![1]);

/** One line: rate and latency of new triples and of known ones, first reply, memory of each process. */
async function row(name: string, sessions: number, options: string[]): Promise<void> {
  const begun = performance.now();
  const filters = await Promise.all(
    Array.from({ length: sessions }, () => startFilter(greylatch(...options))),
  );
  await Promise.all(filters.map((filter) => filter.ask(requestOf(asked++))));
  const first = performance.now() - begun;
  const run = async (next: (session: number, n: number) => number) => {
    const times: number[] = [];
    const start = performance.now();
    await Promise.all(
      filters.map(async (filter: Session, i) => {
        for (let n = 0; n < PER_SESSION; n++) {
          const before = performance.now();
          await filter.ask(requestOf(next(i, n)));
          times.push(performance.now() - before);
        }
      }),
    );
    const rate = (times.length / (performance.now() - start)) * 1000;
    times.sort((a, b) => a - b);
    return `${rate.toFixed(0)}/s, median ${quantile(times, 0.5).toFixed(2)}, p99 ${quantile(times, 0.99).toFixed(2)} ms`;
  };
  const base = asked;
  asked += sessions * PER_SESSION;
  const fresh = await run((i, n) => base + i * PER_SESSION + n);
  const known = await run((i, n) => base + i * PER_SESSION + n);
  const memory = filters.map((filter) => pss(filter.pid)).reduce((a, b) => a + b) / sessions;
  await Promise.all(filters.map((filter) => filter.finish()));
  console.log(
    `${name}, ${sessions}: new ${fresh}; again ${known}; first replies after ${first.toFixed(0)} ms; PSS ${memory.toFixed(0)} kB each`,
  );
}

/** The same client and the same script, without a filter around it. */
async function bare(sessions: number): Promise<void> {
  const clients = Array.from(
    { length: sessions },
    () => new Redis({ port: engine.port, scripts: { decide: { numberOfKeys: 2, lua: DECIDE } } }),
  );
  const times: number[] = [];
  const base = asked;
  asked += sessions * PER_SESSION;
  const start = performance.now();
  await Promise.all(
    clients.map(async (client, i) => {
      for (let n = 0; n < PER_SESSION; n++) {
        const keys = keysOf(triple(base + i * PER_SESSION + n));
        const before = performance.now();
        await (client as unknown as { decide(...words: unknown[]): Promise<unknown> }).decide(
          keys.triple,
          keys.client,
          ...LIVES,
          60,
          10,
          0,
        );
        times.push(performance.now() - before);
      }
    }),
  );
  const rate = (times.length / (performance.now() - start)) * 1000;
  times.sort((a, b) => a - b);
  for (const client of clients) client.disconnect();
  console.log(
    `bare round trip, ${sessions}: new ${rate.toFixed(0)}/s, median ${quantile(times, 0.5).toFixed(2)}, p99 ${quantile(times, 0.99).toFixed(2)} ms`,
  );
}

/** Bytes of a triple in the engine: all that its memory grows by, and what it says of one. */
async function size(name: string, { admin }: Engine, passed: boolean): Promise<void> {
  await admin.flushall();
  const used = async () => Number(/used_memory:(\d+)/.exec(await admin.info('memory'))![1]);
  const before = await used();
  let told = 0;
  for (let n = 0; n < TRIPLES; n += 1000) {
    const pipeline = admin.pipeline();
    for (let i = n; i < n + 1000; i++) {
      const keys = keysOf(triple(i));
      pipeline.eval(DECIDE, 2, keys.triple, keys.client, ...LIVES, -1, passed ? 10 : 0, 0);
      if (passed) pipeline.eval(DECIDE, 2, keys.triple, keys.client, ...LIVES, -1, 10, 0);
    }
    await pipeline.exec();
    told += Number(await admin.memory('USAGE', keysOf(triple(n)).triple));
  }
  const grown = (await used()) - before;
  console.log(
    `${name}: ${(grown / TRIPLES).toFixed(0)} bytes each of ${TRIPLES} (${await admin.dbsize()} keys), MEMORY USAGE ${((told / TRIPLES) * 1000).toFixed(0)} for the triple's own key`,
  );
}

/** The longest wait of a reply, in milliseconds, under the load of 20 filters at whose start `happens` is called. */
async function longestWait(name: string, options: string[], happens: () => void): Promise<number> {
  const words = ['--db', `${scratch.path}/${name}.mdb`, ...options, '--log', 'none'];
  const filters = await Promise.all(Array.from({ length: 20 }, () => startFilter(greylatch(...words))));
  const load = async () => {
    let longest = 0;
    await Promise.all(
      filters.map(async (filter) => {
        for (let n = 0; n < PER_SESSION; n++) {
          const before = performance.now();
          await filter.ask(requestOf(asked++));
          longest = Math.max(longest, performance.now() - before);
        }
      }),
    );
    return longest;
  };
  await load(); // twenty starts at once keep the machine busy for seconds
  happens();
  const longest = await load();
  await Promise.all(filters.map((filter) => filter.finish()));
  return longest;
}

/** The longest wait while the engine is killed under load, beside those where nothing happens: of a busy machine as well. */
async function killed(): Promise<void> {
  const store = ['--store', socket];
  const waits: { [what: string]: number[] } = {
    'LMDB alone': [],
    'the engine': [],
    'the engine, killed': [],
  };
  for (let round = 0; round < KILLS; round++) {
    waits['LMDB alone']!.push(await longestWait(`alone${round}`, [], () => {}));
    waits['the engine']!.push(await longestWait(`calm${round}`, store, () => {}));
    const kill = () => setTimeout(() => process.kill(engine.pid, 'SIGKILL'), 200);
    waits['the engine, killed']!.push(await longestWait(`killed${round}`, store, kill));
    const { port } = engine;
    await engine.stop();
    engine = await startEngine(scratch.path, { port });
  }
  for (const [what, times] of Object.entries(waits))
    console.log(
      `longest wait of 20 sessions, ${what}: ${times.map((time) => time.toFixed(0)).join(', ')} ms`,
    );
}

/** Prints a line for each: bytes of a triple in the engine, both stores and the bare round trip, the engine killed. */
export async function compareStores(): Promise<void> {
  scratch = makeScratch();
  engine = await startEngine(scratch.path);
  socket = `redis://127.0.0.1:${engine.port}`;
  const log = ['--log', `file:${scratch.path}/log`];
  try {
    await size('waiting', engine, false);
    await size('passed, with its client', engine, true);
    await engine.admin.flushall();
    for (const sessions of SESSIONS) {
      await row('LMDB', sessions, ['--db', `${scratch.path}/lmdb${sessions}.mdb`, ...log]);
      await row('fleet', sessions, [
        '--db',
        `${scratch.path}/fleet${sessions}.mdb`,
        '--store',
        socket,
        ...log,
      ]);
      await bare(sessions);
    }
    await killed();
  } finally {
    await engine.stop();
    scratch.remove();
  }
}
