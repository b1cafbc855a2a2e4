import type { Store } from '../store/store.ts';
import { invalidRequest } from './errors.ts';
import type { StartTask } from './schemas.ts';

/**
 * The conversation of a start: the one that it names, else that of the task which it goes on from. Throws `invalid_request`
 * where they differ. Whether that task is there, and has ended, is for the store to say.
 */
export async function conversationOf(
  store: Store,
  { conversation_id: named, continue_from }: StartTask,
  owner: string,
): Promise<string | undefined> {
  const source = continue_from && (await store.getTask(continue_from.task_id, owner));
  if (!source) return named;
  if (named !== undefined && named !== source.conversation_id) {
    const message =
      'is not a task of the conversation conversation_id; leave that out to go on in its own';
    throw invalidRequest('continue_from.task_id', message);
  }
  return source.conversation_id ?? undefined;
}
