// The status in the text format of Prometheus, for the textfile collector of node_exporter.
import type { EngineStatus } from './engine.ts';
import type { Counts, Status } from './gather.ts';

/** Names as Prometheus asks for them: base units, no label that repeats a name. */
export function metricsOf(status: Status): string {
  return [
    metric('database_size_bytes', 'Size of the database file.', [['', status.size]]),
    metric('database_sound', '1 if the database is sound as far as it was read, else 0.', [
      ['', status.sound ? 1 : 0],
    ]),
    ...ofCounts(status),
    metric('processes', 'Processes that have the database open.', [['', status.processes.length]]),
    metric('last_damage_timestamp_seconds', 'When damage was set aside last; 0: never.', [
      ['', status.lastDamage?.at ?? 0],
    ]),
  ].join('');
}

export function metricsOfEngine(status: EngineStatus): string {
  const { nodes, sound, journal } = status;
  const by = (value: (node: EngineStatus['nodes'][number]) => number) =>
    nodes.map((node) => [`{node="${node.where}"}`, value(node)] as const);
  return [
    metric(
      'store_memory_bytes',
      'Memory that the engine uses, by node.',
      by(({ memory }) => memory ?? 0),
    ),
    metric(
      'store_max_memory_bytes',
      'Memory that the engine may use, by node; 0: no bound.',
      by(({ maxMemory }) => maxMemory ?? 0),
    ),
    metric(
      'store_filters',
      'Filters that are connected, by node.',
      by(({ filters }) => filters ?? 0),
    ),
    metric('store_sound', '1 if no key of ours holds something else, else 0.', [['', sound ? 1 : 0]]),
    ...ofCounts(status),
    metric('journal_bytes', 'Decisions of this host that the engine does not have yet.', [['', journal]]),
  ].join('');
}

function ofCounts({ triples, clients, oldest, newest }: Counts): string[] {
  const by = (label: string, counts: Record<string, number>) =>
    Object.entries(counts).map(([name, n]) => [`{${label}="${name}"}`, n] as const);
  return [
    metric('triples', 'Triples on record, by state.', by('state', triples)),
    metric('clients', 'Clients with come-backs on record, by state.', by('state', clients)),
    metric('oldest_triple_timestamp_seconds', 'First sight of the oldest triple; 0: there is none.', [
      ['', oldest ?? 0],
    ]),
    metric('newest_triple_timestamp_seconds', 'First sight of the newest triple; 0: there is none.', [
      ['', newest ?? 0],
    ]),
  ];
}

function metric(name: string, help: string, values: readonly (readonly [label: string, value: number])[]) {
  const full = `greylatch_${name}`;
  const lines = values.map(([label, value]) => `${full}${label} ${value}\n`);
  return `# HELP ${full} ${help}\n# TYPE ${full} gauge\n${lines.join('')}`;
}
