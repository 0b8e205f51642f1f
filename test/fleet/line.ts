// A network between a host and its engine that the test can cut: nothing comes through until it is mended, and nobody is told.
// Or one that is slow: `delay` is how long each piece takes, in milliseconds, there and back.
import net from 'node:net';

export interface Line {
  readonly port: number;
  cut(): void;
  mend(): void;
  close(): void;
}

export async function startLine(port: number, delay = 0): Promise<Line> {
  let whole = true;
  const sockets = new Set<net.Socket>();
  const keep = (socket: net.Socket) => {
    sockets.add(socket);
    if (!whole) socket.pause();
    socket.on('error', () => {}).on('close', () => sockets.delete(socket));
  };
  const server = net.createServer((near) => {
    const far = net.connect(port, '127.0.0.1');
    const pass = (data: Buffer) => void far.write(data);
    near
      .on('data', (data) => (delay > 0 ? void setTimeout(pass, delay, data) : pass(data)))
      .on('close', () => far.destroy());
    far.on('data', (data) => near.write(data)).on('close', () => near.destroy());
    keep(near);
    keep(far);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as net.AddressInfo).port,
    cut: () => {
      whole = false;
      for (const socket of sockets) socket.pause();
    },
    mend: () => {
      whole = true;
      for (const socket of sockets) socket.resume();
    },
    close: () => {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}
