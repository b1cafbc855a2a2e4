import { once } from 'node:events';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createAdaptorServer } from '@hono/node-server';

export interface HttpServerOptions {
  fetch(request: Request, env: unknown): Response | Promise<Response>;
  host: string;
  /** 0: any free port. */
  port: number;
}

export interface HttpServer {
  /** Where it answers, without a slash at its end. */
  url: string;
  /** From now on a connection ends with the answer that it waits for, so that its client opens the next one elsewhere. */
  sendAway(): void;
  /** Takes no new connections, and waits a while for the answers that are under way. */
  close(): Promise<void>;
}

/** Longer than load balancers keep an idle connection (60 s): they would send a request into one that is just being closed. */
const KEEP_ALIVE_MS = 75_000;
/** Answers that are under way at the end get this long. */
const CLOSE_WITHIN_MS = 5_000;

/** Listens. Throws where the port is taken. */
export async function openHttpServer({
  fetch,
  host,
  port,
}: HttpServerOptions): Promise<HttpServer> {
  const server = createAdaptorServer({ fetch }) as Server;
  server.keepAliveTimeout = KEEP_ALIVE_MS;
  let away = false;
  // Ahead of the adaptor's own listener, which may answer at once.
  server.prependListener('request', ({ socket }: IncomingMessage, response: ServerResponse) => {
    if (away) response.setHeader('Connection', 'close');
    // Node keeps a connection open whose answer began before, also when the server is closed.
    response.once('finish', () => {
      if (away) socket.destroySoon();
    });
  });
  server.listen(port, host);
  await once(server, 'listening');
  return {
    url: urlOf(server.address() as AddressInfo),
    sendAway: () => void (away = true),
    async close() {
      const closed = once(server, 'close');
      server.close();
      const force = setTimeout(() => server.closeAllConnections(), CLOSE_WITHIN_MS);
      await closed;
      clearTimeout(force);
    },
  };
}

function urlOf({ address, family, port }: AddressInfo): string {
  return `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`;
}
