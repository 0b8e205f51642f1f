// Three hosts and an engine, each in a network of its own on this machine, and the links between them. Where the machine lets
// nobody make network namespaces (a container without that right: no package can help), the links are lines through the
// test (line.ts) instead, and the name of the suite says so: what the hosts have to do is the same.
import { execFileSync, spawnSync } from 'node:child_process';
import path from 'node:path';
import { type Engine, type EngineOptions, freePort, startEngine } from './engine.ts';
import { startLine } from './line.ts';

export interface Site {
  /** The engine, as this host reaches it. */
  readonly url: string;
  /** What goes before its commands. */
  readonly within: string[];
  /** Takes its link down, and up again. */
  cut(): void;
  mend(): void;
}

export interface Network {
  readonly sites: readonly Site[];
  /** Starts the engine, or starts it again in the place of one that is gone. */
  engine(options: EngineOptions): Promise<Engine>;
  close(): void;
}

const HOSTS = 3;
const PORT = 6379;

const TRY =
  'unshare -n sh -c "ip link add veth1 type veth peer name veth2 && ip link set veth1 up" && command -v nsenter';
export const hasNamespaces = spawnSync('sh', ['-c', TRY]).status === 0;
/** For the name of the suite. */
export const how = hasNamespaces
  ? 'in network namespaces'
  : 'on lines through the test: no network namespaces can be made here';

export function makeNetwork(directory: string): Promise<Network> {
  return hasNamespaces ? Promise.resolve(makeNamespaces(directory)) : makeLines(directory);
}

let made = 0;

function makeNamespaces(directory: string): Network {
  const ip = (words: string) => execFileSync('ip', words.split(' '), { stdio: 'pipe' });
  const name = (site: number) => `greylatch-${process.pid}-${made}-${site}`; // 0: the engine's
  const within = (site: number) => ['nsenter', `--net=/run/netns/${name(site)}`];
  made++;
  const all = Array.from({ length: HOSTS + 1 }, (_, site) => site);
  const close = () => {
    for (const site of all) spawnSync('ip', ['netns', 'del', name(site)]);
  };
  try {
    for (const site of all) {
      ip(`netns add ${name(site)}`);
      ip(`-n ${name(site)} link set lo up`);
    }
    for (const site of all.slice(1)) {
      ip(`-n ${name(site)} link add uplink type veth peer name host${site} netns ${name(0)}`);
      ip(`-n ${name(0)} addr add 10.77.${site}.1/24 dev host${site}`);
      ip(`-n ${name(0)} link set host${site} up`);
      ip(`-n ${name(site)} addr add 10.77.${site}.2/24 dev uplink`);
      ip(`-n ${name(site)} link set uplink up`);
    }
  } catch (error) {
    close();
    throw error;
  }
  return {
    sites: all.slice(1).map((site) => ({
      url: `redis://10.77.${site}.1:${PORT}`,
      within: within(site),
      cut: () => ip(`-n ${name(site)} link set uplink down`),
      mend: () => ip(`-n ${name(site)} link set uplink up`),
    })),
    engine: ({ words = [], ...options }) =>
      startEngine(directory, {
        ...options,
        within: within(0),
        // The test itself is in none of these networks.
        socket: path.join(directory, 'socket'),
        words: ['--port', `${PORT}`, '--bind', '0.0.0.0', '--protected-mode', 'no', ...words],
      }),
    close,
  };
}

async function makeLines(directory: string): Promise<Network> {
  const port = await freePort();
  const lines = await Promise.all(Array.from({ length: HOSTS }, () => startLine(port)));
  return {
    sites: lines.map((line) => ({ ...line, url: `redis://127.0.0.1:${line.port}`, within: [] })),
    engine: (options) => startEngine(directory, { ...options, port }),
    close: () => {
      for (const line of lines) line.close();
    },
  };
}
