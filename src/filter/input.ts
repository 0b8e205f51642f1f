// Reads the bytes of requests from descriptor 0: those that are there at once, then whenever there are more. Knows nothing of
// what they mean.
import { createReadStream, fstatSync, readSync } from 'node:fs';
import type { SocketConstructorOpts } from 'node:net';
import type { Readable } from 'node:stream';

/** Called with each chunk, whose bytes are good only until `take` returns. */
export type Take = (chunk: Buffer, length: number) => void;

export interface Input {
  /** Takes what is there already. Waits for nothing. */
  first(): void;
  /** Takes all that comes from now on, to the end. */
  start(): void;
  /** Takes no more, until the next start. */
  stop(): void;
}

const READ_SIZE = 16 * 1024;

/** Descriptor 0. Passes every chunk to `take`, and calls `ended` at its end, perhaps more than once. */
export function openInput(take: Take, ended: () => void): Input {
  const input = fstatSync(0);
  if (!input.isSocket() && !input.isFIFO())
    return ofStream(
      () => {},
      () => readFile(take, ended),
    );
  const buffer = Buffer.allocUnsafeSlow(READ_SIZE); // one for all reads: nothing is copied, nothing collected
  const handle = openHandle();
  const first = () => {
    const length = handle === undefined ? 0 : readNow(buffer);
    if (length > 0) take(buffer, length);
  };
  const stream = ofStream(first, () => readSocket(buffer, take, ended));
  if (handle === undefined) return stream;
  let isRead: boolean | undefined; // by the handle; undefined: not started yet
  return {
    first,
    start() {
      // Only once: of each buffer that it is given, a handle keeps a note (48 bytes) to its end.
      if (isRead === undefined) isRead = readHandle(handle, buffer, take, ended);
      else isRead &&= handle.pipe.readStart() === 0;
      if (!isRead) stream.start();
    },
    stop() {
      if (isRead) handle.pipe.readStop();
      else stream.stop();
    },
  };
}

/** `open` is called at the first start. */
function ofStream(first: () => void, open: () => Readable): Input {
  let stream: Readable | undefined;
  return {
    first,
    start() {
      if (stream === undefined) stream = open();
      else stream.resume();
    },
    stop: () => void stream?.pause(),
  };
}

/** How many bytes were there; descriptor 0 is not in blocking mode. 0 also after an error: whoever reads on meets it, too. */
function readNow(buffer: Buffer): number {
  try {
    return readSync(0, buffer);
  } catch {
    return 0;
  }
}

/** For a file or a terminal. A file is read in pieces of READ_SIZE too, so that work between requests gets its turn. */
function readFile(take: Take, ended: () => void): Readable {
  // A read of a terminal as of a file lasts until there is a line, and until then process.exit waits for it, too.
  const { isatty } = require('node:tty') as typeof import('node:tty');
  const stream = isatty(0) ? process.stdin : createReadStream('', { fd: 0, highWaterMark: READ_SIZE });
  stream.on('data', (chunk: Buffer) => take(chunk, chunk.length));
  return stream.on('end', ended).on('error', ended);
}

/** By node:net, as documented. */
function readSocket(buffer: Buffer, take: Take, ended: () => void): Readable {
  const { Socket } = require('node:net') as typeof import('node:net');
  const callback = (length: number) => {
    take(buffer, length);
    return true;
  };
  const options = { fd: 0, readable: true, writable: false, onread: { buffer, callback } };
  const socket = new Socket(options as SocketConstructorOpts); // its types lack onread
  return socket.on('end', ended).on('error', ended).on('close', ended);
}

/** The newest version of Node with which `openHandle` was tried: what it uses is internal to Node, and may change. */
export const NEWEST = 26;

/** The part of node:net's own foundations that is used here. */
interface Bindings {
  pipe_wrap: { Pipe: new (type: number) => PipeHandle; constants: { SOCKET: number } };
  stream_wrap: { streamBaseState: Int32Array; kReadBytesOrError: number };
}
interface PipeHandle {
  open(fd: number): number;
  useUserBuffer(buffer: Buffer): void;
  onread: () => void;
  readStart(): number;
  readStop(): number;
}
type Binding = <Name extends keyof Bindings>(name: Name) => Bindings[Name];

interface Handle {
  pipe: PipeHandle;
  /** How many bytes were read when `onread` is called; below 0: the end, or trouble. */
  length(): number;
}

/**
 * What node:net makes its sockets of, without node:net and node:stream, which take 2.4 ms of processor time, a tenth of a start
 * (Node 20): where twenty filters start at once, each delays the others' first replies by that. (v8.ts loads node:stream later,
 * in sessions of more than a few requests.) Undefined where this version of Node has none.
 */
function openHandle(): Handle | undefined {
  if (Number.parseInt(process.versions.node, 10) > NEWEST) return undefined;
  try {
    const binding = (process as unknown as { binding: Binding }).binding;
    const { Pipe, constants } = binding('pipe_wrap');
    const { streamBaseState, kReadBytesOrError } = binding('stream_wrap');
    const pipe = new Pipe(constants.SOCKET); // good for TCP as well: it is only read from
    if (pipe.open(0) !== 0) return undefined; // which ends blocking mode, too
    return { pipe, length: () => streamBaseState[kReadBytesOrError]! };
  } catch {
    return undefined; // under --permission, say
  }
}

/**
 * As `readSocket`. Returns false where it cannot start. (Not one function with `openHandle`: with `onread` made in there, requests
 * took 4 % more processor time, Node 20. Why is not known.)
 */
function readHandle({ pipe, length }: Handle, buffer: Buffer, take: Take, ended: () => void): boolean {
  pipe.onread = () => {
    const got = length();
    if (got > 0) take(buffer, got);
    else if (got < 0) ended(); // or in trouble; 0: it had filled the buffer, and nothing more was there
  };
  pipe.useUserBuffer(buffer);
  return pipe.readStart() === 0;
}
