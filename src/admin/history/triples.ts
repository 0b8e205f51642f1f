// All triples of a database in columns of numbers, those with the same sender and recipient chained: what `report` and `tune`
// need of a million records, in some 50 bytes each. Pure.
import { parseAddress, subnetText } from '../../greylist/address.ts';
import { isPseudonym } from '../../greylist/pseudonym.ts';
import type { TripleEntry } from '../../store/admin/entry.ts';
import { find, hash, larger, newNumbers } from '../../store/records/hashes.ts';
import { MOST_OFFSETS } from '../../store/records/record.ts';

/** What stands for the client in most records: the filters' --client-key, or the hashes of --privacy. */
export type KeyInForce = 'address' | 'subnet' | 'pool' | 'hidden';

/** The sender and recipient of a chain, kept only where several clients share them. */
export interface Pair {
  sender: string;
  recipient: string;
}

export interface Triples {
  length: number;
  /** Seconds since the epoch. */
  firstSeen: Uint32Array;
  /** When it passed for the first time, in seconds since the epoch; 0: never. */
  pass: Uint32Array;
  /** A number for each client, and for the client's subnet (/24, /64). */
  client: Uint32Array;
  subnet: Uint32Array;
  /** Seconds after the first sight, MOST_OFFSETS for each triple; 0: none. */
  offsets: Uint32Array;
  /** The next triple with the same sender and recipient; -1: none. */
  next: Int32Array;
  /** 1 for the first triple of each chain, else 0. */
  first: Uint8Array;
  /** By the first triple of a chain, where several clients share it. */
  pairs: Map<number, Pair>;
  kinds: Record<KeyInForce, number>;
}

const START = 1024;
const IPV4_PREFIX = 24;
const IPV6_PREFIX = 64;

export function newCollector() {
  const triples: Triples = {
    length: 0,
    firstSeen: new Uint32Array(START),
    pass: new Uint32Array(START),
    client: new Uint32Array(START),
    subnet: new Uint32Array(START),
    offsets: new Uint32Array(START * MOST_OFFSETS),
    next: new Int32Array(START),
    first: new Uint8Array(START),
    pairs: new Map(),
    kinds: { address: 0, subnet: 0, pool: 0, hidden: 0 },
  };
  let hashes = new Uint32Array(2 * START);
  let slots = new Int32Array(4 * START).fill(-1); // a hash table of the first of each chain
  const look = newClients();

  function chain(i: number, sender: string, recipient: string): void {
    triples.next[i] = -1;
    triples.first[i] = 1;
    if (sender === '') return; // bounces of different hosts to one recipient have nothing in common
    const [a, b] = hash(sender, recipient);
    hashes[2 * i] = a;
    hashes[2 * i + 1] = b;
    const slot = find(slots, hashes, a, b);
    const root = slots[slot]!;
    if (root < 0) {
      slots[slot] = i;
      return;
    }
    triples.first[i] = 0;
    triples.next[i] = triples.next[root]!;
    triples.next[root] = i;
    if (!triples.pairs.has(root)) triples.pairs.set(root, { sender, recipient });
  }

  function grow(): void {
    const size = triples.firstSeen.length * 2;
    triples.firstSeen = larger(triples.firstSeen, new Uint32Array(size));
    triples.pass = larger(triples.pass, new Uint32Array(size));
    triples.client = larger(triples.client, new Uint32Array(size));
    triples.subnet = larger(triples.subnet, new Uint32Array(size));
    triples.offsets = larger(triples.offsets, new Uint32Array(size * MOST_OFFSETS));
    triples.next = larger(triples.next, new Int32Array(size));
    triples.first = larger(triples.first, new Uint8Array(size));
    hashes = larger(hashes, new Uint32Array(2 * size));
    const before = slots;
    slots = new Int32Array(4 * size).fill(-1);
    for (const root of before) {
      if (root >= 0) slots[find(slots, hashes, hashes[2 * root]!, hashes[2 * root + 1]!)] = root;
    }
  }

  return {
    triples,
    /** Takes the triples one by one, in any order. */
    add({ client, sender, recipient, firstSeen, wait, offsets }: TripleEntry): void {
      const i = triples.length;
      if (i === triples.firstSeen.length) grow();
      const { number, subnet, kind } = look(client);
      triples.kinds[kind]++;
      triples.firstSeen[i] = firstSeen;
      triples.pass[i] = wait === 0 ? 0 : firstSeen + wait;
      triples.client[i] = number;
      triples.subnet[i] = subnet;
      for (const [k, offset] of offsets.entries()) triples.offsets[i * MOST_OFFSETS + k] = offset;
      triples.length++;
      chain(i, sender, recipient);
    },
  };
}

/** Numbers the clients and their subnets. */
function newClients() {
  const clients = newNumbers();
  const subnets = newNumbers();
  let last: { client: string; number: number; subnet: number; kind: KeyInForce } | undefined;
  return (client: string) => {
    if (client === last?.client) return last; // in LMDB a client's triples follow each other
    const bytes = parseAddress(client);
    const network =
      bytes === undefined ? client : subnetText(bytes, bytes.length === 4 ? IPV4_PREFIX : IPV6_PREFIX);
    last = { client, number: clients.of(client), subnet: subnets.of(network), kind: kindOf(client, bytes) };
    return last;
  };
}

/** The client key that the filters seem to use. (Imports may bring clients of other kinds.) */
export function keyInForce({ address, subnet, pool, hidden }: Triples['kinds']): KeyInForce {
  const half = (address + subnet + pool + hidden) / 2;
  if (hidden > half) return 'hidden';
  if (address >= half) return 'address';
  return pool > 0 ? 'pool' : 'subnet';
}

function kindOf(client: string, bytes: readonly number[] | undefined): KeyInForce {
  if (bytes !== undefined) return 'address';
  if (client.includes('/')) return 'subnet';
  if (isPseudonym(client)) return 'hidden';
  // What is no domain is the address as Postfix gave it: `unknown`, of which one must not make a pool of all subnets.
  return client.includes('.') ? 'pool' : 'address';
}
