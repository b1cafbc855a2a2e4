import type { Store } from '../store/store.ts';
import { invalidRequest } from './errors.ts';
import { recordId } from './own-task.ts';
import type { StartTask } from './schemas.ts';

/** Where a start belongs: its conversation, and whether it runs beside the turns there. */
export type StartPlace = Pick<StartTask, 'conversation_id' | 'detached'>;

/**
 * The conversation that a start names, else that of the task which it goes on from. A child that names neither runs beside
 * the turns of its parent's: it must not wait for its own parent there. Throws `invalid_request` where the first two differ.
 * Whether those tasks are there, and have ended, is for the store to say.
 */
export async function placeOf(store: Store, start: StartTask, owner: string): Promise<StartPlace> {
  const { conversation_id: named, continue_from, parent, detached } = start;
  if (continue_from) {
    const source = await store.getTask(continue_from.task_id, owner);
    if (!source) return { conversation_id: named, detached };
    if (named !== undefined && named !== source.conversation_id) {
      const message =
        'is not a task of the conversation conversation_id; leave that out to go on in its own';
      throw invalidRequest('continue_from.task_id', message);
    }
    return { conversation_id: source.conversation_id ?? undefined, detached };
  }
  if (named !== undefined || !parent) return { conversation_id: named, detached };
  const above = await store.getTask(parent.task_id, owner);
  const conversation_id = above?.conversation_id ?? undefined;
  return { conversation_id, detached: conversation_id === undefined ? detached : true };
}

/** The start with the ids of the records of the tasks that it names. */
export async function withRecordIds(store: Store, start: StartTask): Promise<StartTask> {
  const { parent, continue_from } = start;
  const named = async <T extends { task_id: string }>(task: T) => ({
    ...task,
    task_id: await recordId(store, task.task_id),
  });
  return {
    ...start,
    ...(parent && { parent: await named(parent) }),
    ...(continue_from && { continue_from: await named(continue_from) }),
  };
}
