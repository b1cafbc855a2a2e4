import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { LambdaFunction } from './function.ts';

/** AWS Lambda's own API: enough to look at functions and to invoke them asynchronously. */
export interface LambdaApi extends AsyncDisposable {
  /** For `AWS_ENDPOINT_URL_LAMBDA`. */
  readonly url: string;
  /** Makes a function known by its ARN. */
  add(arn: string, fn: LambdaFunction): void;
}

/** https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html, and API_GetFunction.html beside it. */
export async function openLambdaApi(): Promise<LambdaApi> {
  const functions = new Map<string, LambdaFunction>();
  const server = createServer((request, response) => {
    request.resume();
    const fn = functions.get(arnOf(request));
    if (!fn) {
      response.writeHead(404, { 'X-Amzn-ErrorType': 'ResourceNotFoundException' }).end('{}');
    } else if (request.headers['x-amz-invocation-type'] === 'Event') {
      void fn.invoke({});
      response.writeHead(202).end();
    } else {
      response.writeHead(200, { 'Content-Type': 'application/json' });
      response.end('{"Configuration":{"State":"Active"}}');
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    add: (arn, fn) => functions.set(arn, fn),
    async [Symbol.asyncDispose]() {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

function arnOf({ url = '' }: IncomingMessage): string {
  return decodeURIComponent(/\/functions\/([^/]+)/.exec(url)?.[1] ?? '');
}
