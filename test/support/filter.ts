// Starts a policy filter the way spawn(8) does - one socket as descriptors 0, 1 and 2, a cleaned environment, a
// session of its own - and talks to it. Every byte it sends is kept, so that a stray one cannot hide.
// startPiped is the other case, a run by hand: three pipes, standard error apart.
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { project } from './project.ts';

export interface FilterOptions {
  /** Added to the cleaned environment. */
  env?: Record<string, string>;
  cwd?: string;
  /** How long to wait for replies or for the exit before the test is told that something hangs. */
  patience?: number;
}

/** How a session ended, and what nobody had asked for by then. */
export interface Ending {
  code: number | null;
  signal: NodeJS.Signals | null;
  /** Bytes that came beyond the replies already taken. */
  rest: string;
  /** Milliseconds from our end of file to the exit; undefined if we did not end the session. */
  lag: number | undefined;
}

/** Bytes are latin1 strings on the way back: one character a byte. Strings sent are UTF-8; Buffers go as they are. */
export interface Session {
  readonly pid: number;
  /** Writes without waiting, in one chunk. */
  send(data: string | Buffer): void;
  /** The next `count` replies, each without its empty line: `action=…`. */
  replies(count: number): Promise<string[]>;
  /** send and the next reply. */
  ask(data: string | Buffer): Promise<string>;
  /** Ends our side only, waits for the rest and for the exit. */
  finish(): Promise<Ending>;
  /** Closes everything at once, as smtpd does, and waits for the exit. */
  hangUp(): Promise<Ending>;
  /** Sends the signal to the filter and its children, waits for the exit. */
  kill(signal: NodeJS.Signals): Promise<Ending>;
  /** The exit, whoever causes it. */
  readonly ended: Promise<Ending>;
  /** Everything received so far. */
  everything(): string;
  /** What came on standard error; always empty where it is the same socket. */
  errors(): string;
}

/** The command line of the built filter. */
export function greylatch(...options: string[]): string[] {
  return [process.execPath, path.join(project, 'bin/greylatch.js'), ...options];
}

/** As spawn(8): PATH and nothing else. NODE_EXTRA_CA_CERTS alone would cost Node 50 ms. */
function environment(options: FilterOptions): Record<string, string> {
  return { PATH: '/usr/bin:/usr/sbin:/bin:/sbin', ...options.env };
}

export async function startFilter(command: string[], options: FilterOptions = {}): Promise<Session> {
  const [ours, theirs] = await socketPair();
  const child = spawn(command[0]!, command.slice(1), {
    stdio: [theirs, theirs, theirs],
    env: environment(options),
    cwd: options.cwd,
    detached: true,
  });
  // Or we would never see the end of file when the child closes its copies.
  theirs.destroy();
  return talk(child, ours, ours, () => ours.destroy(), options.patience);
}

export function startPiped(command: string[], options: FilterOptions = {}): Session {
  const child = spawn(command[0]!, command.slice(1), {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: environment(options),
    cwd: options.cwd,
    detached: true,
  });
  const { stdin, stdout, stderr } = child;
  const close = () => {
    stdin.destroy();
    stdout.destroy();
    stderr.destroy();
  };
  return talk(child, stdin, stdout, close, options.patience, stderr);
}

/** Node has no socketpair(2); a listening socket of one moment gives the same thing. */
async function socketPair(): Promise<[net.Socket, net.Socket]> {
  const directory = mkdtempSync(path.join(tmpdir(), 'pair-'));
  const place = path.join(directory, 's');
  // Paused from the first moment: a byte read here would be stolen from the filter.
  const server = net.createServer({ pauseOnConnect: true });
  try {
    const accepted = new Promise<net.Socket>((resolve) => server.once('connection', resolve));
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(place, resolve);
    });
    const ours = net.connect(place);
    await new Promise<void>((resolve, reject) => {
      ours.once('error', reject);
      ours.once('connect', resolve);
    });
    return [ours, await accepted];
  } finally {
    server.close();
    rmSync(directory, { recursive: true, force: true });
  }
}

