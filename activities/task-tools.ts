import { summaryOf, Waiting, type TaskTools } from '../agents/task-tools.ts';
import { callKey, type CallPlace } from '../contract/names.ts';
import type { TaskRecord } from '../contract/task.ts';
import type { Metrics } from '../metrics/create-metrics.ts';
import { cancelTree } from '../runs/cancel-tree.ts';
import type { RunsDeps } from '../runs/dependencies.ts';
import type { Store } from '../store/store.ts';
import { findTask } from './find-task.ts';
import { patiently } from './patiently.ts';
import { sendMessage } from './send-message.ts';
import { createSpawning, type SpawningDeps } from './spawning.ts';
import type { SpawnedTask } from './types.ts';

/** Most tasks that a list shows, or that one wait is for. */
const MOST = 100;

export interface TaskToolsDeps extends SpawningDeps, RunsDeps {
  metrics: Pick<Metrics, 'cancelRequests'>;
}

/** What a tool's call may do with tasks, and those that it has started so far. */
export interface CallTasks {
  tools: TaskTools;
  spawned: SpawnedTask[];
}

/** `TaskTools` of one call. Whatever it starts or sends has a key of the call's own, so that a retry repeats it and nothing more. */
export function createTaskTools(
  deps: TaskToolsDeps,
  { signal, ...place }: CallPlace & { agent: string; signal: AbortSignal },
): CallTasks {
  const { store, metrics } = deps;
  let sent = 0;
  const own = ownTask(store, place.taskId, signal);
  const { spawned, ...spawning } = createSpawning(deps, { place, own, signal });
  const find = async (task: string) => findTask({ store, own: await own() }, task);
  return {
    spawned,
    tools: {
      ...spawning,
      resultOf({ task_id }) {
        // Its end is then told as that of the call, and nowhere else.
        if (!spawned.some((own) => own.task_id === task_id))
          throw new Error(`${task_id} was not started by this call: wait for it with waitFor.`);
        return new Waiting({ kind: 'result', task_id });
      },
      async waitFor({ tasks, until = 'all', timeoutMs }) {
        const children = await (tasks
          ? Promise.all(tasks.map(find))
          : activeChildren(store, await own()));
        const stranger = children.find(({ parent }) => parent?.task_id !== place.taskId);
        if (stranger)
          throw new Error(`${stranger.id} was not started by you: you are not told of its end.`);
        return new Waiting({
          kind: 'tasks',
          task_ids: children.map(({ id }) => id),
          ...(!tasks && { others: true }),
          until,
          ...(timeoutMs !== undefined && { timeout_ms: timeoutMs }),
        });
      },
      async list() {
        const { id, owner } = await own();
        const { data } = await store.listTree(id, owner, { limit: MOST + 1 });
        return data.filter((task) => task.id !== id).map(summaryOf);
      },
      async send(to, text) {
        sent += 1;
        const key = `${callKey(place)}:${sent}`;
        const [self, addressee] = await Promise.all([own(), find(to)]);
        return sendMessage(deps.runs, addressee, { from: self.name ?? self.id, text, key });
      },
      async cancel(task, reason) {
        const self = await own();
        const target = await find(task);
        if (!target.ancestors.includes(self.id))
          throw new Error(`${target.id} is not below you: you can only cancel what you started.`);
        const request = { at: new Date().toISOString(), by: self.id, reason: reason ?? null };
        const { id, owner } = target;
        const cancels = (await cancelTree(deps, { id, owner, request })) ?? [];
        const isNews = cancels.some(({ kind }) => kind !== 'already_terminal');
        const outcome = isNews ? 'cancelling' : 'already_terminal';
        metrics.cancelRequests.inc({ outcome });
        return { task_id: id, outcome };
      },
    },
  };
}

/** Reads the record of the call's own task when it is first asked for. */
function ownTask(store: Store, id: string, signal: AbortSignal): () => Promise<TaskRecord> {
  let reading: Promise<TaskRecord> | undefined;
  const read = async () => {
    const task = await patiently(() => store.getTask(id), signal);
    if (!task) throw new Error(`The task ${id} was forgotten.`);
    return task;
  };
  return () => (reading ??= read());
}

async function activeChildren(store: Store, { id, owner }: TaskRecord): Promise<TaskRecord[]> {
  const filter = { owner, parent_task_id: id, status: ['PENDING', 'RUNNING'] as const };
  const { data } = await store.listTasks(filter, { limit: MOST, order: 'asc' });
  return data;
}
