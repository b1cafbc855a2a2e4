import { z } from 'zod';
import { defineTool, type Tool } from '../../agents/tool.ts';
import type { Store } from '../../store/store.ts';
import type { Gate } from '../support/model-server.ts';

/** Tools and a store that tell a test where a run is, and wait for it. Everything is by task id. */
export function createStops() {
  /** Signals of the tool calls that have begun. */
  const begun = new Map<string, AbortSignal>();
  /** Where the next end of the task waits, before it is stored. */
  const beforeFinish = new Map<string, Gate>();
  /** Where it waits after it was stored. */
  const afterFinish = new Map<string, Gate>();
  /** Where the next look before a model call waits. */
  const beforeLook = new Map<string, Gate>();
  /** What `act` does before it returns. */
  const acts = new Map<string, () => Promise<void>>();

  const once = (gates: Map<string, Gate>, id: string) => {
    const held = gates.get(id);
    gates.delete(id);
    return held?.pass();
  };
  const wrapStore = (store: Store): Store => ({
    ...store,
    async finishTask(request) {
      await once(beforeFinish, request.taskId);
      const result = await store.finishTask(request);
      await once(afterFinish, request.taskId);
      return result;
    },
    async getTask(id, owner) {
      // The API names the owner; without it, this is the look before a model call.
      if (owner === undefined) await once(beforeLook, id);
      return store.getTask(id, owner);
    },
  });
  const parameters = z.object({});
  const tools: Tool[] = [
    defineTool({
      name: 'wait',
      description: 'Waits until it is told to stop.',
      parameters,
      run: (_, { taskId, signal }) => {
        begun.set(taskId, signal);
        return new Promise((_resolve, reject) => {
          signal.addEventListener('abort', () => reject(new Error('told to stop')));
        });
      },
    }),
    defineTool({
      name: 'sulk',
      description: 'Waits, and does not listen.',
      parameters,
      run: (_, { taskId, signal }) => {
        begun.set(taskId, signal);
        return new Promise(() => undefined);
      },
    }),
    defineTool({
      name: 'act',
      description: 'Does what the test asks for.',
      parameters,
      run: async (_, { taskId }) => {
        await acts.get(taskId)?.();
        return 'done';
      },
    }),
  ];
  return { begun, beforeFinish, afterFinish, beforeLook, acts, wrapStore, tools };
}
