import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { createServer as createTlsServer, type TlsOptions } from 'node:tls';

/** Stands before a server that others use too, so that it can be taken away from the service alone. */
export interface TcpProxy extends AsyncDisposable {
  readonly port: number;
  /** Cuts every connection and refuses new ones, as a server that has gone down does. */
  down(): Promise<void>;
  /** Listens again, on the same port. */
  up(): Promise<void>;
  /** A black hole: what is connected falls silent for good, and nobody is told; who connects anew finds silence too. */
  freeze(): void;
  /** New connections are served again. */
  thaw(): void;
  /**
   * Cuts a connection at the first reply to what a client has sent, where `when` says so of that: the server has done what
   * it was asked for, and the client does not hear of it.
   */
  cutReplies(when: (sent: Buffer) => boolean): void;
}

export interface TcpProxyOptions {
  host: string;
  port: number;
  /** Speaks TLS to clients, and plainly to the server behind. */
  tls?: TlsOptions;
}

export async function startTcpProxy({ tls, ...target }: TcpProxyOptions): Promise<TcpProxy> {
  const sockets = new Set<Socket>();
  let frozen = false;
  let cuts: (sent: Buffer) => boolean = () => false;

  function keep(socket: Socket, other?: Socket): void {
    sockets.add(socket);
    socket.on('error', () => other?.destroy());
    socket.on('close', () => {
      sockets.delete(socket);
      other?.destroy();
    });
  }

  function onConnection(downstream: Socket): void {
    if (frozen) {
      keep(downstream);
      return;
    }
    const upstream = connect(target);
    keep(downstream, upstream);
    keep(upstream, downstream);
    downstream.pipe(upstream);
    upstream.pipe(downstream);
    downstream.on('data', (sent: Buffer) => {
      if (!cuts(sent)) return;
      upstream.unpipe(downstream);
      upstream.once('data', () => downstream.destroy()).resume();
    });
  }

  const server = tls ? createTlsServer(tls, onConnection) : createServer(onConnection);
  const listen = async (port: number) => {
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
  };
  await listen(0);
  const { port } = server.address() as AddressInfo;
  const down = async () => {
    const closed = once(server, 'close');
    server.close();
    for (const socket of sockets) socket.destroy();
    await closed;
  };
  return {
    port,
    down,
    up: () => listen(port),
    freeze() {
      frozen = true;
      for (const socket of sockets) socket.unpipe().pause();
    },
    thaw: () => void (frozen = false),
    cutReplies: (when) => void (cuts = when),
    async [Symbol.asyncDispose]() {
      if (server.listening) await down();
    },
  };
}
