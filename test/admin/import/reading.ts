// What the tests of the readers share: a reader's findings for a text, a file or lines.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { linesOf } from '../../../src/admin/import/lines.ts';
import type { Found, Reader } from '../../../src/admin/import/record.ts';

export const ORIGIN = 'here';
export const AS_OF = 1_800_000_000;

const data = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../../data/import');

export function sample(name: string): Buffer {
  return readFileSync(path.join(data, name));
}

/** The bytes in chunks of the given size. */
export async function* chunksOf(bytes: Buffer, size = 65536): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

/** All that the reader makes of the bytes (a string is one of bytes). */
export async function readAll(reader: Reader, bytes: Buffer | string, size?: number): Promise<Found[]> {
  const found: Found[] = [];
  const lines = linesOf(chunksOf(Buffer.from(bytes as string, 'latin1'), size));
  for await (const one of reader(lines, { origin: ORIGIN, asOf: AS_OF })) found.push(one);
  return found;
}

export function problems(found: Found[]): { line: number; what: string }[] {
  return found.flatMap((one) => (one.kind === 'problem' ? [{ line: one.line, what: one.what }] : []));
}
