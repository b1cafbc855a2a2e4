import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import { parseArgs } from 'node:util';
import { createCallBook, type ChatRequest, type RecordedRequest } from './model-calls.ts';
import { createScriptBook, type Turn } from './model-script.ts';
import { play, refuse } from './model-wire.ts';

export {
  ANY_KEY,
  DEFAULT_USAGE,
  gate,
  type Gate,
  type ScriptStep,
  type Turn,
} from './model-script.ts';
export type { RecordedRequest } from './model-calls.ts';

/** A model that says what its script says, over real HTTP. A script's key is the request's `model`. Calls count from 1. */
export interface ModelServer extends AsyncDisposable {
  /** For `OPENAI_BASE_URL`. */
  readonly url: string;
  /** What went against the script: the rig asserts that there is nothing. */
  readonly problems: string[];
  /** Adds turns to a key's script; each request takes the next one. */
  script(key: string, turns: readonly Turn[]): void;
  requests(key: string): RecordedRequest[];
  /** Drops what the requests so far have said: the prompts of a very long run are more than fits. */
  forget(key: string): void;
  /** How many requests have arrived. */
  calls(key: string): number;
  /** Resolves when the nth call has arrived. */
  arrived(key: string, n: number): Promise<void>;
  /** Text, without reasoning, that the nth call has sent so far. */
  sent(key: string, n: number): string;
  /** Who ended the nth call, once it has ended: `server` for a whole answer, a refusal and a `cut`. */
  closed(key: string, n: number): Promise<'client' | 'server'>;
  /** When the nth call ended, in milliseconds since 1970. */
  closedAt(key: string, n: number): Promise<number>;
}

/** Starts the scripted model on 127.0.0.1, on any free port unless one is given. `GET /calls` tells other processes. */
export async function startModelServer({ port = 0 }: { port?: number } = {}): Promise<ModelServer> {
  const script = createScriptBook();
  const calls = createCallBook();
  let stopping = false;
  const server = createServer((request, response) => {
    const answered = request.method === 'GET' ? report(response) : answer(request, response);
    answered.catch((error: unknown) => {
      script.problems.push(String(error));
      response.destroy();
    });
  });

  async function report(response: ServerResponse): Promise<void> {
    response.end(JSON.stringify({ problems: script.problems, calls: calls.summary() }));
  }

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = (await json(request)) as ChatRequest;
    const { authorization } = request.headers;
    const call = calls.arrive({ body, authorization, arrivedAt: Date.now() });
    const turn = script.take(body.model);
    response.on('close', () => {
      const byServer = stopping || call.cut || response.writableFinished;
      calls.close(call, byServer ? 'server' : 'client');
    });
    if (turn) await play(turn, call, response);
    else refuse(response, { status: 500, body: { error: { message: 'the script has run out' } } });
  }

  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    problems: script.problems,
    script: script.add,
    requests: (key) => calls.arrivedOf(key).map(({ request }) => request),
    forget: calls.forget,
    calls: (key) => calls.arrivedOf(key).length,
    arrived: (key, n) => calls.nth(key, n).arrived.promise,
    sent: (key, n) => calls.nth(key, n).sent,
    closed: async (key, n) => (await calls.nth(key, n).closed.promise).by,
    closedAt: async (key, n) => (await calls.nth(key, n).closed.promise).at,
    async [Symbol.asyncDispose]() {
      stopping = true;
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

/** `node test/support/model-server.ts --port N --script FILE`: FILE is JSON, `{ key: [turn, …] }`, without gates. */
async function main(): Promise<void> {
  const { values } = parseArgs({
    options: { port: { type: 'string' }, script: { type: 'string' } },
  });
  const server = await startModelServer({ port: Number(values.port ?? 0) });
  const text = values.script ? await readFile(values.script, 'utf8') : '{}';
  for (const [key, turns] of Object.entries(JSON.parse(text) as Record<string, Turn[]>)) {
    server.script(key, turns);
  }
  console.log(server.url);
}

if (import.meta.main) await main();
