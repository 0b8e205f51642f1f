// One node of the engine: its version and role, whether it answers in time, keeps what it is told, and is safe on the network.
// Facts in, findings out.
import type { Node } from '../../../store/fleet/examine.ts';
import { bytes } from '../../text.ts';
import { isLoopback } from '../endpoint.ts';
import type { EngineFacts } from '../engine.ts';
import { type Finding, finding } from '../finding.ts';

/** Every Valkey is newer. */
const OLDEST_REDIS = 6;
/** The part of its memory in use that counts as nearly all. */
const NEARLY = 0.9;

export function judgeNode(facts: EngineFacts, node: Node): Finding[] {
  return [
    ...judgeKind(node),
    ...judgeLatency(facts, node),
    ...judgeMemory(facts, node),
    ...judgePersistence(facts, node),
    ...judgeNetwork(facts, node),
  ];
}

function judgeKind({ where, program, version, role }: Node): Finding[] {
  if (version === undefined) {
    const what =
      'its access list, or rename-command, forbids to ask how it is (INFO): version, role, memory and disk were not examined';
    const mend = 'ACL SETUSER USER +info +config|get +client|list +client|setname';
    return [finding('note', 'store-info', where, what, mend)];
  }
  const found: Finding[] = [];
  if (program === 'redis' && Number.parseInt(version, 10) < OLDEST_REDIS) {
    const what = `is redis ${version}: too old`;
    found.push(finding('error', 'store-version', where, what, 'Redis 6 or later, or Valkey'));
  }
  if (role !== undefined && role !== 'master') {
    const what = `is no master (${role}): nothing can be written to it`;
    const mend = 'name its master in --store, or the Sentinels: redis+sentinel://HOST,HOST/NAME';
    found.push(finding('error', 'store-role', where, what, mend));
  }
  return found;
}

function judgeLatency({ timeout }: EngineFacts, { where, latency }: Node): Finding[] {
  if (latency < timeout / 2) return [];
  const late = latency >= timeout;
  const then = late ? 'each host decides by itself' : 'when the engine is busy, hosts decide by themselves';
  const what = `a round trip takes ${Math.round(latency)} ms, and a request waits for ${timeout} ms (--store-timeout): ${then}`;
  const mend = `an engine that is nearer or less busy (redis-cli --latency), or --store-timeout ${Math.ceil(latency / 50) * 200}ms, which mail would wait`;
  return [finding(late ? 'error' : 'warning', 'store-latency', where, what, mend)];
}

/** The command by which an administrator of the engine sets it, for now and for its next start. */
function setting({ cli }: EngineFacts, { where }: Node, name: string, value: string): string {
  const colon = where.lastIndexOf(':');
  const place = where.startsWith('/')
    ? `-s ${where}`
    : `-h ${where.slice(0, colon)} -p ${where.slice(colon + 1)}`;
  return `${cli} ${place} CONFIG SET ${name} ${value} && ${cli} ${place} CONFIG REWRITE`;
}

function judgeMemory(facts: EngineFacts, node: Node): Finding[] {
  const { where, memory, maxMemory, policy } = node;
  if (memory === undefined) return [];
  const found = judgeEviction(facts, node);
  if (maxMemory === 0) {
    const what = `uses ${bytes(memory)} and has no bound: in a flood of spam the kernel ends it when the machine is full`;
    const mend = setting(facts, node, 'maxmemory', '1gb');
    return [finding('warning', 'store-memory', where, what, mend), ...found];
  }
  if (maxMemory === undefined || memory <= maxMemory * NEARLY) return found;
  const then =
    policy === 'noeviction'
      ? 'when it is full, it takes nothing new and each host decides by itself'
      : 'it forgets before the time';
  const what = `uses ${bytes(memory)} of its ${bytes(maxMemory)} (maxmemory): ${then}`;
  const mend = setting(facts, node, 'maxmemory', `${Math.ceil((2 * memory) / 2 ** 20)}mb`);
  return [finding('warning', 'store-memory', where, what, mend), ...found];
}

/** What it forgets when its memory is full. */
function judgeEviction(facts: EngineFacts, node: Node): Finding[] {
  const { where, policy } = node;
  if (policy === undefined || policy === 'noeviction') return [];
  if (policy === 'volatile-ttl') {
    const what =
      'forgets when it is full what would expire first (volatile-ttl): waiting triples before those that passed';
    return [finding('note', 'store-eviction', where, what)];
  }
  const mend = setting(facts, node, 'maxmemory-policy', 'volatile-ttl');
  if (policy.startsWith('volatile-')) {
    const what = `forgets when it is full whatever ${policy} chooses: known senders are deferred again while spam stays on record`;
    return [finding('warning', 'store-eviction', where, what, mend)];
  }
  const what = `may forget anything when it is full (${policy}), also the name of this store and what was released`;
  return [finding('error', 'store-eviction', where, what, mend)];
}

function judgePersistence(facts: EngineFacts, node: Node): Finding[] {
  const { where, appendOnly, save, diskTrouble } = node;
  if (diskTrouble) {
    const what =
      'could not write to its disk at the last time: it soon takes nothing new, and forgets what it knows when it ends';
    const mend =
      'look at its log, and at the space and the rights of its directory (redis-cli CONFIG GET dir)';
    return [finding('error', 'store-disk', where, what, mend)];
  }
  if (appendOnly !== false) return [];
  const what =
    save === ''
      ? 'keeps nothing on its disk: when it is started again, known senders are deferred anew'
      : 'keeps snapshots only: when it ends without warning, senders since the last one are deferred anew';
  const mend = setting(facts, node, 'appendonly', 'yes');
  return [finding('warning', 'store-persistence', where, what, mend)];
}

function judgeNetwork({ encrypted, identified }: EngineFacts, { where, address, open }: Node): Finding[] {
  const plain = address?.replace(/^::ffff:/, '');
  if (plain === undefined || isLoopback(plain)) return [];
  const found: Finding[] = [];
  if (open) {
    const what = `anybody who reaches ${plain} can read and change it: it asks for no password`;
    const mend =
      'requirepass, and maybe a user for the filters in its access list (ACL SETUSER); then --store-password-file';
    found.push(finding('error', 'store-password', where, what, mend));
  }
  if (!encrypted) {
    const what = `addresses${identified ? ' and the password' : ''} go to ${plain} as plain text`;
    const mend =
      'rediss:// instead of redis:// in --store and tls-port in redis.conf; a network of its own (VPN) does as well';
    found.push(finding('warning', 'store-tls', where, what, mend));
  }
  return found;
}
