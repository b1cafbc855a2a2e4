import type { Store, TaskFilter } from '../store/store.ts';
import { recordId } from './own-task.ts';
import { metadataKey, type ListTasksQuery } from './list-schemas.ts';

/** What a query asks of the list, for one owner. */
export async function taskFilter(
  store: Store,
  query: ListTasksQuery,
  owner: string,
): Promise<TaskFilter> {
  const {
    limit: _limit,
    order: _order,
    cursor: _cursor,
    status,
    parent_task_id,
    ...fields
  } = query;
  const metadata: [string, string][] = [];
  const plain: [string, unknown][] = [];
  for (const [name, value] of Object.entries(fields)) {
    const key = metadataKey(name);
    if (key !== null) metadata.push([key, value as string]);
    else if (value !== undefined) plain.push([name, value]);
  }
  return {
    ...Object.fromEntries(plain),
    owner,
    ...(status !== undefined && { status: [status].flat() }),
    ...(parent_task_id !== undefined && {
      parent_task_id: await recordId(store, parent_task_id),
    }),
    ...(metadata.length > 0 && { metadata: Object.fromEntries(metadata) }),
  };
}
