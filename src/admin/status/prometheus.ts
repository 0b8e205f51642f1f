// The status in the text format of Prometheus, for the textfile collector of node_exporter.
import type { EngineStatus } from './engine.ts';
import type { Counts, Status } from './gather.ts';

/** Names as Prometheus asks for them: base units, no label that repeats a name. */
export function metricsOf(status: Status): string {
  const { size, sound, processes, lastDamage } = status;
  return [
    metric('database_size_bytes', 'Size of the database file.', size),
    metric('database_sound', '1 if the database is sound as far as it was read, else 0.', sound ? 1 : 0),
    ...ofCounts(status),
    metric('processes', 'Processes that have the database open.', processes.length),
    metric('last_damage_timestamp_seconds', 'When damage was set aside last; 0: never.', lastDamage?.at ?? 0),
  ].join('');
}

export function metricsOfEngine(status: EngineStatus): string {
  const { nodes, sound, journal } = status;
  const by = (what: 'memory' | 'maxMemory' | 'filters') =>
    nodes.map((node): Labelled => [`{node="${node.where}"}`, node[what] ?? 0]);
  return [
    metric('store_memory_bytes', 'Memory that the engine uses, by node.', by('memory')),
    metric(
      'store_max_memory_bytes',
      'Memory that the engine may use, by node; 0: no bound.',
      by('maxMemory'),
    ),
    metric('store_filters', 'Filters that are connected, by node.', by('filters')),
    metric('store_sound', '1 if no key of ours holds something else, else 0.', sound ? 1 : 0),
    ...ofCounts(status),
    metric('journal_bytes', 'Decisions of this host that the engine does not have yet.', journal),
  ].join('');
}

function ofCounts({ triples, clients, oldest = 0, newest = 0 }: Counts): string[] {
  const by = (counts: Record<string, number>) =>
    Object.entries(counts).map(([state, n]): Labelled => [`{state="${state}"}`, n]);
  return [
    metric('triples', 'Triples on record, by state.', by(triples)),
    metric('clients', 'Clients with come-backs on record, by state.', by(clients)),
    metric('oldest_triple_timestamp_seconds', 'First sight of the oldest triple; 0: there is none.', oldest),
    metric('newest_triple_timestamp_seconds', 'First sight of the newest triple; 0: there is none.', newest),
  ];
}

type Labelled = readonly [label: string, value: number];

function metric(name: string, help: string, value: number | readonly Labelled[]): string {
  const full = `greylatch_${name}`;
  const values = typeof value === 'number' ? [['', value] as const] : value;
  const lines = values.map(([label, each]) => `${full}${label} ${each}\n`);
  return `# HELP ${full} ${help}\n# TYPE ${full} gauge\n${lines.join('')}`;
}
