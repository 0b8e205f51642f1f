// The checksum of records, of the queue's entries and of the mark: FNV-1a, 32 bits. Against rubbish, not against attackers.
const START = 0x811c9dc5;

/** The hash of the bytes from `from` to `to`, continuing `h`, the hash of the bytes before; a signed number. */
export function fnv1a(bytes: Uint8Array, from: number, to: number, h = START): number {
  let hash = h;
  for (let i = from; i < to; i++) hash = Math.imul(hash ^ bytes[i]!, 0x01000193);
  return hash;
}

/** A hash folded to 16 bits. */
export function fold(h: number): number {
  return (h ^ (h >>> 16)) & 0xffff;
}
