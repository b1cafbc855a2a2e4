import { expect, it } from 'vitest';
import { createHubs } from '../../../api/feed/hubs.ts';
import { createTasks } from '../../../api/tasks/create-tasks.ts';
import { EMPTY_LOG } from '../../../contract/log-digest.ts';
import type { TaskRecord } from '../../../contract/task.ts';
import { createMetrics } from '../../../metrics/create-metrics.ts';
import { createInProcessRelay } from '../../../relay/in-process.ts';
import type { RunClient } from '../../../runs/run-client.ts';
import type { Store } from '../../../store/store.ts';
import { newTask } from '../../store/fixtures.ts';
import { appended, progress } from '../appended-entries.ts';

it('hears what a run says before its start is answered, where a reader follows at once', async () => {
  const written = appended(EMPTY_LOG, progress(2, 'begun'), progress(3, 'thinking'));
  const relay = createInProcessRelay();
  const unreachable = () => Promise.reject(new Error('nobody answers'));
  const runs: RunClient = {
    async start({ id }) {
      for (const appended of written) relay.publish(id, { kind: 'written', appended });
      relay.publish(id, { kind: 'log', lastSeq: 3, digest: written.at(-1)?.digest });
      return true;
    },
    cancel: unreachable,
    signal: unreachable,
    message: unreachable,
    decide: unreachable,
    query: unreachable,
    describe: unreachable,
    unpause: unreachable,
    forget: unreachable,
  };
  const task = { ...newTask(), status: 'PENDING', queued: null } as unknown as TaskRecord;
  const store = {
    acceptTask: async () => ({ task, created: true, interrupted: [] }),
    markStarted: async () => undefined,
    getTask: async () => task,
  } as unknown as Store;
  const metrics = createMetrics();
  await using hubs = createHubs({ store, relay, runs, metrics });
  await createTasks({ store, relay, runs, hubs, metrics }).start(newTask(), { watched: true });
  const { hub, release } = await hubs.lease(task);
  expect(hub.task.log.slice(1)).toEqual(written.map(({ entry }) => entry));
  release();
});