function talk(
  child: ChildProcess,
  writer: NodeJS.WritableStream,
  reader: NodeJS.ReadableStream,
  close: () => void,
  patience = 60_000,
  errorReader?: NodeJS.ReadableStream,
): Session {
  const chunks: Buffer[] = [];
  const errorChunks: Buffer[] = [];
  let queue: string[] = [];
  let pending = '';
  let endedAt: number | undefined;
  let over: string | undefined;
  let wake = () => {};

  // The reasons for which a write fails (EPIPE, ECONNRESET) show in the ending.
  writer.on('error', () => {});
  reader.on('error', () => {});
  reader.on('data', (chunk: Buffer) => {
    chunks.push(chunk);
    const parts = (pending + chunk.toString('latin1')).split('\n\n');
    pending = parts.pop()!;
    queue.push(...parts);
    wake();
  });
  errorReader?.on('error', () => {});
  errorReader?.on('data', (chunk: Buffer) => errorChunks.push(chunk));

  const closed = (stream: NodeJS.ReadableStream | undefined) =>
    stream ? new Promise<void>((resolve) => stream.once('close', resolve)) : undefined;
  const gone = new Promise<Omit<Ending, 'rest'>>((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code, signal) => {
      resolve({ code, signal, lag: endedAt === undefined ? undefined : performance.now() - endedAt });
    });
  });
  const ended = Promise.all([gone, closed(reader), closed(errorReader)]).then(([ending]) => {
    over = `status ${ending.code}, signal ${ending.signal}`;
    wake();
    const rest = queue.map((reply) => `${reply}\n\n`).join('') + pending;
    return { ...ending, rest };
  });
  ended.catch((error: unknown) => {
    over = String(error);
    wake();
  });

  const state = () => {
    const bytes = Buffer.concat(chunks).toString('latin1');
    const shown = bytes.length > 3000 ? `${bytes.slice(0, 1500)} … ${bytes.slice(-1500)}` : bytes;
    const errors = errorChunks.length ? `; standard error: ${Buffer.concat(errorChunks).toString()}` : '';
    return `${over ? `ended (${over})` : 'still running'}; received: ${JSON.stringify(shown)}${errors}`;
  };

  // Several may wait at once; each gets its replies in the order in which they asked.
  let lastTurn: Promise<unknown> = Promise.resolve();
  function replies(count: number): Promise<string[]> {
    const turn = lastTurn.then(() => take(count));
    lastTurn = turn.catch(() => {});
    return turn;
  }

  async function take(count: number): Promise<string[]> {
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      wake();
    }, patience);
    try {
      while (queue.length < count) {
        if (late || over) throw new Error(`${queue.length} replies of ${count}: filter ${state()}`);
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    } finally {
      clearTimeout(timer);
    }
    const taken = queue.slice(0, count);
    queue = queue.slice(count);
    for (const reply of taken) {
      if (!/^action=[^\n]+$/.test(reply)) throw new Error(`not a reply: ${JSON.stringify(reply)}`);
    }
    return taken;
  }

  /** The whole group, as spawn(8) does at its time limit. */
  function strike(signal: NodeJS.Signals): void {
    if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
    process.kill(-child.pid, signal);
  }

  async function ending(): Promise<Ending> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        strike('SIGKILL');
        reject(new Error(`no exit: filter ${state()}`));
      }, patience);
    });
    try {
      return await Promise.race([ended, late]);
    } finally {
      clearTimeout(timer);
    }
  }

  return {
    pid: child.pid ?? -1,
    ended,
    replies,
    send: (data) => void writer.write(data),
    ask: async (data) => {
      writer.write(data);
      return (await replies(1))[0]!;
    },
    finish: () => {
      endedAt ??= performance.now();
      writer.end();
      return ending();
    },
    hangUp: () => {
      endedAt ??= performance.now();
      close();
      return ending();
    },
    kill: (signal) => {
      strike(signal);
      return ending();
    },
    everything: () => Buffer.concat(chunks).toString('latin1'),
    errors: () => Buffer.concat(errorChunks).toString(),
  };
}
