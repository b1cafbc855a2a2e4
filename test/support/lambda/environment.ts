import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { finished } from 'node:stream/promises';

const ROOT = path.resolve(import.meta.dirname, '../../..');
/** Characters of an environment's output that are kept. */
const KEPT_OUTPUT = 20_000;

export interface FunctionOptions {
  /** `folder/file.export`, as it is configured at AWS. */
  handler: string;
  settings: Record<string, string>;
  /** Then the environment is killed, in the middle of whatever it does. */
  timeoutMs: number;
}

/** How an invocation ended. `killed`: at its deadline. */
export type Outcome = 'done' | 'error' | 'killed';

export interface Invocation {
  /** The response once its first bytes are there; null where none was begun. */
  response: Promise<IncomingMessage | null>;
  ended: Promise<Outcome>;
}

/** A place where one invocation after the other runs; frozen in between, as Lambda does it. */
export interface Environment extends AsyncDisposable {
  readonly pid: number;
  /** Time from the start of the process until it asked for its first invocation, in milliseconds. */
  readonly initMs: number;
  invoke(event: unknown): Invocation;
  /** False once it is gone. */
  alive(): boolean;
  /** What it has written. */
  output(): string;
}

interface Running {
  id: string;
  response: PromiseWithResolvers<IncomingMessage | null>;
  ended: PromiseWithResolvers<Outcome>;
  failed: boolean;
  deadline: NodeJS.Timeout;
}

/** Starts an environment and waits until its handler is loaded. Throws what it said where that fails. */
export async function startEnvironment(options: FunctionOptions): Promise<Environment> {
  const { handler, settings, timeoutMs } = options;
  const startedAt = performance.now();
  const ready = Promise.withResolvers<void>();
  let running: Running | null = null;
  let waiting: ServerResponse | null = null;

  const end = (outcome: Outcome) => {
    if (!running) return;
    clearTimeout(running.deadline);
    running.response.resolve(null);
    running.ended.resolve(outcome);
    running = null;
  };
  const server = createServer((request, response) => {
    const [, step] =
      /\/2018-06-01\/runtime\/(?:invocation\/[^/]+\/|invocation\/|)(.+)$/.exec(request.url ?? '') ??
      [];
    if (step === 'next') {
      waiting = response;
      end(running?.failed ? 'error' : 'done');
      child.kill('SIGSTOP');
      ready.resolve();
      return;
    }
    void answer(step, request, response);
  });
  async function answer(
    step: string | undefined,
    request: IncomingMessage,
    response: ServerResponse,
  ) {
    if (request.headers['lambda-runtime-function-response-mode'] === 'streaming') {
      running?.response.resolve(request);
      await finished(request).catch(() => undefined);
    } else if (step === 'response') {
      await text(request);
    } else {
      const said = await text(request);
      if (step === 'init/error') ready.reject(new Error(`the handler was not loaded: ${said}`));
      if (running) running.failed = true;
      log(`${said}\n`);
    }
    response.writeHead(202).end('{"status":"OK"}');
  }

  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const child = spawn(process.execPath, [path.join(import.meta.dirname, 'runtime.ts')], {
    cwd: ROOT,
    env: {
      PATH: process.env.PATH,
      AWS_LAMBDA_RUNTIME_API: `127.0.0.1:${(server.address() as AddressInfo).port}`,
      AWS_LAMBDA_FUNCTION_NAME: 'holdfast',
      AWS_LAMBDA_FUNCTION_VERSION: '1',
      AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '1024',
      AWS_LAMBDA_LOG_GROUP_NAME: '/aws/lambda/holdfast',
      AWS_LAMBDA_LOG_STREAM_NAME: 'stream',
      LAMBDA_TASK_ROOT: ROOT,
      _HANDLER: handler,
      ...settings,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  const log = (more: string) => (output = (output + more).slice(-KEPT_OUTPUT));
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', log);
  const kill = () => child.kill('SIGKILL');
  process.once('exit', kill);
  const exited = once(child, 'exit').then(() => {
    process.off('exit', kill);
    ready.reject(new Error(`the environment ended while it started:\n${output}`));
    end('error');
    server.closeAllConnections();
    server.close();
  });
  await ready.promise;

  return {
    pid: child.pid ?? 0,
    initMs: performance.now() - startedAt,
    alive: () => child.exitCode === null && child.signalCode === null,
    output: () => output,
    invoke(event) {
      const deadline = setTimeout(() => {
        end('killed');
        kill();
      }, timeoutMs);
      running = {
        id: randomUUID(),
        response: Promise.withResolvers(),
        ended: Promise.withResolvers(),
        failed: false,
        deadline,
      };
      child.kill('SIGCONT');
      waiting
        ?.writeHead(200, {
          'Content-Type': 'application/json',
          'Lambda-Runtime-Aws-Request-Id': running.id,
          'Lambda-Runtime-Deadline-Ms': String(Date.now() + timeoutMs),
          'Lambda-Runtime-Invoked-Function-Arn':
            'arn:aws:lambda:eu-central-1:000000000000:function:holdfast',
        })
        .end(JSON.stringify(event));
      return { response: running.response.promise, ended: running.ended.promise };
    },
    async [Symbol.asyncDispose]() {
      kill();
      await exited;
    },
  };
}
