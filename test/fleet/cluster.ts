// A Cluster of three engines of the test's own.
import { until } from '../support/until.ts';
import { type Engine, type EngineOptions, freePort } from './engine.ts';

const CLUSTERED = ['--cluster-enabled', 'yes', '--cluster-node-timeout', '2000'];

/** Returns its nodes, which `start` starts, and what starts one again in the place of one that is gone. */
export async function startCluster(
  start: (name: string, options: EngineOptions) => Promise<Engine>,
  { words = [], ...options }: EngineOptions = {},
): Promise<[nodes: Engine[], restart: (i: number) => Promise<Engine>]> {
  const startNode = (i: number, port: number) =>
    start(`node${i}`, { ...options, port, words: [...CLUSTERED, ...words] });
  const nodes = await Promise.all(
    [0, 1, 2].map(async (i) => {
      for (;;) {
        const port = await freePort(); // the nodes talk on this one and 10,000 beyond
        if (port < 55_000) return startNode(i, port);
      }
    }),
  );
  for (const [i, { admin }] of nodes.entries()) {
    const slot = (of: number) => Math.floor((16_384 * of) / 3);
    await admin.call('CLUSTER', 'ADDSLOTSRANGE', `${slot(i)}`, `${slot(i + 1) - 1}`);
    await admin.call('CLUSTER', 'SET-CONFIG-EPOCH', `${i + 1}`);
    if (i > 0) await nodes[0]!.admin.call('CLUSTER', 'MEET', '127.0.0.1', `${nodes[i]!.port}`);
  }
  await until(async () => {
    const states = await Promise.all(nodes.map(({ admin }) => admin.call('CLUSTER', 'INFO')));
    return states.every((state) => /cluster_state:ok.*cluster_known_nodes:3/s.test(`${state}`));
  });
  return [nodes, (i) => startNode(i, nodes[i]!.port)];
}
