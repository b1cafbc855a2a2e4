import path from 'node:path';
import type { LoopDelay } from '../loop-delay.ts';
import { startNode } from '../node-process.ts';
import type { ModelCall } from './call-log.ts';

export interface ModelProcess extends AsyncDisposable {
  /** Base URL, as `OPENAI_BASE_URL` takes it. */
  readonly url: string;
}

/** Starts the scripted model in a process of its own, which does not outlive this one. */
export async function startModel(): Promise<ModelProcess> {
  const script = path.resolve(import.meta.dirname, '../model.ts');
  const model = await startNode({ args: [script], ready: 'http://' });
  return { url: model.greeting, [Symbol.asyncDispose]: () => model[Symbol.asyncDispose]() };
}

/** What the model tells of itself. */
export interface ModelReports {
  calls(key: string): Promise<ModelCall[]>;
  forget(): Promise<void>;
  loopDelay(): Promise<ReturnType<LoopDelay['read']>>;
}

/** Asks the model over its own HTTP. `url` is its base URL. */
export function createModelReports(url: string): ModelReports {
  const ask = async (path: string, method = 'GET') => {
    const response = await fetch(new URL(path, url), { method });
    if (!response.ok) throw new Error(`the model answers ${response.status} to ${path}`);
    return response.json();
  };
  return {
    calls: async (key) => (await ask(`/calls?key=${key}`)) as ModelCall[],
    forget: async () => void (await ask('/calls', 'DELETE')),
    loopDelay: async () => (await ask('/loop-delay')) as ReturnType<LoopDelay['read']>,
  };
}
