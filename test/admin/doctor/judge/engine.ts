// An engine of one node where all is well, as facts.
import type { EngineFacts } from '../../../../src/admin/doctor/engine.ts';
import type { Node } from '../../../../src/store/fleet/examine.ts';

export const NODE: Node = {
  where: '127.0.0.1:6379',
  address: '127.0.0.1',
  version: '7.0.15',
  program: 'redis',
  role: 'master',
  ahead: 0.1,
  latency: 0.2,
  memory: 1e6,
  maxMemory: 1e9,
  policy: 'noeviction',
  filters: 3,
  keys: ['client-key=pool,24,64/sender-key=normalised'],
  appendOnly: true,
  save: '',
  diskTrouble: false,
  open: false,
};

export const ENGINE: EngineFacts = {
  where: '127.0.0.1:6379',
  ping: 'redis-cli PING',
  cli: 'redis-cli',
  encrypted: false,
  identified: true,
  passwordFile: undefined,
  account: undefined,
  timeout: 100,
  trouble: '',
  engine: { nodes: [NODE], refused: '' },
};
