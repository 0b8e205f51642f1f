// Little-endian numbers in bytes, as records, the queue and LMDB have them. Pure.

export function u16(b: Uint8Array, at: number): number {
  return b[at]! | (b[at + 1]! << 8);
}

export function u32(b: Uint8Array, at: number): number {
  return (b[at]! | (b[at + 1]! << 8) | (b[at + 2]! << 16)) + b[at + 3]! * 0x1000000;
}

export function putLong(b: Uint8Array, at: number, n: number): void {
  b[at] = n;
  b[at + 1] = n >>> 8;
  b[at + 2] = n >>> 16;
  b[at + 3] = n >>> 24;
}

/** The low 48 bits of a 64-bit number: more than any page number or transaction of ours. */
export function u48(b: Uint8Array, at: number): number {
  return u32(b, at) + u16(b, at + 4) * 0x100000000;
}
