import {
  CHILD_END_SIGNAL,
  CHILD_EVENTS_SIGNAL,
  childEnd,
  type ChildEvents,
} from '../contract/children.ts';
import { isTerminal, type Parent, type TaskRecord } from '../contract/task.ts';
import type { RunsDeps } from './dependencies.ts';

/** Bytes of JSON of the log that are read for one signal. */
const PAGE_BYTES = 256 * 1024;

/**
 * Tells the run of a task's parent how the task has ended, by its workflow id, so that the run that goes on after
 * continue-as-new hears it too. A parent that has ended hears nothing any more. Throws where Temporal or the store cannot be
 * reached: the reconciler tells it again, and what is told twice counts once.
 */
export async function tellParent({ store, runs }: RunsDeps, task: TaskRecord): Promise<void> {
  if (!task.parent || !isTerminal(task.status)) return;
  const { task_id: taskId } = task.parent;
  if (!(await runs.signal({ taskId }, CHILD_END_SIGNAL, childEnd(task)))) {
    const above = await store.getTask(taskId);
    // Its run has not begun: it will be told then.
    if (above && !isTerminal(above.status)) return;
  }
  await store.markParentTold(task.id);
}

/**
 * The same for the reconciler, which comes where the first word did not arrive: then what the task had emitted may not have arrived
 * either.
 */
export async function tellParentAgain(deps: RunsDeps, task: TaskRecord): Promise<void> {
  if (task.parent && isTerminal(task.status)) await tellEvents(deps, task, task.parent);
  await tellParent(deps, task);
}

/** What the task has emitted, from its stored log. */
async function tellEvents(
  { store, runs }: RunsDeps,
  { id, name }: TaskRecord,
  { task_id: taskId, call_id }: Parent,
): Promise<void> {
  let from = 1;
  for (let after = 0, end = false; !end;) {
    const page = await store.readLog(id, after, PAGE_BYTES);
    const events = page.events.flatMap(({ type, data }) =>
      type === 'task.custom' ? [{ event_type: data.event_type, payload: data.payload }] : [],
    );
    const news: ChildEvents = { task_id: id, name, call_id, from, events };
    if (events.length > 0 && !(await runs.signal({ taskId }, CHILD_EVENTS_SIGNAL, news))) return;
    from += events.length;
    after = page.events.at(-1)?.seq ?? after;
    end = page.end || page.events.length === 0;
  }
}
