import { modelName } from '../model-spec.ts';
import { openSse, type SseEvent, type SseRequest, type SseResponse } from '../sse.ts';
import type { Chunk, OpenSystem } from '../system.ts';
import { ask } from './ask.ts';

/** Speaks to a server as `bench/peers/common/serve-runs.ts` makes one. */
export function createRunsClient(
  url: string,
): Pick<OpenSystem, 'start' | 'read' | 'cancel' | 'record'> {
  const run = (id: string) => `${url}/runs/${id}`;
  return {
    async start(spec, signal) {
      const body = { model: modelName(spec) };
      const { headers, events } = await open(`${url}/runs`, { method: 'POST', body, signal });
      return { runId: headers.location?.split('/').pop() ?? '', chunks: toChunks(events) };
    },
    async *read(runId, { after, signal }) {
      const headers = after === undefined ? {} : { 'last-event-id': after };
      const { events } = await open(`${run(runId)}/stream`, { headers, signal });
      yield* toChunks(events);
    },
    cancel: (runId) => ask(`${run(runId)}/cancel`, {}),
    record: (runId) => ask(run(runId)),
  };
}

async function open(url: string, request: SseRequest): Promise<SseResponse> {
  const response = await openSse(url, request);
  if (response.status !== 200) throw new Error(`the stream answers ${response.status}`);
  return response;
}

async function* toChunks(events: AsyncIterable<SseEvent>): AsyncGenerator<Chunk> {
  for await (const { id, event, data, bytes, receivedAt } of events) {
    const text = JSON.parse(data) as string;
    yield { id, text, bytes, receivedAt, ...(event === 'reset' && { reset: true }) };
  }
}
