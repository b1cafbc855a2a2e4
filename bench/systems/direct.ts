import type { ModelSpec } from '../model-spec.ts';
import { modelName } from '../model-spec.ts';
import { openSse } from '../sse.ts';
import type { Chunk, OpenSystem, System } from '../system.ts';

interface ChatChunk {
  choices: { delta: { content?: string } }[];
}

/** No system at all: a reader connected straight to the model, which is what every other figure is to be held against. */
export const direct: System = {
  name: 'direct',
  open: ({ modelUrl }) => Promise.resolve(openDirect(modelUrl)),
};

function openDirect(modelUrl: string): OpenSystem {
  const none = () => Promise.reject(new Error('there is nothing between reader and model'));
  return {
    settings: { between: 'nothing' },
    start: async (spec, signal) => ({
      runId: spec.key,
      chunks: readSteps(modelUrl, spec, signal),
    }),
    read: () => {
      throw new Error('there is nothing between reader and model');
    },
    cancel: null,
    record: none,
    crash: none,
    pids: () => [],
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

async function* readSteps(
  modelUrl: string,
  spec: ModelSpec,
  signal: AbortSignal,
): AsyncGenerator<Chunk> {
  for (let done = 0; done < spec.steps; done += 1) {
    const messages = [{ role: 'user' }, ...Array.from({ length: done }, () => ({ role: 'tool' }))];
    const { events } = await openSse(`${modelUrl}/chat/completions`, {
      method: 'POST',
      body: { model: modelName(spec), stream: true, messages },
      signal,
    });
    for await (const { data, bytes, receivedAt } of events) {
      if (data === '[DONE]') continue;
      const { choices } = JSON.parse(data) as ChatChunk;
      yield { id: null, text: choices[0]?.delta.content ?? '', bytes, receivedAt };
    }
  }
}
