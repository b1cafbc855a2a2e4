import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import type { LambdaFunction } from './function.ts';

/** What events say of a caller who has signed the request. */
const CALLER = { userArn: 'arn:aws:iam::000000000000:user/somebody', accountId: '000000000000' };

export interface FrontOptions {
  /** A Function URL, or a REST API with proxy integration. */
  kind?: 'function-url' | 'rest-api';
  /** Whether IAM has to let callers in, and then names them; everybody is taken as signed. Default: true. */
  iam?: boolean;
  /** Bodies of every type come as base64. */
  base64?: boolean;
}

export interface HttpFront extends AsyncDisposable {
  readonly url: string;
}

/** What stands before a function with response streaming: HTTP becomes events, and what the function streams becomes HTTP. */
export async function openFront(
  fn: LambdaFunction,
  { kind = 'function-url', iam = true, base64 = false }: FrontOptions = {},
): Promise<HttpFront> {
  const eventOf = kind === 'rest-api' ? restEvent : functionUrlEvent;
  const server = createServer((request, response) => {
    void serve(request, response).catch((error: unknown) => {
      if (response.headersSent) response.destroy();
      else response.writeHead(502).end(String(error));
    });
  });
  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const event = eventOf(request, await bodyOf(request, base64), iam);
    const { response: answer } = await fn.invoke(event);
    const streamed = await answer;
    if (streamed) await passOn(streamed, response);
    else response.writeHead(502).end('Internal Server Error');
  }
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

interface Body {
  body: string | null;
  isBase64Encoded: boolean;
}

async function bodyOf(request: IncomingMessage, base64: boolean): Promise<Body> {
  const bytes = await buffer(request);
  if (bytes.length === 0) return { body: null, isBase64Encoded: false };
  const isText = /^(text\/|application\/json)/.test(request.headers['content-type'] ?? '');
  const isBase64Encoded = base64 || !isText;
  return { body: bytes.toString(isBase64Encoded ? 'base64' : 'utf8'), isBase64Encoded };
}

/** https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html#urls-payloads */
function functionUrlEvent(request: IncomingMessage, body: Body, iam: boolean): object {
  const { pathname, search } = new URL(request.url ?? '/', 'http://localhost');
  const { cookie, ...headers } = request.headersDistinct;
  const joined = Object.entries(headers).map(([name, values]) => [name, values?.join(',')]);
  return {
    version: '2.0',
    routeKey: '$default',
    rawPath: decodeURI(pathname),
    rawQueryString: search.slice(1),
    ...(cookie ? { cookies: cookie.join('; ').split('; ') } : {}),
    headers: Object.fromEntries(joined) as Record<string, string>,
    requestContext: {
      authentication: null,
      ...(iam ? { authorizer: { iam: CALLER } } : {}),
      domainName: 'abcdefghij.lambda-url.eu-central-1.on.aws',
      http: { method: request.method, path: pathname, protocol: 'HTTP/1.1' },
    },
    ...(body.body === null ? { isBase64Encoded: false } : body),
  };
}

/** https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html */
function restEvent(request: IncomingMessage, body: Body, iam: boolean): object {
  const { pathname, searchParams } = new URL(request.url ?? '/', 'http://localhost');
  const query: Record<string, string[]> = {};
  for (const [name, value] of searchParams) (query[name] ??= []).push(value);
  return {
    resource: '/{proxy+}',
    path: decodeURI(pathname),
    httpMethod: request.method,
    headers: request.headers,
    multiValueHeaders: request.headersDistinct,
    multiValueQueryStringParameters: Object.keys(query).length > 0 ? query : null,
    requestContext: {
      domainName: 'abcdefghij.execute-api.eu-central-1.amazonaws.com',
      identity: { sourceIp: '192.0.2.1', userArn: iam ? CALLER.userArn : null },
    },
    ...body,
  };
}

/** Splits the prelude off, then passes on what comes. A reader that has left does not stop the function. */
async function passOn(streamed: IncomingMessage, response: ServerResponse): Promise<void> {
  let head: Buffer | null = Buffer.alloc(0);
  for await (const chunk of streamed as AsyncIterable<Buffer>) {
    if (head === null) {
      response.write(chunk);
      continue;
    }
    head = Buffer.concat([head, chunk]);
    const end = head.indexOf(Buffer.alloc(8));
    if (end < 0) continue;
    const { statusCode, headers, cookies } = JSON.parse(head.subarray(0, end).toString()) as {
      statusCode: number;
      headers: Record<string, string>;
      cookies: string[];
    };
    response.writeHead(statusCode, {
      ...headers,
      ...(cookies.length > 0 ? { 'set-cookie': cookies } : {}),
    });
    response.flushHeaders();
    if (head.length > end + 8) response.write(head.subarray(end + 8));
    head = null;
  }
  response.end();
}
