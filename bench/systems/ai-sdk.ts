import { randomUUID } from 'node:crypto';
import path from 'node:path';
import { modelName, type ModelSpec } from '../model-spec.ts';
import { openSse, type SseEvent } from '../sse.ts';
import type { Chunk, Environment, OpenSystem, StartedRun, System } from '../system.ts';
import { ask } from './ask.ts';
import { startPeerServer } from './peer-server.ts';
import { describePackages, installPeer } from './peer.ts';

/** A chat as the peer's store has it. */
interface Chat {
  messages: { role: string; parts: { type: string; text?: string }[] }[];
  activeStreamId: string | null;
}

/** A part of the UI message stream. */
interface StreamPart {
  type: string;
  delta?: string;
  errorText?: string;
}

const LIMITS = {
  'run goes on after a crash': 'no: seen after a SIGKILL, the model is not called again.',
  'resume after a crash':
    'no: what was said is kept in the memory of the process that says it (resumable-stream, dist/runtime.js, `chunks`), Redis only carries it to others. Seen after a SIGKILL: 500 after a second, "Timeout waiting for ack".',
  'resume after the end':
    'no: 204, as in the guide. Of a stream that has ended the word DONE is kept (dist/runtime.js). The message is read from the chat store.',
  'resume without a repetition':
    'only where application and reader count characters, for `resumeAt` (README of resumable-stream; so it is measured here). By itself `useChat` asks for no position and takes the whole stream again (guide "Chatbot Resume Streams").',
  cancel:
    'by an endpoint that the application writes (guide "Chatbot Resume Streams"), in the process that runs it. A closed connection must not be a cancel where streams are resumed (guide "Abort and resumable streams").',
  'partial after a cancel':
    'as the application stores it: `onEnd` is given it, its text part marked `streaming`.',
  'status of a run': 'none: `onEnd` is told `isAborted`, and the guides keep no status.',
};

/** The Vercel AI SDK, its streams made resumable by resumable-stream on Redis. A run is a chat of one question. */
export const aiSdk: System = { name: 'ai-sdk', limits: LIMITS, open: openAiSdk };

async function openAiSdk({ modelUrl, redisUrl }: Environment): Promise<OpenSystem> {
  const folder = await installPeer('ai-sdk');
  const server = await startPeerServer({
    args: [path.join(folder, 'server.ts')],
    env: { MODEL_URL: modelUrl, REDIS_URL: redisUrl, NODE_ENV: 'production' },
    ready: 'listens',
  });
  const chat = (id: string) => `${server.url}/api/chat/${id}`;
  return {
    settings: {
      versions: await describePackages(folder),
      node: `${process.version}, NODE_ENV=production`,
      processes: '1',
      durable: 'messages at the end of a run (Redis); nothing of a stream',
    },
    start: (spec, signal) => startChat(`${server.url}/api/chat`, spec, signal),
    read: (id, options) => resumeChat(`${chat(id)}/stream`, options),
    cancel: (id) => ask(`${chat(id)}/stop`, {}),
    record: async (id) => readRecord(await ask<Chat>(chat(id))),
    crash: () => server.crash(),
    pids: () => server.pids(),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

async function startChat(url: string, spec: ModelSpec, signal: AbortSignal): Promise<StartedRun> {
  const id = randomUUID();
  const message = { id: randomUUID(), role: 'user', parts: [{ type: 'text', text: 'Go on.' }] };
  const body = { id, message, model: modelName(spec) };
  const { status, events } = await openSse(url, { method: 'POST', body, signal });
  if (status !== 200) throw new Error(`the start is answered ${status}`);
  return { runId: id, chunks: toChunks(events, 0) };
}

async function* resumeChat(
  url: string,
  { after = '0', signal }: { after?: string; signal: AbortSignal },
): AsyncGenerator<Chunk> {
  const { status, events } = await openSse(`${url}?resumeAt=${after}`, { signal });
  if (status !== 200) throw new Error(`the stream is answered ${status}`);
  yield* toChunks(events, Number(after));
}

/** `position`: characters of the stream that are behind the reader, which is what `resumeAt` counts. */
async function* toChunks(events: AsyncIterable<SseEvent>, position: number): AsyncGenerator<Chunk> {
  for await (const { data, bytes, receivedAt } of events) {
    position += `data: ${data}\n\n`.length;
    const part: StreamPart =
      data === '[DONE]' ? { type: 'done' } : (JSON.parse(data) as StreamPart);
    if (part.type === 'error') throw new Error(`the stream tells of an error: ${part.errorText}`);
    const text = part.type === 'text-delta' ? (part.delta ?? '') : '';
    yield { id: String(position), text, bytes, receivedAt };
  }
}

/** The answer is what the last step says. */
function readRecord({ messages, activeStreamId }: Chat): { status: string; text: string | null } {
  const last = messages.at(-1);
  const parts = last?.role === 'assistant' ? last.parts : [];
  const step = parts.slice(parts.findLastIndex(({ type }) => type === 'step-start') + 1);
  const texts = step.flatMap(({ type, text }) => (type === 'text' && text ? [text] : []));
  return {
    status: activeStreamId === null ? 'none' : 'none (a stream is under way)',
    text: texts.length > 0 ? texts.join('') : null,
  };
}
