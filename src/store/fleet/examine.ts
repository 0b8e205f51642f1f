// Examines an engine, for `doctor` and `status`: what it says of itself, node by node, and how fast it answers. Changes
// nothing but for a probe's key, as filters write it, which is gone after a second.
import type { Socket } from 'node:net';
import type { Redis } from 'ioredis';
import { RELEASES } from '../releases.ts';
import { type Client, NAME } from './client.ts';
import { houseKey, keysOf, probeKey } from './key.ts';
import { nodesOf } from './scan.ts';
import { explain, ifAllowed } from './trouble.ts';

export interface Engine {
  nodes: Node[];
  /**
   * Why a filter's commands would be refused, '' if they would not: tried with a decision that stores nothing, and a
   * probe.
   */
  refused: string;
}

/** Values are undefined where the engine does not say. */
export interface Node {
  /** Where it was reached: HOST:PORT, or the path of a socket. */
  where: string;
  /** The address that the connection leads to, undefined for a socket. */
  address: string | undefined;
  /** E.g. 7.0.15. Undefined, as all else that INFO says, where it is forbidden to ask. */
  version: string | undefined;
  program: 'redis' | 'valkey';
  /** master, slave, or what else it calls itself. */
  role: string | undefined;
  /** How many seconds its clock is ahead of this host's, to half a round trip. */
  ahead: number;
  /** The median of some round trips, in milliseconds. */
  latency: number;
  /** Bytes; `maxMemory` 0: no bound. */
  memory: number | undefined;
  maxMemory: number | undefined;
  /** E.g. `noeviction`. */
  policy: string | undefined;
  /** Connections of filters. */
  filters: number | undefined;
  /** Under which keys these store: the words of each kind, see messages.ts. */
  keys: string[];
  appendOnly: boolean | undefined;
  /** Its setting `save`: pairs of seconds and changes; '': never. */
  save: string | undefined;
  /** Its last write to its disk failed. */
  diskTrouble: boolean;
  /** It answers also who gives no password and no certificate. */
  open: boolean;
}

const ROUND_TRIPS = 9;
const PROBE = { client: '0.0.0.0', sender: '', recipient: '' };

/** Throws what the engine throws where it does not answer. */
export async function examine(client: Client): Promise<Engine> {
  const nodes = await Promise.all(nodesOf(client).map(examineNode));
  return { nodes, refused: await probe(client) };
}

async function probe(client: Client): Promise<string> {
  const { triple, client: own } = keysOf(PROBE);
  try {
    await client.decide(triple, own, 1, 1, 1, 1, 1);
    await client.set(probeKey(PROBE.client), '', 'PX', 1000);
    return '';
  } catch (error) {
    return explain(error);
  }
}

async function examineNode(node: Redis): Promise<Node> {
  const info = readInfo(await ifAllowed(() => node.info()));
  const { host, port, path, sentinels } = node.options;
  const { remoteAddress, remotePort } = node.stream as Socket;
  const latencies: number[] = [];
  let ahead = 0;
  for (let i = 0; i < ROUND_TRIPS; i++) {
    const sent = performance.now();
    const [seconds, micros] = (await node.time()).map(Number);
    const took = performance.now() - sent;
    latencies.push(took);
    ahead = seconds! + micros! / 1e6 - (Date.now() - took / 2) / 1000;
  }
  const bytes = (name: string) => (info[name] === undefined ? undefined : Number(info[name]));
  return {
    where: path ?? (sentinels === null ? `${host}:${port}` : `${remoteAddress}:${remotePort}`),
    address: path === undefined ? remoteAddress : undefined,
    version: info.valkey_version ?? info.redis_version,
    program: info.valkey_version === undefined ? 'redis' : 'valkey',
    role: info.role,
    ahead,
    latency: latencies.sort((a, b) => a - b)[ROUND_TRIPS >> 1]!,
    memory: bytes('used_memory'),
    maxMemory: bytes('maxmemory'),
    policy: info.maxmemory_policy,
    ...(await filtersOf(node)),
    appendOnly: info.aof_enabled === undefined ? undefined : info.aof_enabled === '1',
    save: await saveOf(node),
    diskTrouble: info.rdb_last_bgsave_status === 'err' || info.aof_last_write_status === 'err',
    open: await isOpen(node),
  };
}

/** An engine that asks for no password takes any, so that the one in the file says nothing. */
async function isOpen(node: Redis): Promise<boolean> {
  const { tls } = node.options;
  const stranger = node.duplicate({
    username: undefined,
    password: undefined,
    ...(tls === undefined ? {} : { tls: { ca: tls.ca } }),
    lazyConnect: true,
    retryStrategy: () => null,
    sentinelRetryStrategy: () => null,
  });
  stranger.on('error', () => {});
  try {
    await stranger.connect();
    await stranger.exists(houseKey(RELEASES));
    return true;
  } catch (error) {
    return /^MOVED\b/.test((error as Error).message); // to another node of the Cluster
  } finally {
    stranger.disconnect();
  }
}

/** The lines `name:value` of INFO. */
function readInfo(text = ''): Record<string, string> {
  return Object.fromEntries([...text.matchAll(/^(\w+):(.*)$/gm)].map(([, name, value]) => [name, value]));
}

/** Connections of filters: those with their name, without this one. */
async function filtersOf(node: Redis): Promise<Pick<Node, 'filters' | 'keys'>> {
  const list = await ifAllowed(() => node.client('LIST'));
  if (list === undefined) return { filters: undefined, keys: [] };
  const named = [...String(list).matchAll(new RegExp(` name=${NAME}(?:/(\\S*))? `, 'g'))];
  const keys = named.flatMap(([, words]) => words || []);
  return { filters: Math.max(0, named.length - 1), keys: [...new Set(keys)] };
}

async function saveOf(node: Redis): Promise<string | undefined> {
  const found = (await ifAllowed(() => node.config('GET', 'save'))) as string[] | undefined;
  return found?.[1];
}
