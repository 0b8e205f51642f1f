// Texts told apart by a hash of 64 bits, in columns of numbers: no more could be remembered of each of millions of records.
// Among ten million texts, the chance that any two share a hash is three in a million. Pure.

const START = 1024;

/** Numbers texts from 0 on, in the order in which they are first seen. */
interface Numbers {
  of(text: string): number;
  /** How many there are. */
  count(): number;
}

export function newNumbers(): Numbers {
  let hashes = new Uint32Array(2 * START);
  let slots = new Int32Array(4 * START).fill(-1);
  let count = 0;

  function grow(): void {
    hashes = larger(hashes, new Uint32Array(2 * hashes.length));
    slots = new Int32Array(2 * slots.length).fill(-1);
    for (let n = 0; n < count; n++) slots[find(slots, hashes, hashes[2 * n]!, hashes[2 * n + 1]!)] = n;
  }

  return {
    of(text) {
      const [a, b] = hash(text, '');
      const slot = find(slots, hashes, a, b);
      const known = slots[slot]!;
      if (known >= 0) return known;
      hashes[2 * count] = a;
      hashes[2 * count + 1] = b;
      slots[slot] = count++;
      if (2 * count === hashes.length) grow();
      return count - 1;
    },
    count: () => count,
  };
}

/** The slot with this hash, or the empty slot where it belongs. `hashes` has the two halves of each number's hash. */
export function find(slots: Int32Array, hashes: Uint32Array, a: number, b: number): number {
  const mask = slots.length - 1;
  for (let slot = a & mask; ; slot = (slot + 1) & mask) {
    const number = slots[slot]!;
    if (number < 0 || (hashes[2 * number] === a && hashes[2 * number + 1] === b)) return slot;
  }
}

/** The hash of two texts, in two halves that do not mix alike. */
export function hash(one: string, other: string): [a: number, b: number] {
  let a = 0x811c9dc5; // FNV-1a
  let b = 0x2545f491;
  for (const text of [one, other]) {
    for (let i = 0; i < text.length; i++) {
      const c = text.charCodeAt(i);
      a = Math.imul(a ^ c, 0x01000193);
      b = Math.imul(b ^ c, 0x5bd1e995);
      b ^= b >>> 15;
    }
    a = Math.imul(a ^ 0x100, 0x01000193);
    b = Math.imul(b ^ 0x100, 0x5bd1e995);
  }
  return [mixed(a), mixed(b)];
}

/** Mixed so that the low bits may be the number of a slot. */
function mixed(h: number): number {
  const half = Math.imul(h ^ (h >>> 15), 0x85ebca6b);
  return (half ^ (half >>> 13)) >>> 0;
}

export function larger<T extends Uint32Array | Int32Array | Uint8Array>(before: T, after: T): T {
  after.set(before);
  return after;
}
