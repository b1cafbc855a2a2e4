import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { request, type ClientRequest, type IncomingMessage } from 'node:http';
import path from 'node:path';
import { json } from 'node:stream/consumers';

/**
 * What AWS's runtime for Node does in a function's environment: loads the handler that `_HANDLER` names, and carries out one
 * invocation after the other. The protocol is the real one: https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
 */

const API = `http://${process.env['AWS_LAMBDA_RUNTIME_API']}/2018-06-01/runtime`;
const STREAMING = Symbol('streaming');
const HTTP_RESPONSE = 'application/vnd.awslambda.http-integration-response';

type Handler = ((...args: unknown[]) => Promise<unknown>) & { [STREAMING]?: boolean };
type ResponseStream = ClientRequest & { setContentType(type: string): void };

/** Status and headers go ahead of the first bytes of the body, with eight zero bytes between. */
function withPrelude(stream: ResponseStream, prelude: object): ResponseStream {
  stream.setContentType(HTTP_RESPONSE);
  const write = stream.write.bind(stream) as (...args: unknown[]) => boolean;
  stream.write = (...args: unknown[]) => {
    stream.write = write;
    write(JSON.stringify(prelude));
    write(new Uint8Array(8));
    return write(...args);
  };
  return stream;
}

Object.assign(globalThis, {
  awslambda: {
    streamifyResponse: (handler: Handler) => Object.assign(handler, { [STREAMING]: true }),
    HttpResponseStream: { from: withPrelude },
  },
});

/** `folder/file.name`: what the first of `folder/file.js`, `.mjs` and `.cjs` exports under the name. */
async function loadHandler(): Promise<Handler> {
  const [, base = '', name = ''] = /^(.*)\.(\w+)$/.exec(process.env['_HANDLER'] ?? '') ?? [];
  const root = path.resolve(process.env['LAMBDA_TASK_ROOT'] ?? '', base);
  const file = ['.js', '.mjs', '.cjs'].map((end) => root + end).find((one) => existsSync(one));
  if (!file) throw new Error(`no module ${root}`);
  const module = (await import(file)) as Record<string, Handler>;
  const handler = module[name];
  if (typeof handler !== 'function') throw new Error(`${file} exports no function ${name}`);
  return handler;
}

function post(pathname: string, headers: Record<string, string> = {}): ClientRequest {
  return request(API + pathname, { method: 'POST', headers });
}

/** Ends the request where it is still open, and waits for the answer. */
async function finish(sent: ClientRequest, body?: string): Promise<void> {
  const answered = once(sent, 'response') as Promise<[IncomingMessage]>;
  if (!sent.writableEnded) sent.end(body);
  const [answer] = await answered;
  answer.resume();
  await once(answer, 'end');
}

function errorBody(error: unknown): string {
  const { name, message, stack } = error instanceof Error ? error : new Error(String(error));
  return JSON.stringify({ errorType: name, errorMessage: message, trace: stack?.split('\n') });
}

async function carryOut(handler: Handler, invocation: IncomingMessage): Promise<void> {
  const event = await json(invocation);
  const id = String(invocation.headers['lambda-runtime-aws-request-id']);
  const deadline = Number(invocation.headers['lambda-runtime-deadline-ms']);
  const context = {
    awsRequestId: id,
    invokedFunctionArn: invocation.headers['lambda-runtime-invoked-function-arn'],
    functionName: process.env['AWS_LAMBDA_FUNCTION_NAME'],
    getRemainingTimeInMillis: () => deadline - Date.now(),
  };
  try {
    if (handler[STREAMING]) {
      const mode = { 'Lambda-Runtime-Function-Response-Mode': 'streaming' };
      const sent = post(`/invocation/${id}/response`, { ...mode, 'Transfer-Encoding': 'chunked' });
      const setContentType = (type: string) => sent.setHeader('Content-Type', type);
      const answered = once(sent, 'response') as Promise<[IncomingMessage]>;
      await handler(event, Object.assign(sent, { setContentType }), context);
      const [answer] = await answered;
      answer.resume();
      await once(answer, 'end');
    } else {
      const result = await handler(event, context);
      await finish(post(`/invocation/${id}/response`), JSON.stringify(result ?? null));
    }
  } catch (error) {
    await finish(post(`/invocation/${id}/error`), errorBody(error));
  }
}

async function main(): Promise<void> {
  const handler = await loadHandler().catch(async (error: unknown) => {
    await finish(post('/init/error'), errorBody(error));
    throw error;
  });
  for (;;) {
    const [invocation] = (await once(request(`${API}/invocation/next`).end(), 'response')) as [
      IncomingMessage,
    ];
    await carryOut(handler, invocation);
  }
}

await main();
