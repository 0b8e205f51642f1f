// The connection to the engine, by ioredis. Of the three clients that know Sentinel and Cluster (measured with Node 20
// in a worker thread of a young generation of 1 MB, bundled and minified, medians of three):
//                        bundle    CPU to "connected"   PSS, ready
//   ioredis 6.0.0        195 kB         199 ms           15.3 MB
//   iovalkey 0.4.0       123 kB         206 ms           12.8 MB   its fork: 0.x, two releases in a year
//   @redis/client 6.3.1  426 kB         337 ms           26.5 MB
//   a bare socket          0 kB         103 ms            8.3 MB   (a busy machine; the order is what counts)
import { Cluster, Redis, type RedisOptions } from 'ioredis';
import type { Address, Host } from './address.ts';
import { DECIDE, EXCHANGE, HOUSE, MERGE } from './script.ts';
import type { Secrets } from './secrets.ts';

type Argument = string | number | Buffer;

/** A client with our scripts. They are sent by their hashes, and as text where the engine does not know them (NOSCRIPT). */
export type Client = (Redis | Cluster) & {
  decide(...keysAndArguments: Argument[]): Promise<[passes: number, age: number, delayed: number]>;
  merge(...keysAndArguments: Argument[]): Promise<number>;
  exchange(keys: number, ...keysAndArguments: Argument[]): Promise<number>;
  houseBuffer(key: Buffer): Promise<[time: Buffer, value: Buffer]>;
};

const SCRIPTS = {
  decide: { numberOfKeys: 2, lua: DECIDE },
  merge: { numberOfKeys: 2, lua: MERGE },
  exchange: { lua: EXCHANGE },
  house: { numberOfKeys: 1, lua: HOUSE },
};

/** What the engine's CLIENT LIST calls connections; that of a filter goes on with a slash and its `keys` (messages.ts). */
export const NAME = 'greylatch';

/** Milliseconds to the next try to connect: soon after a connection has broken, then less and less often. */
export function backOff(times: number): number {
  return Math.min(10_000, 100 * 2 ** Math.min(times, 10)) * (0.75 + Math.random() / 2);
}

type Settings = Pick<
  RedisOptions,
  'commandTimeout' | 'socketTimeout' | 'retryStrategy' | 'reconnectOnError' | 'connectionName'
>;

/**
 * A client that is not connected yet. It sends nothing twice and keeps nothing for later: what it cannot ask now is decided
 * elsewhere. `patience` is how long connecting may take, in milliseconds; `more` are further settings.
 */
export function newClient(
  address: Address,
  secrets: Secrets,
  patience: number,
  { retryStrategy = backOff, ...more }: Settings = {},
): Client {
  const { kind, hosts, path } = address;
  const common = commonOptions(address, secrets, patience, more);
  if (kind === 'cluster') return newCluster(hosts, common, patience);
  const ofOne = { ...common, enableOfflineQueue: false, retryStrategy, scripts: SCRIPTS };
  if (kind === 'single') return strictly(new Redis({ ...ofOne, ...hosts[0]! }));
  if (kind === 'unix') return strictly(new Redis({ ...ofOne, path }));
  return strictly(new Redis({ ...ofOne, ...sentinelOptions(address, secrets, patience) }));
}

/** What holds of every connection. */
function commonOptions(
  { user, db }: Address,
  { password, tls }: Secrets,
  patience: number,
  more: Omit<Settings, 'retryStrategy'>,
) {
  return {
    ...(tls === undefined ? {} : { tls }),
    ...(user === '' ? {} : { username: user }),
    ...(password === undefined ? {} : { password }),
    db,
    lazyConnect: true,
    enableReadyCheck: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    connectTimeout: patience,
    connectionName: NAME,
    disableClientInfo: true,
    protocol: 2,
    // The engine has become a replica: find out where its master is now.
    reconnectOnError: (error: Error) => error.message.startsWith('READONLY'),
    ...more,
  } satisfies RedisOptions;
}

function sentinelOptions({ hosts, name }: Address, { sentinelPassword, tls }: Secrets, patience: number) {
  // One Sentinel that hangs, or whose host is down, leaves time to ask the others.
  const part = Math.max(500, Math.round(patience / (hosts.length + 1)));
  return {
    sentinels: hosts,
    name,
    failoverDetector: true,
    connectTimeout: part,
    sentinelCommandTimeout: part,
    sentinelRetryStrategy: backOff,
    ...(sentinelPassword === undefined ? {} : { sentinelPassword }),
    ...(tls === undefined ? {} : { enableTLSForSentinelMode: true, sentinelTLS: tls }),
  } satisfies RedisOptions;
}

function newCluster(hosts: Host[], redisOptions: ReturnType<typeof commonOptions>, patience: number): Client {
  return new Cluster(hosts, {
    redisOptions,
    lazyConnect: true,
    enableOfflineQueue: false,
    enableReadyCheck: false,
    clusterRetryStrategy: backOff,
    clusterNodeRetryStrategy: backOff,
    retryDelayOnFailover: 50,
    retryDelayOnClusterDown: 50,
    maxRedirections: 4,
    slotsRefreshTimeout: Math.max(1000, patience),
    dnsLookup: (host, done) => done(null, host), // certificates are for names
    scripts: SCRIPTS,
  }) as unknown as Client;
}

/** The passwords and certificates for all connections that are made from now on. */
export function setSecrets(client: Client, { password, sentinelPassword, tls }: Secrets): void {
  const all: RedisOptions[] =
    'nodes' in client
      ? [ofNewNodes(client), ...client.nodes('all').map(({ options }) => options)]
      : [client.options];
  const certificates = tls === undefined ? {} : { tls, sentinelTLS: tls };
  for (const options of all) Object.assign(options, { password, sentinelPassword, ...certificates });
}

/** ioredis makes a copy of these options for its own use. */
function ofNewNodes(cluster: Cluster): RedisOptions {
  return (cluster as unknown as { connectionPool: { redisOptions: RedisOptions } }).connectionPool
    .redisOptions;
}

/** Closes a connection on which the database could not be selected: ioredis would report that, and go on with database 0. */
function strictly(client: Redis): Client {
  client.on('error', (error: Error & { command?: { name: string } }) => {
    if (error.command?.name === 'select') client.disconnect(true);
  });
  return client as Client;
}
