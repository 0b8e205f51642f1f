// The status of the engine that several hosts share, as plain data. Changes nothing, prints nothing.
import type { Engine, Node } from '../../store/fleet/examine.ts';
import { journalPath, size } from '../../store/fleet/journal.ts';
import type { Records } from '../records.ts';
import { type Counts, count, type StatusSettings } from './gather.ts';

export interface EngineStatus extends Counts {
  /** Where it is. */
  store: string;
  /** Its masters: one, or those of a Cluster. */
  nodes: Pick<Node, 'where' | 'program' | 'version' | 'role' | 'memory' | 'maxMemory' | 'filters'>[];
  /** Bytes in the journal: what this host has decided by itself and not yet handed over. */
  journal: number;
  sound: boolean;
  /** Keys of ours that hold something else. */
  problems: string[];
}

/** `db` is this host's own database. Throws an Error for the user where the engine cannot be used. */
export async function gatherEngine(
  records: Records,
  engine: Engine,
  db: string,
  settings: StatusSettings,
): Promise<EngineStatus> {
  const { counts, damage } = await count(records, settings);
  return {
    store: records.name,
    nodes: engine.nodes.map(({ where, program, version, role, memory, maxMemory, filters }) => ({
      where,
      program,
      version,
      role,
      memory,
      maxMemory,
      filters,
    })),
    ...counts,
    journal: size(journalPath(db)),
    sound: damage.length === 0,
    problems: damage,
  };
}
