// A file to read, or standard input: in chunks, unpacked if packed with gzip, and with the first bytes to look at.
import { createReadStream, type Stats, statSync } from 'node:fs';
import { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';

export interface Input {
  /** For messages. */
  name: string;
  /** The first bytes, unpacked: as many as were asked for, or all there are. `chunks` has them too. */
  first: Buffer;
  /** Throws an Error for the user where it cannot be read. */
  chunks: AsyncIterable<Buffer>;
  /** When it was last written to (standard input: now), in seconds since the epoch. */
  asOf: number;
  /** How much of it has been read, from 0 to 1; 0 where its size is not known. */
  part(): number;
}

/** Other packers' formats by their magic, and the program that unpacks each. */
const PACKED: readonly [string, string][] = [
  ['\xfd7zXZ\0', 'xzcat'],
  ['BZh', 'bzcat'],
  ['\x28\xb5\x2f\xfd', 'zstdcat'],
];

/** Opens `file`, `-` being standard input. Throws an Error for the user. */
export async function openInput(file: string, firstBytes: number): Promise<Input> {
  const name = file === '-' ? 'standard input' : file;
  const stats = file === '-' ? undefined : statsOf(file);
  const raw: AsyncIterable<Buffer> = stats === undefined ? process.stdin : createReadStream(file);
  const size = stats?.size ?? 0;
  const asOf = Math.floor((stats?.mtimeMs ?? Date.now()) / 1000);
  let read = 0;
  async function* counted(): AsyncGenerator<Buffer> {
    try {
      for await (const chunk of raw) {
        read += chunk.length;
        yield chunk;
      }
    } catch (error) {
      throw new Error(`${name} cannot be read: ${(error as Error).message}`);
    }
  }
  let { first, chunks } = await peek(counted(), 6);
  const magic = first.toString('latin1');
  const packed = PACKED.find(([bytes]) => magic.startsWith(bytes));
  if (packed !== undefined) {
    throw new Error(`${name} is packed; unpack it: ${packed[1]} FILE | greylatch COMMAND -`);
  }
  if (magic.startsWith('\x1f\x8b')) chunks = unzipped(chunks, name);
  ({ first, chunks } = await peek(chunks, firstBytes));
  return { name, first, chunks, asOf, part: () => (size > 0 ? Math.min(1, read / size) : 0) };
}

/** Throws an Error for the user where it is no file that can be read. */
function statsOf(file: string): Stats {
  let stats: Stats | undefined;
  try {
    stats = statSync(file, { throwIfNoEntry: false });
  } catch (error) {
    throw new Error(`${file} cannot be read: ${(error as Error).message}`);
  }
  if (stats === undefined) throw new Error(`${file} does not exist`);
  if (stats.isDirectory()) throw new Error(`${file} is a directory; name the files in it`);
  return stats;
}

/** Reads ahead until there are `bytes` bytes, or to the end. Returns them, and all chunks from the first on. */
async function peek(chunks: AsyncIterable<Buffer>, bytes: number) {
  const rest = chunks[Symbol.asyncIterator]();
  const held: Buffer[] = [];
  let length = 0;
  while (length < bytes) {
    const next = await rest.next();
    if (next.done === true) break;
    held.push(next.value);
    length += next.value.length;
  }
  const all = Buffer.concat(held);
  async function* again(): AsyncGenerator<Buffer> {
    yield all;
    for (;;) {
      const next = await rest.next();
      if (next.done === true) return;
      yield next.value;
    }
  }
  return { first: all.subarray(0, bytes), chunks: again() as AsyncIterable<Buffer> };
}

async function* unzipped(chunks: AsyncIterable<Buffer>, name: string): AsyncGenerator<Buffer> {
  const source = Readable.from(chunks, { objectMode: false });
  const gunzip = createGunzip();
  source.on('error', (error) => gunzip.destroy(error));
  try {
    yield* source.pipe(gunzip) as AsyncIterable<Buffer>;
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    throw code?.startsWith('Z_') ? new Error(`${name} is damaged: gzip says ${message}`) : error;
  } finally {
    source.destroy();
  }
}
