import { createHoldfastClient } from '../../client/create-holdfast-client.ts';
import type { Frame } from '../../contract/frames.ts';
import { modelName, type ModelSpec } from '../model-spec.ts';
import { openSse, type SseEvent } from '../sse.ts';
import type { Chunk, Environment, OpenSystem, System } from '../system.ts';
import { createChunker } from './holdfast-chunks.ts';
import { startHoldfast, type HoldfastProcesses, type HoldfastShape } from './holdfast-processes.ts';

/** Holdfast as the scenarios that are its own see it. */
export interface OpenHoldfast extends OpenSystem {
  readonly processes: HoldfastProcesses;
}

export function isHoldfast(system: OpenSystem): system is OpenHoldfast {
  return 'processes' in system;
}

/** Holdfast in one of its shapes. */
export function createHoldfast(name: string, shape: HoldfastShape): System {
  return { name, open: (environment) => openHoldfast(environment, shape) };
}

/** Starts Holdfast on a database of its own. A run's first reader is on the first API process, every later one on the last. */
export async function openHoldfast(
  environment: Environment,
  shape: HoldfastShape,
): Promise<OpenHoldfast> {
  const processes = await startHoldfast(environment, shape);
  const first = processes.apiUrls[0] ?? '';
  const last = processes.apiUrls.at(-1) ?? '';
  const client = createHoldfastClient({ baseUrl: first });
  return {
    processes,
    settings: processes.settings,
    start: (spec, signal) => startRun(first, spec, signal),
    read: (runId, options) => readRun(last, runId, options),
    cancel: async (runId) => void (await client.cancel(runId)),
    async record(runId) {
      const { status, failure, output, partial_output } = await client.get(runId);
      const text = output && 'text' in output ? output.text : partial_output;
      return { status: failure ? `${status} (${failure.code})` : status, text };
    },
    crash: () => processes.crash(),
    pids: () => processes.pids(),
    readerPids: () => processes.apiPids().slice(-1),
    [Symbol.asyncDispose]: () => processes[Symbol.asyncDispose](),
  };
}

async function startRun(url: string, spec: ModelSpec, signal: AbortSignal) {
  const body = {
    input: 'Say what your name says.',
    model: `openai-compatible/${modelName(spec)}`,
    max_steps: spec.steps,
  };
  const response = await openSse(`${url}/v1/tasks`, { method: 'POST', body, signal });
  const runId = response.headers.location?.split('/').pop();
  if (response.status !== 200 || runId === undefined)
    throw new Error(`the start is answered ${response.status}: ${await response.text()}`);
  return { runId, chunks: toChunks(response.events) };
}

export async function* readRun(
  url: string,
  runId: string,
  { after, signal }: { after?: string; signal: AbortSignal },
): AsyncGenerator<Chunk> {
  const { status, events } = await openSse(`${url}/v1/tasks/${runId}/events`, {
    signal,
    ...(after !== undefined && { headers: { 'last-event-id': after } }),
  });
  if (status === 204) return;
  if (status !== 200) throw new Error(`the feed is answered ${status}`);
  yield* toChunks(events, after);
}

/** What a feed's events are to the scenarios. `after`: the cursor that the feed was opened with. */
export async function* toChunks(
  events: AsyncIterable<SseEvent>,
  after?: string,
): AsyncGenerator<Chunk> {
  const said = createChunker(after);
  for await (const { id, data, bytes, receivedAt } of events) {
    yield { id, bytes, receivedAt, ...said(JSON.parse(data) as Frame) };
  }
}
