import { expect, it } from 'vitest';
import { createCanceller } from '../../../api/tasks/cancel-task.ts';
import type { TasksDeps } from '../../../api/tasks/dependencies.ts';
import { watchTask } from '../../../api/feed/watched-task.ts';
import type { TaskRecord } from '../../../contract/task.ts';
import { createMetrics } from '../../../metrics/create-metrics.ts';
import { createInProcessRelay } from '../../../relay/in-process.ts';
import { eventually } from '../../support/within.ts';

/** More than are stopped at once. */
const TASKS = 40;
const LONG_MS = 60_000;

it('stops every task of a conversation before the end of one is waited for', async () => {
  const request = { at: new Date().toISOString(), by: null, reason: null };
  const results = Array.from({ length: TASKS }, (_, n) => ({
    kind: 'requested' as const,
    task: { id: `task_${n}`, status: 'RUNNING', cancel_request: request } as TaskRecord,
  }));
  const stopped = new Set<string>();
  const closing = new AbortController();
  const deps = {
    store: {
      cancelConversation: async () => results,
      markCancelSent: async () => undefined,
      getTask: async () => null,
    },
    runs: { cancel: async (id: string) => void stopped.add(id) },
    hubs: {
      lease: async ({ id }: TaskRecord) => ({
        hub: { task: watchTask(id, []), closed: closing.signal, onChange: () => () => undefined },
        release: () => undefined,
      }),
    },
    relay: createInProcessRelay(),
    metrics: createMetrics(),
  } as unknown as TasksDeps;
  const order = { id: 'conv_1', owner: 'me', by: null, reason: null, waitMs: LONG_MS };
  const cancelling = createCanceller(deps).cancelConversation(order);
  await eventually(async () => stopped.size === TASKS, 'all of them to be stopped');
  closing.abort();
  const outcomes = (await cancelling).map(({ outcome }) => outcome);
  expect(new Set(outcomes)).toEqual(new Set(['cancelling']));
});
