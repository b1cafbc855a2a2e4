import { randomUUID } from 'node:crypto';
import path from 'node:path';
import { modelName, type ModelSpec } from '../model-spec.ts';
import { openSse, type SseEvent } from '../sse.ts';
import type { Chunk, Environment, OpenSystem, StartedRun, System } from '../system.ts';
import { ask } from './ask.ts';
import { startPeerServer } from './peer-server.ts';
import { describePackages, installPeer } from './peer.ts';

interface Message {
  type: string;
  content: string;
  tool_calls?: unknown[];
}

const LIMITS = {
  'production server':
    'not on npm: an image, which needs a LangSmith key or a licence (`langgraphjs up --help`). Measured is the server of npm, "designed for development and testing" (its own banner).',
  'run goes on after a crash':
    'no: only pending runs are taken up (dist/storage/ops.mjs, `next`). Seen after a SIGKILL: the run is `running` for ever, or 404 where the file was not written yet, which is when nothing has changed for 3 s (dist/storage/persist.mjs).',
  'resume after a crash':
    'no: the stream is kept in memory (dist/storage/ops.mjs, `StreamManager`). Seen after a SIGKILL: a reader who comes back waits for ever, or is told "Run not found".',
  'resume after the end':
    'while the process lives; nothing is ever let go of (dist/storage/ops.mjs, `readers`).',
  'partial after a cancel':
    'no: the state of the thread ends with the last node that came to its end. Seen: status `interrupted`, and no message of the interrupted step.',
  'end of a stream':
    'is found by looking at the run every 500 ms (dist/storage/ops.mjs, `join`), after a cancel as after success.',
};

/** The LangGraph JS server, with a graph of a model node and a tool node. A run's id is `<thread>/runs/<run>`, as in its paths. */
export const langgraph: System = { name: 'langgraph', limits: LIMITS, open: openLangGraph };

/** For 200 runs at once. Its own default of 10 would do 20 of them in two rounds; more than these cost time while they have nothing to do. */
const CONCURRENT_RUNS = 200;

async function openLangGraph({ modelUrl, scratchDir }: Environment): Promise<OpenSystem> {
  const folder = await installPeer('langgraph');
  const server = await startPeerServer({
    // The loader that the peer's own command starts it with.
    args: ['--import', 'tsx', path.join(folder, 'server.ts')],
    cwd: folder,
    env: {
      MODEL_URL: modelUrl,
      STATE_DIR: scratchDir,
      N_JOBS_PER_WORKER: String(CONCURRENT_RUNS),
      LOG_LEVEL: 'info',
      NODE_ENV: 'production',
    },
    ready: 'listens',
  });
  const threads = `${server.url}/threads`;
  return {
    settings: {
      versions: await describePackages(folder),
      node: `${process.version}, NODE_ENV=production`,
      processes: '1',
      'runs at once': String(CONCURRENT_RUNS),
      stream: 'messages-tuple, stream_resumable',
      durable: 'nothing but a file, written when nothing has changed for 3 s',
    },
    start: (spec, signal) => startRun(threads, spec, signal),
    read: (id, options) => joinRun(`${threads}/${id}/stream`, options),
    cancel: (id) => ask(`${threads}/${id}/cancel`, {}),
    record: (id) => readRecord(threads, id),
    crash: () => server.crash(),
    pids: () => server.pids(),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

async function startRun(
  threads: string,
  spec: ModelSpec,
  signal: AbortSignal,
): Promise<StartedRun> {
  const body = {
    assistant_id: 'agent',
    input: { messages: [{ role: 'user', content: 'Go on.' }] },
    config: { configurable: { model: modelName(spec) }, recursion_limit: 2 * spec.steps + 1 },
    stream_mode: ['messages-tuple'],
    stream_resumable: true,
    on_disconnect: 'continue',
    if_not_exists: 'create',
  };
  const { status, headers, events } = await openSse(`${threads}/${randomUUID()}/runs/stream`, {
    method: 'POST',
    body,
    signal,
  });
  const [, runId] = /^\/threads\/(.+)$/.exec(headers['content-location'] ?? '') ?? [];
  if (status !== 200 || runId === undefined) throw new Error(`the start is answered ${status}`);
  return { runId, chunks: toChunks(events) };
}

/** Behind `-1` is the beginning. */
async function* joinRun(
  url: string,
  { after = '-1', signal }: { after?: string; signal: AbortSignal },
): AsyncGenerator<Chunk> {
  const { status, events } = await openSse(url, { headers: { 'last-event-id': after }, signal });
  if (status !== 200) throw new Error(`the stream is answered ${status}`);
  yield* toChunks(events);
}

async function* toChunks(events: AsyncIterable<SseEvent>): AsyncGenerator<Chunk> {
  for await (const { id, event, data, bytes, receivedAt } of events) {
    if (event === 'error') throw new Error(`the stream tells of an error: ${data}`);
    yield { id, text: event === 'messages' ? readText(data) : '', bytes, receivedAt };
  }
}

function readText(data: string): string {
  const [message] = JSON.parse(data) as [Message];
  return message.type === 'ai' ? message.content : '';
}

/** The answer is the last message of the thread's state, where that is the model's and calls no tool. */
async function readRecord(threads: string, id: string): ReturnType<OpenSystem['record']> {
  // A crash can take the thread away, and its state with it.
  if ((await fetch(`${threads}/${id}`)).status === 404) return { status: '404', text: null };
  const { status } = await ask<{ status: string }>(`${threads}/${id}`);
  const thread = id.split('/')[0];
  const { values } = await ask<{ values: { messages?: Message[] } | null }>(
    `${threads}/${thread}/state`,
  );
  const last = values?.messages?.at(-1);
  const answers = last?.type === 'ai' && !last.tool_calls?.length;
  return { status, text: answers ? last.content : null };
}
