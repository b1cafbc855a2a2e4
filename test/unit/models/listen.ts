import { afterAll, beforeAll, expect } from 'vitest';
import { createModels } from '../../../activities/models/create-models.ts';
import type { ModelFailure, ModelPart, ModelRequest } from '../../../activities/models/model.ts';
import { startModelServer, type ModelServer, type Turn } from '../../support/model-server.ts';

export const API_KEY = 'sk-test-0123456789abcdef';
export const never = new AbortController().signal;
export const HELLO: ModelRequest = { messages: [{ role: 'user', text: 'Hello' }], tools: [] };

/** What was said until the end; `failure` where that was one. */
export async function collect(stream: AsyncIterable<ModelPart>) {
  const parts: ModelPart[] = [];
  try {
    for await (const part of stream) parts.push(part);
  } catch (error) {
    return { parts, failure: error as ModelFailure };
  }
  return { parts, failure: undefined };
}

export function said(parts: readonly ModelPart[], kind: 'text' | 'reasoning' = 'text'): string {
  return parts
    .map((part) => (part.type === 'text' && part.kind === kind ? part.text : ''))
    .join('');
}

/** A scripted model for the tests of one file, and the adapter to ask it with. */
export function useScriptedModel() {
  let server!: ModelServer;
  beforeAll(async () => {
    server = await startModelServer();
  });
  afterAll(async () => {
    expect(server.problems).toEqual([]);
    await server[Symbol.asyncDispose]();
  });

  function ask(key: string, request: Partial<ModelRequest> = {}, signal = never) {
    const models = createModels({ openaiBaseUrl: server.url, openaiApiKey: API_KEY });
    return models(`openai-compatible/${key}`).stream({ ...HELLO, ...request }, signal);
  }

  return {
    ask,
    get server() {
      return server;
    },
    /** Everything that one turn of a script says. */
    async listen(key: string, turn: Turn, signal = never) {
      server.script(key, [turn]);
      return collect(ask(key, {}, signal));
    },
  };
}
