// A network between a host and its engine that the test can cut: nothing comes through until it is mended, and nobody is told.
// Or one that is slow, that loses connections for good, or that spoils the replies.
import net from 'node:net';

export interface Line {
  readonly port: number;
  /** How many pieces have gone from hosts to the engine. */
  pieces(): number;
  cut(): void;
  /** From now on, each piece to the engine takes so many milliseconds. */
  slow(delay: number): void;
  /** Closes all connections; those made from now on are accepted, and nothing ever comes through. */
  swallow(): void;
  /** Closes all connections, and those made from now on at once. */
  refuse(): void;
  /** How many connections were made since, and went nowhere. */
  lost(): number;
  /** From now on, each piece of the engine's replies is replaced by this. */
  spoil(reply: string): void;
  /** What is cut goes on; what was swallowed is lost, but new connections come through. */
  mend(): void;
  close(): void;
}

export async function startLine(port: number, delay = 0): Promise<Line> {
  let whole = true;
  let loses: 'by silence' | 'at once' | undefined;
  let lost = 0;
  let spoilt: string | undefined;
  let pieces = 0;
  const sockets = new Set<net.Socket>();
  const keep = (socket: net.Socket) => {
    sockets.add(socket);
    if (!whole) socket.pause();
    socket.on('error', () => {}).on('close', () => sockets.delete(socket));
  };
  const destroyAll = () => {
    for (const socket of sockets) socket.destroy();
  };
  const server = net.createServer((near) => {
    if (loses !== undefined) {
      lost++;
      if (loses === 'at once') near.destroy();
      near.resume();
      keep(near);
      return;
    }
    const far = net.connect(port, '127.0.0.1');
    const pass = (data: Buffer) => {
      pieces++;
      far.write(data);
    };
    near
      .on('data', (data) => (delay > 0 ? void setTimeout(pass, delay, data) : pass(data)))
      .on('close', () => far.destroy());
    far.on('data', (data) => near.write(spoilt ?? data)).on('close', () => near.destroy());
    keep(near);
    keep(far);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as net.AddressInfo).port,
    pieces: () => pieces,
    cut: () => {
      whole = false;
      for (const socket of sockets) socket.pause();
    },
    slow: (milliseconds) => {
      delay = milliseconds;
    },
    swallow: () => {
      loses = 'by silence';
      destroyAll();
    },
    refuse: () => {
      loses = 'at once';
      destroyAll();
    },
    lost: () => lost,
    spoil: (reply) => {
      spoilt = reply;
    },
    mend: () => {
      whole = true;
      loses = undefined;
      spoilt = undefined;
      for (const socket of sockets) socket.resume();
    },
    close: () => {
      server.close();
      destroyAll();
    },
  };
}
