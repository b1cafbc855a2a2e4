import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { pipeline } from 'node:stream';

/** A TCP load balancer without stickiness: each connection goes to the next server, past those that refuse it. */
export interface Balancer extends AsyncDisposable {
  readonly port: number;
}

/** Listens on 127.0.0.1, on any free port unless one is given. Disposing it cuts every connection. */
export async function startBalancer(ports: readonly number[], port = 0): Promise<Balancer> {
  const sockets = new Set<Socket>();
  let turn = 0;
  const keep = (socket: Socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => socket.destroy());
  };

  async function pass(downstream: Socket): Promise<void> {
    keep(downstream);
    const first = turn++ % ports.length;
    const upstream = await connectFirst([...ports.slice(first), ...ports.slice(0, first)]);
    if (upstream) keep(upstream);
    if (upstream && !downstream.destroyed) join(downstream, upstream);
    else [downstream, upstream].forEach((socket) => socket?.destroy());
  }
  const server = createServer({ allowHalfOpen: true }, (downstream) => void pass(downstream));
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      const closed = once(server, 'close');
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

/** A connection to the first that takes one; null where none does. */
async function connectFirst(ports: readonly number[]): Promise<Socket | null> {
  for (const port of ports) {
    const socket = connect({ host: '127.0.0.1', port, allowHalfOpen: true });
    try {
      await once(socket, 'connect');
      return socket;
    } catch {
      socket.destroy();
    }
  }
  return null;
}

/** Each side's end and its errors show at the other. */
function join(one: Socket, other: Socket): void {
  pipeline(one, other, () => {});
  pipeline(other, one, () => {});
}
