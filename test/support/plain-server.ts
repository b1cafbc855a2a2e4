import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';

/** An HTTP server for one test. Ends with every connection at the end of its scope. */
export interface PlainServer extends AsyncDisposable {
  /** With a slash at its end. */
  readonly url: string;
  readonly port: number;
  /** Requests so far. */
  readonly requests: number;
}

/** Serves `handler` on a loopback address: 127.0.0.1 and any free port unless others are given. */
export async function startPlainServer(
  handler: RequestListener,
  { host = '127.0.0.1', port = 0 }: { host?: string; port?: number } = {},
): Promise<PlainServer> {
  let requests = 0;
  const server = createServer((request, response) => {
    requests += 1;
    handler(request, response);
  });
  server.listen(port, host);
  await once(server, 'listening');
  const address = server.address() as AddressInfo;
  return {
    url: `http://${host}:${address.port}/`,
    port: address.port,
    get requests() {
      return requests;
    },
    async [Symbol.asyncDispose]() {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}
