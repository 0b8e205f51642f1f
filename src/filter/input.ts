// Reads the bytes of requests from descriptor 0: the first ones at once, then whenever there are more. Knows nothing of
// what they mean.
import { createReadStream, readSync } from 'node:fs';
import type { SocketConstructorOpts } from 'node:net';

/** Called with each chunk, whose bytes are good only until `take` returns. */
export type Take = (chunk: Buffer, length: number) => void;

const READ_SIZE = 16 * 1024;

/**
 * The first bytes, waiting for them where descriptor 0 is in blocking mode. Undefined where it is not and nothing is there
 * yet, or after an error: whoever reads on meets that, too.
 */
export function readFirst(): Buffer | undefined {
  const buffer = Buffer.allocUnsafeSlow(READ_SIZE);
  try {
    return buffer.subarray(0, readSync(0, buffer));
  } catch {
    return undefined;
  }
}

/** Passes every chunk from descriptor 0, a socket or pipe, to `take`. Calls `ended` at its end, perhaps more than once. */
export function readStream(take: Take, ended: () => void): void {
  const buffer = Buffer.allocUnsafeSlow(READ_SIZE); // one for all reads: nothing is copied, nothing collected
  if (!readHandle(buffer, take, ended)) readSocket(buffer, take, ended);
}

/** The same for a file or a terminal: a file in pieces of READ_SIZE too, so that work between requests gets its turn. */
export function readFile(take: Take, ended: () => void): void {
  // A read of a terminal as of a file lasts until there is a line, and until then process.exit waits for it, too.
  const { isatty } = require('node:tty') as typeof import('node:tty');
  const stream = isatty(0) ? process.stdin : createReadStream('', { fd: 0, highWaterMark: READ_SIZE });
  stream.on('data', (chunk: Buffer) => take(chunk, chunk.length));
  stream.on('end', ended).on('error', ended);
}

/** By node:net, as documented. */
function readSocket(buffer: Buffer, take: Take, ended: () => void): void {
  const { Socket } = require('node:net') as typeof import('node:net');
  const callback = (length: number) => {
    take(buffer, length);
    return true;
  };
  const options = { fd: 0, readable: true, writable: false, onread: { buffer, callback } };
  const socket = new Socket(options as SocketConstructorOpts); // its types lack onread
  socket.on('end', ended).on('error', ended).on('close', ended);
}

/** The newest version of Node with which `readHandle` was tried: what it uses is internal to Node, and may change. */
export const NEWEST = 26;

/** The part of node:net's own foundations that `readHandle` uses. */
interface Bindings {
  pipe_wrap: { Pipe: new (type: number) => Handle; constants: { SOCKET: number } };
  stream_wrap: { streamBaseState: Int32Array; kReadBytesOrError: number };
}
interface Handle {
  open(fd: number): void;
  useUserBuffer(buffer: Buffer): void;
  onread: () => void;
  readStart(): number;
}
type Binding = <Name extends keyof Bindings>(name: Name) => Bindings[Name];

/**
 * As `readSocket`, without node:net and node:stream, which take 2.4 ms of processor time, a tenth of a start (Node 20): where
 * twenty filters start at once, each delays the others' first replies by that. (v8.ts loads node:stream later, in sessions of
 * more than a few requests.) Returns false where this version of Node cannot do it.
 */
function readHandle(buffer: Buffer, take: Take, ended: () => void): boolean {
  if (Number.parseInt(process.versions.node, 10) > NEWEST) return false;
  let handle: Handle;
  try {
    const binding = (process as unknown as { binding: Binding }).binding;
    const { Pipe, constants } = binding('pipe_wrap');
    const { streamBaseState, kReadBytesOrError } = binding('stream_wrap');
    handle = new Pipe(constants.SOCKET); // good for TCP as well: it is only read from
    handle.onread = () => {
      const length = streamBaseState[kReadBytesOrError]!;
      if (length > 0) take(buffer, length);
      else if (length < 0) ended(); // or in trouble; 0: it had filled the buffer, and nothing more was there
    };
    handle.useUserBuffer(buffer);
    handle.open(0); // where that fails, it cannot start either
  } catch {
    return false; // under --permission, say
  }
  return handle.readStart() === 0;
}
