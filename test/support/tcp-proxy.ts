import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { Transform } from 'node:stream';
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
  /** Asks `intercept` of everything that a client sends from now on, with what stands for its connection. */
  intercept(intercept: Intercept): void;
}

export type Intercept = (sent: Buffer, connection: object) => Interception | null;

/** A connection on which nothing passes any more in one direction. */
export interface Interception {
  /** The `request` itself: the server never sees it. Its `reply`: the server has done what it was asked for, and the client does not hear of it. */
  holdBack: 'request' | 'reply';
  /** Called once it is held back. */
  held(cut: () => void): void;
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
  let intercept: Intercept = () => null;

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
    const passage = new Transform({
      transform(sent: Buffer, _encoding, pass) {
        const interception = intercept(sent, downstream);
        const held = () => interception?.held(() => downstream.destroy());
        // What it does not pass on holds up all that is behind it.
        if (interception?.holdBack === 'request') return held();
        if (interception) upstream.unpipe(downstream).once('data', held).resume();
        pass(null, sent);
      },
    });
    downstream.pipe(passage).pipe(upstream).pipe(downstream);
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
    intercept: (next) => void (intercept = next),
    async [Symbol.asyncDispose]() {
      if (server.listening) await down();
    },
  };
}
