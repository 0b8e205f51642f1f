// A "put" or "delete" in the form that lmdb's addon reads from memory, built in one buffer that is used again and again.
import { MAX_KEY } from '../records/key.ts';
import { native } from './native.ts';

// word 0   what to do, and afterwards how it went
// word 1   which database
// word 2   length of the key; the key follows, from byte 12 on
// then, at the next multiple of 8 that leaves 4 zero bytes: the address of the value, whose length is the word before it. The
// value itself follows.
const PUT = 15;
const DELETE = 13;
const FINISHED = 0x1000000;
const FAILED = 0x4000000;
export const KEY_AT = 12;
/** MDB_NOOVERWRITE */
export const ONLY_NEW = 0x10;

export interface Instruction {
  bytes: Buffer;
  /** The part of `bytes` where the key goes. */
  key: Buffer;
  words: Uint32Array;
  doubles: Float64Array;
  address: number;
}

export function newInstruction(): Instruction {
  const bytes = Buffer.allocUnsafeSlow(MAX_KEY + 448);
  const { buffer } = bytes;
  const address = native().getAddress(buffer);
  return {
    bytes,
    key: bytes.subarray(KEY_AT),
    words: new Uint32Array(buffer),
    doubles: new Float64Array(buffer),
    address,
  };
}

/** Where to write the value of a key of this length before `put`. */
export function valueAt(keyLength: number): number {
  return (((KEY_AT + keyLength + 16) >> 3) + 1) << 3;
}

/**
 * Puts the key at KEY_AT and the value at `valueAt` into database `dbi`. Returns false where the key exists and
 * `flags` is ONLY_NEW. Throws LMDB's error, e.g. MDB_MAP_FULL.
 */
export function put(
  instruction: Instruction,
  env: number,
  dbi: number,
  keyLength: number,
  size: number,
  flags: number,
): boolean {
  const { words, doubles, address } = instruction;
  const value = valueAt(keyLength);
  instruction.bytes.fill(0, KEY_AT + keyLength, value);
  words[(value >> 2) - 3] = size;
  doubles[(value >> 3) - 1] = address + value;
  return carryOut(instruction, env, PUT | flags, dbi, keyLength);
}

/** Deletes the key at KEY_AT. Returns false where it does not exist. Throws LMDB's error. */
export function remove(instruction: Instruction, env: number, dbi: number, keyLength: number): boolean {
  instruction.bytes.fill(0, KEY_AT + keyLength, valueAt(keyLength));
  return carryOut(instruction, env, DELETE, dbi, keyLength);
}

function carryOut(
  { words, address }: Instruction,
  env: number,
  what: number,
  dbi: number,
  keyLength: number,
): boolean {
  words[0] = what;
  words[1] = dbi;
  words[2] = keyLength;
  native().write(env, address);
  const status = words[0]!;
  if ((status & FINISHED) === 0) throw new Error(`LMDB did not carry out an instruction (${status})`);
  return (status & FAILED) === 0;
}
